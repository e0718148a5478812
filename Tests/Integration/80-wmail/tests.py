# SPDX-License-Identifier: Apache-2.0
"""The operator's command on real instances: setting up, checking, changing who has mail, explaining decisions."""

import json
import os
import poplib
import shutil
import socket
import subprocess
import time

from harness import DOMAIN, PASSWORD, Server, eventually, expect, expect_equal
from harness.remote import NameServer, RemoteServer, address


def wmail(server, *words, status=0, text="", json_output=False):
    """Runs the command on a server's folder; returns what it wrote to both outputs, or its JSON."""
    more = ["--json"] if json_output else []
    done = subprocess.run(
        [f"{os.environ['WMAIL_BIN']}/wmail", *words, *more, "--root", server.root], input=text.encode(),
        capture_output=True, timeout=60)
    said = done.stdout.decode() + done.stderr.decode()
    expect(done.returncode == status, f"wmail {' '.join(words)} ended with {done.returncode}:\n{said}")
    return json.loads(done.stdout) if json_output else said


def verdicts(server, *words, status=2):
    """What `wmail check` found, by the check's name."""
    found = {}
    for verdict in wmail(server, "check", *words, status=status, json_output=True)["verdicts"]:
        found.setdefault(verdict["check"], []).append(verdict)
    return found


def expect_verdict(found, check, verdict, *words):
    """Expects a verdict whose finding and cure hold all the words."""
    texts = [
        f"{v['subject']}: {v['finding']} → {v['cure']}" for v in found.get(check, []) if v["verdict"] == verdict]
    expect(
        any(all(word in text for word in words) for text in texts), f"no {verdict} of {check} with {words} in {found}")


def patient(config):
    """For clients that try what is refused, again and again."""
    config["wMailServerSettings"]["neverBlock"] = ["127.0.0.0/8"]


def quiet(server):
    """Gives the files of a server that has never run the rights that a start gives them."""
    for name in ("config/ssl/key.pem", "usermanager/default/group.json"):
        os.chmod(f"{server.root}/{name}", 0o600)


def settle():
    """authd looks at its files when it is asked, and a second after the last time at the earliest."""
    time.sleep(1.5)


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def may_log_in(server, user, password):
    try:
        server.pop(user, password).quit()
        return True
    except poplib.error_proto:
        return False


def recipient_reply(server, recipient, sender="outside@elsewhere.test", **how):
    with server.smtp(**how) as client:
        code, words = client.mail(sender)
        if code == 250:
            code, words = client.rcpt(recipient)
        return code, words.decode()


# A new host


def test_a_new_operator_gets_from_nothing_to_mail():
    server = Server(start=False, address="127.0.0.1")
    shutil.rmtree(f"{server.root}/config")
    shutil.rmtree(f"{server.root}/usermanager")
    server.ports = dict(zip(server.PORTS, free_ports(5)))
    server.config = server._config()
    made = wmail(
        server, "init", "--domain", DOMAIN, "--user", "alice", "--ports",
        ",".join(str(port) for port in server.ports.values()), json_output=True)
    expect_equal([record["type"] for record in made["records"] if record["name"].endswith(DOMAIN)][-3:],
                 ["MX", "TXT", "TXT"], "records of the domain")
    expect_equal(made["user"], f"alice@{DOMAIN}", "the first user")
    said = wmail(server, "init", "--domain", "other.test", status=2)
    expect("is there already" in said and "editor" in said, f"it said: {said}")

    with server.running():
        wmail(server, "user", "add", f"bob@{DOMAIN}", "--password-stdin", text=f"{PASSWORD}\n")
        settle()
        expect(may_log_in(server, "bob", PASSWORD), "bob logs in")
        message = f"From: alice@{DOMAIN}\r\nTo: bob@{DOMAIN}\r\nSubject: Hello\r\n\r\nBob!\r\n".encode()
        server.send(
            message, to=f"bob@{DOMAIN}", sender=f"alice@{DOMAIN}", service="submission", login="alice",
            password=made["password"])
        server.wait_for_mail("bob")
        expect("Bob!" in server.fetch_all("bob")[0].decode(), "the message arrived")
        found = verdicts(server, status=1)
        expect_verdict(found, "certificate.chain", "warn", "signed by itself")
        expect_equal({v["verdict"] for v in found["port"]} - {"skipped"}, {"ok"}, "ports")
        expect("rights" in found and found["rights"][0]["verdict"] == "ok", f"rights: {found['rights']}")


