# SPDX-License-Identifier: Apache-2.0
"""Everything that only a booted Debian can show of the package; packaging/test-host runs it.

usage: tests.py PACKAGE [--previous PACKAGE] [--cuts N] [--only PART-OF-A-NAME]
"""

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
import traceback

import mail
from machine import FOLDER, Machine, Network, run

PORTS = {25: False, 465: True, 587: False, 110: False, 995: True}
UNITS = ["smtp", "smtps", "submission", "pop3", "pop3s"]
CHECKOUT = f"{os.path.dirname(os.path.abspath(__file__))}/../.."
# A mail server that ours takes the place of.
OTHER = "dma"
# What debian/tests needs, and what runs it.
TOOLS = ["autopkgtest", "dpkg-dev", "swaks", "curl", "libnet-ssleay-perl"]
MAILBOX = "/var/lib/wmailserver/usermanager/default/users/alice/Maildir"
figures, failures = {}, []


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


def eventually(question, seconds=60, what="it"):
    until = time.time() + seconds
    while time.time() < until:
        if question():
            return
        time.sleep(0.2)
    raise AssertionError(f"{what}: not within {seconds} s")


def as_client(body):
    """Runs body in a thread whose sockets are the other host's; returns what it returns."""
    result = {}

    def work():
        try:
            Network.enter()
            result["value"] = body()
        except BaseException as error:
            result["error"] = error
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if "error" in result:
        raise result["error"]
    return result["value"]


