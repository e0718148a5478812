# SPDX-License-Identifier: Apache-2.0
"""The figures of Debian's mail servers that stand beside ours in docs/debian.md, each installed as it comes on the same
kind of host: seconds from apt-get install (packages at hand) to the first message in a mailbox; after a boot what
systemd-analyze says of the unit, and users, capabilities and PSS of its processes.

usage: peers.py [NAME | PACKAGE.deb]...
"""

import json
import os
import re
import sys
import time
from dataclasses import dataclass

from machine import Machine, Network

ADDRESS = "alice@host.test"


@dataclass
class Peer:
    """One server: `mailbox` is a file or folder, none where it is no SMTP server."""
    packages: list
    unit: str
    mailbox: str | None = None
    account: str = "useradd --create-home alice"


PEERS = {
    "wmailserver": Peer([], "wmailserver.service", "/var/lib/wmailserver/usermanager/default/users/alice/Maildir/new",
                        f"wmail user add {ADDRESS} --generate"),
    "postfix": Peer(["postfix"], "postfix@-.service", "/var/mail/alice"),
    "dovecot": Peer(["dovecot-pop3d"], "dovecot.service"),
    "opensmtpd": Peer(["opensmtpd"], "opensmtpd.service", "/home/alice/Maildir/new"),
    "exim": Peer(["exim4-daemon-light"], "exim4.service", "/var/mail/alice"),
}


def processes(host, unit):
    """Of every process of the unit: user, capabilities, seccomp, and what it shares of the memory in KiB."""
    group = host.run("systemctl", "show", "-p", "ControlGroup", "--value", unit).strip()
    table = {}
    for pid in host.shell(f"cat $(find /sys/fs/cgroup{group} -name cgroup.procs)").split():
        status = host.run("cat", f"/proc/{pid}/status", check=False)
        memory = host.run("cat", f"/proc/{pid}/smaps_rollup", check=False)
        if not memory:
            continue
        facts = dict(re.findall(r"^(\w+):\s+(.*)$", status + memory, re.M))
        table[f"{facts['Name']} {pid}"] = {
            "user": host.run("ps", "-o", "user:20=", "-p", pid).strip(),
            "capabilities": facts["CapEff"].lstrip("0") or "none",
            "no_new_privs": facts["NoNewPrivs"], "seccomp": facts["Seccomp"],
            "pss": int(facts["Pss"].split()[0]), "private dirty": int(facts["Private_Dirty"].split()[0])}
    return table


def measure(name, package=None):
    peer = PEERS[name]
    with Network() as network:
        with Machine(network, name="peer", download=peer.packages) as host:
            host.shell("""
                echo postfix postfix/main_mailer_type select Local only | debconf-set-selections
                echo postfix postfix/mailname string host.test | debconf-set-selections
                echo opensmtpd opensmtpd/mailname string host.test | debconf-set-selections
                echo exim4-config exim4/dc_other_hostnames string host.test | debconf-set-selections
                echo wmailserver wmailserver/mailname string host.test | debconf-set-selections
                printf '127.0.0.1 localhost host.test\\n10.78.0.2 host.test\\n' >/etc/hosts
                echo host.test | tee /etc/mailname >/etc/hostname; hostname host.test""")
            packages = peer.packages
            if package:
                host.put(package, "/root/package.deb")
                packages = ["/root/package.deb"]
            result, began = {}, time.time()
            host.run("apt-get", "install", "-qq", "-y", "--no-install-recommends", *packages, timeout=900)
            host.shell(peer.account)
            if peer.mailbox:
                for _ in range(60):
                    host.shell(f"printf 'Subject: first\\n\\nx\\n' | /usr/sbin/sendmail {ADDRESS} || true")
                    if "first" in host.shell(f"sleep 0.1; grep -rh ^Subject {peer.mailbox} 2>/dev/null || true"):
                        result["seconds to the first message"] = round(time.time() - began, 1)
                        break
            host.run("sync")
            host.cut_power()
            host.boot()
            time.sleep(10)
            text = host.run("systemd-analyze", "security", "--no-pager", peer.unit)
            result["systemd-analyze security"] = float(re.search(r"level for \S+: ([0-9.]+)", text).group(1))
            table = result["processes"] = processes(host, peer.unit)
            for sum_of in ("pss", "private dirty"):
                result[sum_of] = sum(row[sum_of] for row in table.values())
            return result


if __name__ == "__main__":
    for word in sys.argv[1:] or [name for name, peer in PEERS.items() if peer.packages]:
        if os.path.exists(word):
            print("wmailserver", json.dumps(measure("wmailserver", word), indent=4), flush=True)
        else:
            print(word, json.dumps(measure(word), indent=4), flush=True)