def test_init_replaces_only_what_nobody_has_touched():
    server = Server(start=False)
    for name in ("config", "usermanager"):
        shutil.rmtree(f"{server.root}/{name}")
    wmail(server, "init", "--domain", "localhost.test", "--hostname", "localhost.test")
    # Like a first start of the server, which knows no better.
    again = wmail(
        server, "init", "--domain", DOMAIN, "--user", "alice", "--listen", "all", json_output=True)
    with open(f"{server.root}/config/config.json") as file:
        text = file.read()
    expect('"bindIP": ["0.0.0.0", "::"]' in text, f"it listens everywhere:\n{text}")
    expect(again["password"], "a password was made")
    users = wmail(server, "user", "list", json_output=True)
    expect_equal([user["address"] for user in users], [f"alice@{DOMAIN}"], "users")


# Accounts


COMMENTED = """// Ours.
{
    "users": {
        // The boss.
        "alice": { "password": "correct horse", "permissions": ["receive", "sendlocal"], }, /* kept */
    },
    "bindDomains": ["example.test"],
}
"""


def test_accounts_change_without_a_restart():
    with Server(users=("alice",), config=patient, prepare=lambda s: s.write("usermanager/default/group.json", COMMENTED)) as server:
        path = f"{server.root}/usermanager/default/group.json"
        eventually(lambda: "$y$" in open(path).read(), "the password is hashed")
        before = os.stat(path)
        wmail(server, "user", "add", "bob", "--password-stdin", "--permit", "receive", "sendlocal", text="first password\n")
        settle()
        expect(may_log_in(server, "bob", "first password"), "bob logs in")
        wmail(server, "user", "passwd", "bob@example.test", "--password-stdin", text="second password\n")
        settle()
        expect(may_log_in(server, "bob", "second password"), "bob logs in with the new one")
        expect(not may_log_in(server, "bob", "first password"), "the old password is refused")

        def local_reply():
            return recipient_reply(
                server, "alice@example.test", "bob@example.test", service="submission", login="bob",
                password="second password")[0]
        expect_equal(local_reply(), 250, "bob may send to alice")
        wmail(server, "user", "permit", "bob", "--remove", "sendlocal")
        eventually(lambda: local_reply() == 550, "bob may not send to alice any more", 5)

        wmail(server, "alias", "add", "boss", "alice")
        eventually(lambda: recipient_reply(server, "boss@example.test")[0] == 250, "the alias is known", 5)
        wmail(server, "domain", "add", "second.test")
        eventually(lambda: recipient_reply(server, "alice@second.test")[0] == 250, "the domain is known", 5)
        said = wmail(server, "user", "remove", "alice", status=2)
        expect("boss" in said and "nothing was changed" in said, f"who is still needed: {said}")
        wmail(server, "alias", "remove", "boss")
        wmail(server, "domain", "remove", "second.test")
        wmail(server, "user", "remove", "bob")
        eventually(lambda: recipient_reply(server, "bob@example.test")[0] == 550, "bob is gone", 5)

        after = os.stat(path)
        expect_equal((after.st_mode, after.st_uid, after.st_gid), (before.st_mode, before.st_uid, before.st_gid),
                     "owner and rights")
        with open(path) as file:
            text = file.read()
        for words in ("// Ours.", "// The boss.", "/* kept */"):
            expect(words in text, f"{words} is gone from\n{text}")
        said = wmail(server, "user", "permit", "alise", "--add", "receive", status=1)
        expect("did you mean alice?" in said, f"it said: {said}")


def test_a_second_group_serves_after_a_reload():
    with Server(config=patient) as server:
        wmail(server, "group", "add", "second", "--domain", "second.test")
        wmail(server, "user", "add", "zoe@second.test", "--password-stdin", text=f"{PASSWORD}\n")
        with open(f"{server.root}/config/config.json") as file:
            config = json.load(file)
        expect("second" in config["UserGroups"], "the group is in config.json")
        config["SMTPServices"]["services"][str(server.ports["smtp"])]["userGroup"] = "second"
        server.write("config/config.json", config)
        server.reload()
        eventually(lambda: server.log().count("event=master.ready") > 1, "the reload is done", 30)
        expect_equal(recipient_reply(server, "zoe@second.test")[0], 250, "the group takes mail")