class Suite:
    def __init__(self, host, options, folder):
        self.host, self.folder = host, folder
        self.package, self.previous, self.cuts = options.package, options.previous, options.cuts
        self.certificate = f"{folder}/cert.pem"

    def workers(self):
        """Program → pids, of the service."""
        lines = self.host.run("ps", "-eo", "pid,comm,args").splitlines()
        found = {}
        for line in lines[1:]:
            pid, name, words = line.split(None, 2)
            if "/usr/lib/wmailserver/" in words:
                found.setdefault("transmit" if "transmit" in words else name, []).append(int(pid))
        return found

    def delivered(self):
        """Subject → how often it lies in the mailbox, as files."""
        text = self.host.shell(f"cd {MAILBOX} 2>/dev/null && grep -rhm1 '^Subject:' new cur || true")
        found = {}
        for line in text.splitlines():
            subject = line.split(":", 1)[1].strip()
            found[subject] = found.get(subject, 0) + 1
        return found

    def all_there(self, subjects, seconds=120):
        wanted = set(subjects)
        eventually(lambda: wanted <= set(self.delivered()), seconds, "every acknowledged message is delivered")

    def empty_mailbox(self):
        self.host.shell(f"find {MAILBOX} -type f -delete")

    # In this order

    def installs_and_listens_on_this_machine_alone(self):
        """Over another mail server, as every host has one that was told to send its reports."""
        self.host.run("apt-get", "install", "-qq", "-y", "--no-install-recommends", OTHER)
        # Without the name that it has made of the host's: ours asks only where there is none.
        self.host.run("rm", "-f", "/etc/mailname")
        self.before = self.files()
        self.host.put(self.package, "/root/new.deb")
        self.host.shell("echo wmailserver wmailserver/mailname string host.test | debconf-set-selections")
        began = time.time()
        self.host.run("apt-get", "install", "-qq", "-y", "/root/new.deb", timeout=600)
        figures["seconds to install"] = round(time.time() - began, 1)
        expect(self.host.run("systemctl", "is-active", "wmailserver").strip() == "active", "the service runs")
        expect("wmailserver" in self.host.run("dpkg", "-S", "/usr/sbin/sendmail"), "sendmail is ours")
        expect("deinstall" in self.host.run("dpkg-query", "-W", "-f", "${Status}", OTHER), f"{OTHER} has gone")
        listening = self.host.run("ss", "-Hltn")
        for port in PORTS:
            expect(f"127.0.0.1:{port} " in listening, f"nobody listens at {port}: {listening}")
        addresses = {line.split()[3].rsplit(":", 1)[0] for line in listening.splitlines()}
        expect(addresses == {"127.0.0.1"}, f"more than this machine is listened for: {listening}")
        journal = self.host.run("journalctl", "-u", "wmailserver", "--no-pager")
        expect("sandbox.missing" not in journal, f"a part of the sandbox is missing: {journal[-1500:]}")
        expect(self.host.run("cat", "/etc/mailname").strip() == mail.DOMAIN, "the preseeded mail name")
        figures["seconds from apt-get to the first message"] = None
        self.configure()
        as_client(lambda: self.send(mail.Network.ADDRESS, 25, "first"))
        self.all_there(["first"])
        figures["seconds from apt-get to the first message"] = round(time.time() - began, 1)

    def make_certificate(self):
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
            "30", "-subj", f"/CN={mail.DOMAIN}", "-addext", f"subjectAltName=DNS:{mail.DOMAIN}", "-keyout",
            f"{self.folder}/key.pem", "-out", self.certificate)

    def configure(self):
        self.make_certificate()
        for name in ("cert.pem", "key.pem"):
            self.host.write(f"/etc/wmailserver/ssl/{name}", open(f"{self.folder}/{name}").read(), "640")
        permissions = ["receive", "sendlocal"]
        self.host.write(
            "/var/lib/wmailserver/usermanager/default/group.json", json.dumps({
                "users": {name: {"password": mail.PASSWORD, "permissions": permissions} for name in mail.USERS},
                "bindDomains": [mail.DOMAIN], "aliases": {"root": "alice"}}), "600")
        # Load from one client is no attack here.
        self.host.shell("""
            cd /etc/wmailserver
            sed -i 's/"bindIP": "127.0.0.1"/"bindIP": ["0.0.0.0", "::"]/' config.json
            sed -i 's|^    "mailTry"|    "wMailServerSettings": { "unlimitedConnectionsFrom": ["10.78.0.0/24", "fd78::/64"] },\\n&|' config.json
            systemctl daemon-reload
            systemctl stop wmailserver.service
            systemctl restart 'wmailserver-*.socket'
            systemctl start wmailserver.service""")

    def send(self, address, port, subject, login=False):
        tls = mail.context(self.certificate)
        link = mail.SMTP(address, port, tls, implicit=PORTS[port])
        sender = "probe@elsewhere.test"
        if login:
            sender = f"bob@{mail.DOMAIN}"
            link.login("bob", mail.PASSWORD)
        link.sendmail(sender, [f"alice@{mail.DOMAIN}"], mail.message(subject, sender))
        link.quit()

    def mail_goes_in_and_out_over_tls_from_another_host(self):
        sent = []
        for address in (Network.ADDRESS, Network.ADDRESS6):
            for port in (25, 465, 587):
                subject = f"port-{port}-{address}"
                as_client(lambda: self.send(address, port, subject, login=port != 25))
                sent.append(subject)
        self.all_there(sent)
        for address in (Network.ADDRESS, Network.ADDRESS6):
            for port in (110, 995):
                found = as_client(lambda: mail.fetch(
                    address, port, mail.context(self.certificate), PORTS[port], "alice"))
                text = b"".join(found.values())
                for subject in sent:
                    expect(f"Subject: {subject}".encode() in text, f"{subject} is not served at {address} {port}")

    def nothing_is_wrong_in_the_log(self):
        """A system call that the unit forbids shows here, when another way was found or a client was put off."""
        text = self.host.run("journalctl", "-u", "wmailserver", "-p", "warning", "-o", "cat", "--no-pager")
        lines = [line for line in text.splitlines() if "event=" in line]
        expect(not lines, f"{len(lines)} warnings: {lines[:5]}")

    def a_connection_starts_the_service(self):
        self.host.run("systemctl", "stop", "wmailserver.service")
        as_client(lambda: self.send(Network.ADDRESS, 25, "started-by-it"))
        self.all_there(["started-by-it"])

    def every_process_is_what_it_should_be(self):
        table = {}
        for name, pids in self.workers().items():
            for pid in pids:
                facts = dict(line.split(":\t", 1) for line in self.host.run(
                    "cat", f"/proc/{pid}/status").splitlines() if ":\t" in line)
                user = self.host.run("id", "-nu", facts["Uid"].split()[0]).strip()
                expect("0" not in facts["Uid"].split(), f"{name} has a user id of root")
                expect("0" not in facts["Gid"].split() + facts["Groups"].split(), f"{name} is in root's group")
                allowed = 0xE0 if name == "master" else 0
                expect(int(facts["CapPrm"], 16) & ~allowed == 0, f"{name} may {facts['CapPrm']}")
                expect(int(facts["CapAmb"], 16) == 0, f"{name} passes {facts['CapAmb']} on")
                expect(facts["NoNewPrivs"] == "1" and facts["Seccomp"] == "2", f"{name} is not locked in")
                table[name] = {"user": user, "capabilities": facts["CapPrm"].lstrip("0") or "none"}
        expect(len({row["user"] for row in table.values()}) >= 5, f"processes share users: {table}")
        figures["processes"] = table

    def other_users_reach_nothing(self):
        for path in ["/etc/wmailserver/config.json", "/etc/wmailserver/ssl/key.pem", "/var/lib/wmailserver/queue",
                     "/var/lib/wmailserver/usermanager/default/group.json",
                     "/var/lib/wmailserver/usermanager/default/users"]:
            text = self.host.shell(f"setpriv --reuid nobody --clear-groups sh -c 'cat {path} || ls {path}' 2>&1 || true")
            expect("denied" in text, f"nobody reads {path}: {text}")

    def programs_of_this_host_send_mail(self):
        """As cron, apt and mutt do; the calling user is named, root's mail goes where the alias says."""
        def sendmail(words, text, user="nobody"):
            return self.host.run("sh", "-c", f"setpriv --reuid {user} --clear-groups {words} 2>&1; echo exit $?", input=text)
        done = sendmail("/usr/sbin/sendmail -FCronDaemon -i -B8BITMIME -oem root",
                        "From: root (Cron Daemon)\nTo: root\nSubject: from-cron\n\nout\n.\nmore\n")
        expect(done.endswith("exit 0\n"), done)
        done = sendmail("/usr/lib/sendmail -t -oi", "To: alice\nBcc: bob\nSubject: from-mutt\n\nx\n")
        expect(done.endswith("exit 0\n"), done)
        self.all_there(["from-cron", "from-mutt"])
        text = self.host.shell(f"cat $(grep -rl 'Subject: from-cron' {MAILBOX}/new {MAILBOX}/cur)")
        for line in ["user nobody, id 65534", f"From: root@{mail.DOMAIN} (Cron Daemon)", f"To: root@{mail.DOMAIN}",
                     "more"]:
            expect(line in text, f"{line} is missing: {text}")
        done = sendmail("/usr/sbin/sendmail nobody-there", "Subject: x\n\nx\n")
        expect(done.endswith("exit 67\n") and "5.1.1" in done, done)
        done = sendmail("/usr/sbin/sendmail -f root x@elsewhere.test", "Subject: x\n\nx\n")
        expect(done.endswith("exit 67\n"), f"a local program relays without a login: {done}")
        done = sendmail("/usr/sbin/sendmail -bs", "EHLO here\r\nQUIT\r\n")
        expect(done.startswith("220 ") and "221 " in done and done.endswith("exit 0\n"), done)
        expect(sendmail("newaliases", "").endswith("exit 0\n"), "newaliases")
        expect(self.host.run("sh", "-c", "mailq 2>&1; echo exit $?").endswith("exit 0\n"), "mailq")

    def exposure_is_small(self):
        text = self.host.run("systemd-analyze", "security", "--no-pager", "wmailserver.service")
        exposure = float(re.search(r"Overall exposure level for \S+: ([0-9.]+)", text).group(1))
        figures["systemd-analyze security"] = exposure
        expect(exposure <= 2.0, f"exposure {exposure}: {text}")

    def status_says_what_it_does(self):
        text = self.host.run("systemctl", "status", "--no-pager", "wmailserver.service")
        status = re.search(r'Status: "(.*)"', text)
        expect(status and "workers serve" in status.group(1) and "certificates until" in status.group(1), text)
        figures["status"] = status.group(1)

    def reload_cuts_nothing(self):
        with mail.Load(Network.ADDRESS) as load:
            for _ in range(5):
                time.sleep(1)
                self.host.run("systemctl", "reload", "wmailserver")
            time.sleep(2)
        expect(load.acknowledged, "nothing was sent at all")
        troubles = load.refused + load.cut + load.turned_away
        expect(not troubles, f"{len(troubles)} troubles of {len(load.acknowledged)}: {troubles[:3]}")
        self.all_there(load.acknowledged)
        figures["reload under load"] = f"5 reloads, {len(load.acknowledged)} messages, 0 refused, 0 cut, 0 lost"
        self.empty_mailbox()

    def restart_refuses_nobody(self):
        with mail.Load(Network.ADDRESS) as load:
            for _ in range(5):
                time.sleep(1)
                self.host.run("systemctl", "restart", "wmailserver")
            time.sleep(2)
        expect(load.acknowledged, "nothing was sent at all")
        expect(not load.refused, f"{len(load.refused)} connections were refused")
        self.all_there(load.acknowledged)
        figures["restart under load"] = (
            f"5 restarts, {len(load.acknowledged)} messages, 0 refused, "
            f"{len(load.turned_away) + len(load.cut)} sessions ended by it, 0 lost")
        self.empty_mailbox()

    def a_wrong_configuration_is_refused_by_reload(self):
        self.host.shell("cd /etc/wmailserver; cp -a config.json /root/config.json; sed -i 's/maxRecipients/maxRecipient/' config.json")
        try:
            text = self.host.shell(
                "systemctl reload wmailserver 2>&1 && echo taken || journalctl -u wmailserver -n 20 --no-pager")
            expect("maxRecipient" in text and "taken" not in text, text)
        finally:
            self.host.shell("cat /root/config.json >/etc/wmailserver/config.json; systemctl reload wmailserver")

    def watchdog_sees_hanging_workers_and_a_hanging_master(self):
        restarts = lambda: int(self.host.run("systemctl", "show", "-p", "NRestarts", "--value", "wmailserver").strip())
        before, victim = restarts(), self.workers()["smtpd"][0]
        self.host.run("kill", "-STOP", str(victim))
        eventually(lambda: victim not in self.workers().get("smtpd", []), 60, "a hanging smtpd is replaced")
        expect(restarts() == before, "the service was restarted for one hanging worker")
        master = self.workers()["master"][0]
        self.host.run("kill", "-STOP", str(master))
        eventually(lambda: restarts() == before + 1, 120, "a hanging master is replaced")
        eventually(lambda: self.host.run("systemctl", "is-active", "wmailserver", check=False).strip() == "active")
        as_client(lambda: self.send(Network.ADDRESS, 25, "after-the-watchdog"))
        self.all_there(["after-the-watchdog"])

    def metrics_are_written_for_node_exporter(self):
        folder = "/var/lib/prometheus/node-exporter"
        expect(self.host.run("systemctl", "is-enabled", "wmailserver-metrics.timer", check=False).strip() == "disabled",
               "the timer waits until it is asked for")
        self.host.shell(f"mkdir -p {folder}; systemctl enable -q --now wmailserver-metrics.timer")
        eventually(lambda: "\nwmail_up 1\n" in self.host.run("cat", f"{folder}/wmail.prom", check=False), 40, "numbers")
        first = self.host.run("stat", "-c", "%i", f"{folder}/wmail.prom")
        eventually(lambda: self.host.run("stat", "-c", "%i", f"{folder}/wmail.prom") != first, 40, "newer numbers")
        text = self.host.run("journalctl", "-u", "wmailserver-metrics.service", "-o", "cat", "--no-pager")
        lines = [line for line in text.splitlines() if "wMailServer" in line or "wmailserver" in line]
        expect(not lines, f"it fills the journal: {lines}")
        self.host.shell(f"systemctl disable -q --now wmailserver-metrics.timer; rm -r /var/lib/prometheus")

    def certbot_brings_a_new_certificate(self):
        """The deploy hook as certbot calls it, once for a domain of somebody else's."""
        live, ssl = "/etc/letsencrypt/live/host.test", "/etc/wmailserver/ssl"
        old = self.host.run("cat", f"{ssl}/cert.pem")
        self.make_certificate()
        for name, file in (("fullchain.pem", "cert.pem"), ("privkey.pem", "key.pem")):
            self.host.run("mkdir", "-p", live)
            self.host.write(f"{live}/{name}", open(f"{self.folder}/{file}").read(), "600")
        self.host.put(f"{CHECKOUT}/packaging/letsencrypt/wmailserver", "/root/hook")
        hook = f"RENEWED_LINEAGE={live} RENEWED_DOMAINS='%s' sh /root/hook"
        self.host.shell(hook % "www.elsewhere.test")
        expect(self.host.run("cat", f"{ssl}/cert.pem") == old, "another domain's certificate was taken")
        with mail.Load(Network.ADDRESS) as load:
            time.sleep(1)
            self.host.shell(hook % f"www.{mail.DOMAIN} {mail.DOMAIN}")
            time.sleep(1)
        troubles = load.refused + load.cut + load.turned_away
        expect(load.acknowledged and not troubles, f"a renewal disturbs clients: {troubles[:3]}")
        for port in (465, 995):
            as_client(lambda: mail.context(self.certificate).wrap_socket(
                mail.connect(Network.ADDRESS, port), server_hostname=mail.DOMAIN).close())
        rights = self.host.run("stat", "-c", "%U:%G %a", f"{ssl}/key.pem").strip()
        expect(rights == "root:wmail 640", f"the key is {rights}")
        self.host.shell("rm -r /etc/letsencrypt")
        self.all_there(load.acknowledged)
        self.empty_mailbox()

    def debian_tests_pass(self):
        """packaging/debian/tests, by autopkgtest, on the package that is installed."""
        group = "/var/lib/wmailserver/usermanager/default/group.json"
        self.host.shell(f"cp -a {group} /root/group.json; mkdir -p /root/source/debian/tests /root/source/debian/source")
        for name in ("control", "changelog", "tests/control", "tests/first-message", "source/format"):
            self.host.put(f"{CHECKOUT}/packaging/debian/{name}", f"/root/source/debian/{name}")
        done = self.host.shell("""chmod +x /root/source/debian/tests/first-message
            PYTHONDONTWRITEBYTECODE=1 autopkgtest --no-built-binaries --ignore-restrictions=isolation-container /root/source -- null 2>&1 || true""",
                               timeout=600)
        expect(re.search(r"^first-message +PASS$", done, re.M), done[-1500:])
        self.host.shell(f"cp -a /root/group.json {group}; rm -r /var/lib/wmailserver/usermanager/default/users/probe")
        self.host.run("systemctl", "restart", "wmailserver")

    def drop_in(self, text):
        """Changes the service's unit; nothing takes the change back."""
        path = "/etc/systemd/system/wmailserver.service.d/test.conf"
        if text:
            self.host.shell("mkdir -p /etc/systemd/system/wmailserver.service.d")
            self.host.write(path, f"[Service]\n{text}")
        else:
            self.host.shell(f"rm -r {os.path.dirname(path)}")
        self.host.run("systemctl", "daemon-reload")
        self.host.run("systemctl", "restart", "wmailserver")

    def credentials_of_systemd_are_served(self):
        self.host.shell("""
            mkdir -m 700 /root/keys; mv /etc/wmailserver/ssl/*.pem /root/keys
            cp -a /etc/wmailserver/config.json /root/config.json
            sed -i 's|./config/ssl/|/run/credentials/wmailserver.service/|g' /etc/wmailserver/config.json""")
        self.drop_in("LoadCredential=cert.pem:/root/keys/cert.pem\nLoadCredential=key.pem:/root/keys/key.pem\n")
        as_client(lambda: self.send(Network.ADDRESS, 465, "by-credential", login=True))
        self.host.shell("""
            mv /root/keys/*.pem /etc/wmailserver/ssl; rmdir /root/keys
            cat /root/config.json >/etc/wmailserver/config.json""")
        self.drop_in("")
        self.all_there(["by-credential"])

    def serves_without_root_and_without_capabilities(self):
        self.host.shell("systemctl stop wmailserver.service; chown -R wmail: /var/lib/wmailserver")
        self.drop_in("ExecStartPre=\nAmbientCapabilities=\nCapabilityBoundingSet=\n")
        for name, pids in self.workers().items():
            for pid in pids:
                text = self.host.run("cat", f"/proc/{pid}/status")
                expect(re.search(r"CapPrm:\s+0+\n", text), f"{name} has capabilities")
                expect(self.host.run("ps", "-o", "user=", "-p", str(pid)).strip() == "wmail", f"{name} is another user")
                # The first worker's seccomp is the unit's, two more are their own.
                expect("Seccomp:\t2" in text, f"{name} is not locked in")
        as_client(lambda: self.send(Network.ADDRESS, 587, "without-root", login=True))
        self.all_there(["without-root"])
        self.drop_in("")
        as_client(lambda: self.send(Network.ADDRESS, 25, "with-users-again"))
        self.all_there(["with-users-again"])
        expect(len({self.host.run("ps", "-o", "user=", "-p", str(pids[0])) for pids in self.workers().values()}) >= 5,
               "the users are not back")

    def upgrade_keeps_a_full_queue(self):
        """While a thousand messages lie in the queue: from the previous build, or of this one to a next version."""
        if self.previous:
            self.host.put(self.previous, "/root/previous.deb")
            self.host.run("apt-get", "install", "-qq", "-y", "--allow-downgrades", "/root/previous.deb", timeout=600)
            upgrade = "apt-get install -qq -y --allow-downgrades /root/new.deb"
        else:
            upgrade = """
                mkdir -p /root/next && dpkg-deb -R /root/new.deb /root/next
                sed -i 's/^Version: .*/&+next/' /root/next/DEBIAN/control
                dpkg-deb --root-owner-group -Zgzip -z1 -b /root/next /root/next.deb >/dev/null
                apt-get install -qq -y /root/next.deb"""
        self.host.run("systemctl", "restart", "wmailserver")
        for pid in self.workers()["relayd"]:
            self.host.run("kill", "-STOP", str(pid))
        subjects = [f"queued-{number}" for number in range(1000)]

        def fill():
            link = mail.SMTP(Network.ADDRESS, 25)
            for subject in subjects:
                link.sendmail("probe@elsewhere.test", [f"alice@{mail.DOMAIN}"], mail.message(subject, size=200))
            link.quit()
        as_client(fill)
        count = int(self.host.shell("find /var/lib/wmailserver/queue/local -type f | wc -l"))
        expect(count == 1000, f"{count} entries are queued")
        with mail.Load(Network.ADDRESS, threads=2) as load:
            self.host.shell(upgrade, timeout=600)
        expect(not load.refused, f"{len(load.refused)} connections were refused during the upgrade")
        self.all_there(subjects + load.acknowledged)
        twice = [subject for subject, count in self.delivered().items() if count > 1]
        expect(not twice, f"{len(twice)} messages came twice")
        figures["upgrade with a full queue"] = (
            f"1000 queued, {len(load.acknowledged)} sent during it, 0 refused, 0 lost, 0 twice")
        self.empty_mailbox()

    def power_cuts_lose_nothing(self):
        """Acknowledged against delivered, after each of so many cuts under load."""
        acknowledged, unacknowledged, twice = 0, 0, 0
        for number in range(self.cuts):
            # Only what the server flushes is to survive, not what this test has put there.
            self.host.run("sync")
            load = mail.Load(Network.ADDRESS, threads=8)
            load.__enter__()
            time.sleep(random.uniform(1, 3))
            self.host.cut_power()
            load.abandon()
            self.host.check_disk()
            subjects = list(load.acknowledged)
            self.host.boot()
            self.all_there(subjects)
            eventually(lambda: self.host.run("find", "/var/lib/wmailserver/queue/local", "-type", "f").strip() == "")
            found = self.delivered()
            torn = self.host.shell(f"""cd {MAILBOX}; for f in new/* cur/*; do [ -f "$f" ] || continue
                s=${{f##*,S=}}; s=${{s%%:*}}; [ "$(stat -c %s "$f")" = "$s" ] || echo "$f"; done""")
            expect(not torn, f"torn messages after cut {number + 1}: {torn[:300]}")
            acknowledged += len(subjects)
            unacknowledged += len(set(found) - set(subjects))
            twice += sum(1 for count in found.values() if count > 1)
            corrupt = self.host.run("find", "/var/lib/wmailserver/queue/corrupt", "-type", "f").split()
            figures["never acknowledged and put aside"] = len(corrupt)
            print(f"    cut {number + 1}: {len(subjects)} acknowledged, all there", flush=True)
            self.empty_mailbox()
        figures["power cuts"] = (
            f"{self.cuts} cuts, {acknowledged} acknowledged, 0 lost, {twice} twice, 0 torn, "
            f"{unacknowledged} delivered whole without having been acknowledged")

    def remove_keeps_mail_and_purge_nothing(self):
        as_client(lambda: self.send(Network.ADDRESS, 25, "kept"))
        self.all_there(["kept"])
        self.host.run("apt-get", "remove", "-qq", "-y", "wmailserver", timeout=600)
        expect("kept" in self.delivered(), "remove has taken mail away")
        expect(self.host.shell("test -e /etc/wmailserver/config.json && echo yes").strip() == "yes", "the configuration is gone")
        expect(not self.workers(), "processes are left")
        self.host.run("apt-get", "install", "-qq", "-y", "/root/new.deb", timeout=600)
        as_client(lambda: self.send(Network.ADDRESS, 25, "installed-again"))
        self.all_there(["kept", "installed-again"])
        self.host.run("apt-get", "purge", "-qq", "-y", "wmailserver", timeout=600)
        left = sorted(self.files() - self.before - {"/etc/mailname"})
        expect(not left, f"purge leaves {left[:20]}")
        names = self.host.shell("grep -h ^wmail /etc/passwd /etc/group || true")
        expect(not names, f"purge leaves users: {names}")
        units = self.host.run("systemctl", "list-units", "--all", "--plain", "--no-legend", "wmailserver*")
        expect("running" not in units and "listening" not in units, f"purge leaves units: {units}")

    def steps_of_the_container_work(self):
        """What packaging/container/Dockerfile does, where there is no engine: its script, its user, its command."""
        container = f"{CHECKOUT}/packaging/container"
        entry = json.loads(re.search(r"^ENTRYPOINT (.*)$", open(f"{container}/Dockerfile").read(), re.M).group(1))
        user = re.search(r"^USER (\d+):(\d+)$", open(f"{container}/Dockerfile").read(), re.M)
        self.host.put(self.package, "/tmp/wmailserver_test.deb")
        self.host.put(f"{container}/install", "/tmp/install")
        self.host.shell("sh /tmp/install")
        self.host.run("systemd-run", "--unit=container", "-p", f"User={user.group(1)}", "-p", f"Group={user.group(2)}",
                      "-p", "WorkingDirectory=/srv/mail", *entry)
        greeting = "exec 3<>/dev/tcp/127.0.0.1/2525 && read -t 5 -u 3 line && echo $line"
        eventually(lambda: "220 " in self.host.run("bash", "-c", greeting, check=False), 60, "a greeting at 2525")
        for line in self.host.run("ps", "-eo", "uid,args").splitlines():
            if "/usr/lib/wmailserver/" in line:
                expect(line.split()[0] == user.group(1), f"another user: {line}")
        self.host.run("systemctl", "stop", "container")

    def files(self):
        # What systemd, dpkg and the test itself write is nobody's; copies of user databases are checked apart.
        text = self.host.shell("""find / -xdev \\( -path /proc -o -path /sys -o -path /run -o -path /tmp -o -path /root \\
            -o -path /var/log -o -path /var/cache -o -path /var/lib/dpkg -o -path /var/lib/apt -o -path /var/tmp \\
            -o -path /var/lib/systemd -o -path /var/lib/private \\) -prune -o -print""")
        return {line for line in text.splitlines() if not re.fullmatch(r"/etc/(passwd|group|shadow|gshadow|subuid|subgid)-?|/etc/\.pwd\.lock", line)}


