# SPDX-License-Identifier: Apache-2.0
"""The figures of Debian's mail servers that stand beside ours in docs/debian.md: installed as they come, on the same
kind of host. For each unit what systemd-analyze says; users and capabilities of each process; PSS after a boot;
seconds from apt-get install (packages at hand) to the first message in a mailbox, where it is an SMTP server.

usage: peers.py [NAME]...
"""

import json
import re
import sys
import time

from machine import Machine, Network

PEERS = {
    "postfix": (["postfix"], "postfix@-.service", "/var/mail/root", ["master", "qmgr", "pickup", "smtpd", "cleanup", "tlsmgr", "trivial-rewrite", "local", "showq"]),
    "dovecot": (["dovecot-pop3d"], "dovecot.service", None, ["dovecot", "anvil", "log", "config", "stats", "pop3-login", "auth"]),
    "opensmtpd": (["opensmtpd"], "opensmtpd.service", "/var/mail/root", ["smtpd"]),
    "exim": (["exim4-daemon-light"], "exim4.service", "/var/mail/mail", ["exim4"]),
}


def processes(host, names):
    table = {}
    for line in host.run("ps", "-eo", "pid,user,comm").splitlines()[1:]:
        pid, user, name = line.split(None, 2)
        if name not in names:
            continue
        status = host.run("cat", f"/proc/{pid}/status")
        memory = host.run("cat", f"/proc/{pid}/smaps_rollup")
        table[f"{name} {pid}"] = {
            "user": user, "capabilities": re.search(r"CapEff:\s+0*(\w*)", status).group(1) or "none",
            "seccomp": re.search(r"Seccomp:\s+(\d)", status).group(1),
            "pss": int(re.search(r"Pss:\s+(\d+)", memory).group(1))}
    return table


def measure(name):
    packages, unit, mailbox, names = PEERS[name]
    with Network() as network:
        host = Machine(network, name="peer")
        host.download(*packages)
        with host:
            host.shell("""
                echo postfix postfix/main_mailer_type select Local only | debconf-set-selections
                echo postfix postfix/mailname string host.test | debconf-set-selections
                echo host.test >/etc/mailname; echo '127.0.0.1 host.test host' >>/etc/hosts; hostname host.test""")
            result, began = {}, time.time()
            host.run("apt-get", "install", "-qq", "-y", "--no-install-recommends", *packages, timeout=900)
            if mailbox:
                for _ in range(300):
                    host.shell("printf 'Subject: first\\n\\nx\\n' | /usr/sbin/sendmail root || true")
                    if "first" in host.shell(f"sleep 0.2; cat {mailbox} 2>/dev/null || true"):
                        result["seconds to the first message"] = round(time.time() - began, 1)
                        break
            host.run("sync")
            host.run("systemctl", "restart", unit)
            time.sleep(5)
            text = host.run("systemd-analyze", "security", "--no-pager", unit)
            result["systemd-analyze security"] = float(re.search(r"level for \S+: ([0-9.]+)", text).group(1))
            result["processes"] = processes(host, names)
            result["pss"] = sum(row["pss"] for row in result["processes"].values())
            return result


if __name__ == "__main__":
    for peer in sys.argv[1:] or PEERS:
        print(peer, json.dumps(measure(peer), indent=4), flush=True)