# Mistakes that people make


def test_each_mistake_is_named_with_its_cure():
    def changed(change):
        server = Server(start=False)
        quiet(server)
        change(server)
        return verdicts(server)

    def typo(server):
        with open(f"{server.root}/config/config.json") as file:
            text = file.read()
        server.write("config/config.json", text.replace('"userGroup"', '"userGruop"', 1))

    expect_verdict(changed(typo), "configuration", "fail", "config.json:", "userGruop", "userGroup")
    expect_verdict(
        changed(lambda s: os.remove(f"{s.root}/config/config.json")), "configuration", "fail", "no such file",
        "wmail init")
    expect_verdict(
        changed(lambda s: os.chmod(f"{s.root}/config/ssl/key.pem", 0o644)), "rights", "fail", "every user",
        "chmod o-rwx", "key.pem")
    expect_verdict(
        changed(lambda s: os.chmod(f"{s.root}/usermanager/default/group.json", 0o666)), "rights", "fail",
        "chmod o-rwx", "group.json")
    expect_verdict(
        changed(lambda s: os.remove(f"{s.root}/config/ssl/cert.pem")), "certificate", "fail", "cert.pem", "cannot be read")
    expect_verdict(
        changed(lambda s: s.write("usermanager/default/group.json", {"users": {}, "bindDomains": ["a b"]})),
        "configuration", "fail", "group.json", "no domain")

    def other_key(server):
        subprocess.run(
            ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out",
             f"{server.root}/config/ssl/key.pem"], check=True, capture_output=True)

    expect_verdict(changed(other_key), "certificate.key", "fail", "not the key of", "fullchain.pem")
    expect_verdict(changed(lambda s: certificate(s, "20200101000000Z", "20200201000000Z")), "certificate.expiry", "fail",
                   "expired", "certbot renew")


def certificate(server, start, end):
    """Makes a certificate for the server that is good between two times, from a small authority."""
    folder = f"{server.root}.authority"
    os.makedirs(folder, exist_ok=True)
    for name, text in (("index.txt", ""), ("serial", "01\n"), ("openssl.cnf", f"""
[ca]
default_ca = own
[own]
dir = {folder}
new_certs_dir = {folder}
database = {folder}/index.txt
serial = {folder}/serial
default_md = sha256
policy = any
[any]
commonName = supplied
[req]
distinguished_name = name
prompt = no
[name]
CN = mail.{DOMAIN}
""")):
        with open(f"{folder}/{name}", "w") as file:
            file.write(text)
    key, request = f"{server.root}/config/ssl/key.pem", f"{folder}/request.pem"
    subprocess.run(["openssl", "req", "-new", "-key", key, "-config", f"{folder}/openssl.cnf", "-out", request],
                   check=True, capture_output=True)
    subprocess.run(
        ["openssl", "ca", "-batch", "-selfsign", "-keyfile", key, "-config", f"{folder}/openssl.cnf", "-in", request,
         "-startdate", start, "-enddate", end, "-notext", "-out", f"{server.root}/config/ssl/cert.pem"],
        check=True, capture_output=True)


def test_a_taken_port_names_who_has_it():
    server = Server(start=False)
    quiet(server)
    with socket.socket() as other:
        other.bind((server.address, server.ports["smtp"]))
        other.listen()
        found = verdicts(server)
        expect_verdict(found, "port", "fail", str(server.ports["smtp"]), "taken by", f"process {os.getpid()}", "systemctl")
    expect_verdict(verdicts(server, status=1), "port", "warn", "the server is down", "master --root")


# The DNS and the way out


def dns_server(zone, remote):
    where = address(5)

    def use(config):
        config["DeliverySettings"] = {"nameservers": [f"{where}:5353"]}
        config["mailTry"] = ["direct"]
    server = Server(start=False, config=use)
    quiet(server)
    with NameServer(where, zone):
        return verdicts(
            server, "--network", "--probe", f"probe.test:{remote.port}",
            status=1 if "_dmarc.example.test" in zone else 2)