STEPS = [
    Suite.installs_and_listens_on_this_machine_alone, Suite.mail_goes_in_and_out_over_tls_from_another_host,
    Suite.a_connection_starts_the_service, Suite.nothing_is_wrong_in_the_log,
    Suite.every_process_is_what_it_should_be, Suite.other_users_reach_nothing,
    Suite.programs_of_this_host_send_mail, Suite.exposure_is_small,
    Suite.status_says_what_it_does, Suite.reload_cuts_nothing, Suite.restart_refuses_nobody,
    Suite.a_wrong_configuration_is_refused_by_reload, Suite.watchdog_sees_hanging_workers_and_a_hanging_master,
    Suite.metrics_are_written_for_node_exporter, Suite.certbot_brings_a_new_certificate,
    Suite.credentials_of_systemd_are_served, Suite.serves_without_root_and_without_capabilities,
    Suite.upgrade_keeps_a_full_queue, Suite.power_cuts_lose_nothing, Suite.debian_tests_pass,
    Suite.remove_keeps_mail_and_purge_nothing,
    Suite.steps_of_the_container_work,
]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("package")
    parser.add_argument("--previous", help="an older build, which the upgrade starts from")
    parser.add_argument("--cuts", type=int, default=20)
    parser.add_argument("--only", default="", help="besides the first step, only those with this in their name")
    options = parser.parse_args()
    passed = 0
    with tempfile.TemporaryDirectory() as folder, Network() as network, \
            Machine(network, TOOLS, download=[OTHER]) as host:
        suite = Suite(host, options, folder)
        for step in STEPS:
            if step is not STEPS[0] and options.only not in step.__name__:
                continue
            name, began = step.__name__.replace("_", " "), time.time()
            try:
                step(suite)
                passed += 1
                print(f"ok: {name} ({time.time() - began:.0f} s)", flush=True)
            except Exception as error:
                failures.append(name)
                print(f"FAILED: {name}: {error}", flush=True)
                traceback.print_exc()
                try:
                    print(host.run("journalctl", "--no-pager", "-n", "40", "-p", "5", check=False))
                except Exception as second:
                    print(f"no journal: {second}")
                if step is STEPS[0] or not host.process:
                    break
    print(json.dumps(figures, indent=4))
    print(f"{passed} passed, {len(failures)} failed")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