def test_the_dns_is_checked_and_the_records_are_named():
    with RemoteServer(address(6)) as remote:
        host = f"mail.{DOMAIN}"
        good = {
            host: {"A": ["203.0.113.5"]}, "5.113.0.203.in-addr.arpa": {"PTR": [host]},
            DOMAIN: {"MX": [(10, host)], "TXT": ["v=spf1 mx -all"]},
            f"_dmarc.{DOMAIN}": {"TXT": ["v=DMARC1; p=none"]}, "probe.test": {"A": [remote.address]},
        }
        found = dns_server(good, remote)
        expect("203.0.113.5" in found["dns.host"][0]["finding"], f"the host: {found['dns.host']}")
        for check in ("dns.ptr", "dns.mx", "dns.spf", "dns.dmarc", "egress.port25"):
            expect_verdict(found, check, "ok")

        bad = {
            host: {"A": ["203.0.113.5"]}, "5.113.0.203.in-addr.arpa": {"PTR": ["static.provider.test"]},
            DOMAIN: {"TXT": ["v=spf1 ip4:198.51.100.1 -all"]}, "probe.test": {"A": [address(7)]},
        }
        found = dns_server(bad, remote)
        expect_verdict(found, "dns.ptr", "fail", "static.provider.test", f"5.113.0.203.in-addr.arpa. IN PTR {host}.")
        expect_verdict(found, "dns.mx", "fail", f"{DOMAIN}. IN MX 10 {host}.")
        expect_verdict(found, "dns.spf", "fail", "does not let this host send", f'{DOMAIN}. IN TXT "v=spf1 mx -all"')
        expect_verdict(found, "dns.dmarc", "warn", f"_dmarc.{DOMAIN}. IN TXT")
        expect_verdict(found, "egress.port25", "fail", "cannot be reached", "smarthost")
        expect_verdict(dns_server({}, remote), "dns.host", "fail", f"{host}. IN A")


# Decisions


def test_route_says_what_the_server_says():
    users = {
        "alice": {"password": PASSWORD, "permissions": ["receive", "sendlocal", "sendrelay", "sendoutside"]},
        "bob": {"password": PASSWORD, "permissions": ["receive"]},
        "mute": {"password": PASSWORD, "permissions": []},
    }

    def more(group):
        group["aliases"] = {"all": ["alice", "bob"], "away": ["x@elsewhere.test"]}
    questions = [
        (sender, recipient, login)
        for sender in ("x@elsewhere.test", "alice@example.test", "")
        for recipient in (
            "alice@example.test", "ALICE+tag@example.test", "nobody@example.test", "mute@example.test",
            "all@example.test", "away@example.test", "y@elsewhere.test", "postmaster@example.test")
        for login in (None, "alice", "bob")
    ]
    with Server(users=users, group=more, config=patient) as server:
        for sender, recipient, login in questions:
            service = "submission" if login else "smtp"
            with server.smtp(service=service, login=login) as client:
                code, words = client.mail(sender)
                if code == 250:
                    code, words = client.rcpt(recipient)
            said = wmail_route(server, sender, recipient, login, server.ports[service])
            expect_equal(
                said["reply"][:3], str(code), f"{sender or '<>'} {recipient} as {login}: {words.decode()} {said}")
            expect(said["decision"] == ("accepted" if code == 250 else "refused"), f"{said}")


def wmail_route(server, sender, recipient, login, port):
    words = ["route", sender or "<>", recipient, "--port", str(port), "--no-dns"]
    words += ["--auth", login] if login else []
    done = subprocess.run(
        [f"{os.environ['WMAIL_BIN']}/wmail", *words, "--json", "--root", server.root], capture_output=True, timeout=60)
    expect(done.returncode in (0, 2), f"{words}: {done}")
    answer = json.loads(done.stdout)
    expect((answer["decision"] == "accepted") == (done.returncode == 0), f"{words}: {done}")
    return answer


def test_route_asks_the_dns_for_the_way():
    where = address(5)

    def use(config):
        config["DeliverySettings"] = {"nameservers": [f"{where}:5353"]}
        config["mailTry"] = ["direct"]
    server = Server(start=False, config=use)
    server.write("config/localMX.json", {"friend.test": {"smtp": "192.0.2.9", "ports": [465]}})
    zone = {"far.test": {"MX": [(20, "b.far.test"), (10, "a.far.test")]}, "none.test": {"MX": [(0, "")]}}

    def ask(recipient):
        said = wmail(
            server, "route", "alice@example.test", recipient, "--auth", "alice", json_output=True)
        return said["onward"][0]["paths"][0]
    with NameServer(where, zone):
        expect_equal(ask("x@far.test")["servers"], ["a.far.test", "b.far.test"], "servers by preference")
        expect("null MX" in ask("x@none.test")["trouble"], "a null MX is told")
        path = ask("x@friend.test")
        expect_equal((path["kind"], path["servers"], path["ports"]),
                     ("localMX.json", ["192.0.2.9"], [{"port": 465, "tls": "implicit"}]), "localMX.json")


def test_a_change_is_shown_and_refused_before_it_counts():
    server = Server(start=False)
    config = dict(server.config)
    config["SMTPServices"] = json.loads(json.dumps(config["SMTPServices"]))
    config["SMTPServices"]["settings"] = {"maxRecipients": 7}
    server.write("new.json", config)
    new = f"{server.root}/new.json"
    expect("reception.maxRecipients: 100 → 7" in wmail(server, "config", "diff", new), "the change is named")
    port = str(server.ports["smtp"])
    config["SMTPServices"]["services"][port]["allowRelayFrom"] = ["11.0.0.0/8"]
    server.write("new.json", config)
    expect("would relay for everybody in 11.0.0.0/8" in wmail(server, "config", "diff", new, status=2), "a relay")
    config["SMTPServices"]["services"][port]["bindIp"] = "x"
    server.write("new.json", config)
    expect("bindIp" in wmail(server, "config", "diff", new, status=2), "a mistake is named")
    shown = {row["setting"]: row for row in wmail(server, "config", "show", json_output=True)}
    expect_equal(shown["reception.maxRecipients"]["source"], "default", "where a setting comes from")
    expect_equal(shown["security.maxFailedLogins"]["value"], 5, "its value")
    with open(f"{server.root}/config/config.json") as file:
        text = file.read()
    tls = f"service smtp {server.address}:{server.ports['smtps']}.implicitTLS"
    for setting, key in ((tls, '"ssl": true'), ("general.hostname", '"hostname"')):
        line = text[:text.index(key)].count("\n") + 1
        expect_equal(shown[setting]["line"], line, f"the line of {setting}")
        expect(f"config.json:{line} " in wmail(server, "config", "show", "--changed"), "and for people")
    expect_equal(shown["reception.maxRecipients"]["line"], None, "the line of a default")


def test_diff_compares_with_what_is_running():
    with Server() as server:
        expect("Nothing would change." in wmail(server, "config", "diff"), "just started")
        expect_equal(os.stat(f"{server.root}/run/serving.json").st_mode & 0o777, 0o600, "rights")
        config = json.loads(json.dumps(server.config))
        config["SMTPServices"]["settings"] = {"maxRecipients": 7}
        server.write("config/config.json", config)
        server.write("config/localMX.json", {"friend.test": {"smtp": "192.0.2.9", "ports": [465]}})
        said = wmail(server, "config", "diff")
        expect("reception.maxRecipients: 100 → 7" in said and "friend.test" in said, said)
        server.reload()
        eventually(lambda: server.log().count("event=master.ready") > 1, "the reload is done", 30)
        eventually(lambda: "Nothing would change." in wmail(server, "config", "diff"), "it counts now", 5)
        server.write("config/config.json", server.config)
        expect("reception.maxRecipients: 7 → 100" in wmail(server, "config", "diff"), "the way back")
        server.write("config/config.json", '{"oops": 1}')
        expect("reload would be refused" in wmail(server, "config", "diff", status=2), "a mistake")
        server.write("config/config.json", server.config)
    expect("does not run" in wmail(server, "config", "diff", status=1), "of a server that has ended")


# The command line itself


def test_shells_complete_the_command():
    for shell in ("bash", "zsh", "fish"):
        done = subprocess.run(
            [f"{os.environ['WMAIL_BIN']}/wmail", "--generate-completion-script", shell], capture_output=True, timeout=30)
        expect(done.returncode == 0 and b"passwd" in done.stdout, f"{shell}: {done}")
        if shell == "bash":
            subprocess.run(["bash", "-n"], input=done.stdout, check=True, timeout=30)


def test_words_that_make_no_sense_end_with_64():
    for words in (["usr"], ["user", "add"], ["check", "--colour"], ["user", "add", "x", "--permit"]):
        done = subprocess.run([f"{os.environ['WMAIL_BIN']}/wmail", *words], capture_output=True, timeout=30)
        expect_equal(done.returncode, 64, f"{words}: {done.stderr}")
