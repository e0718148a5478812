# SPDX-License-Identifier: Apache-2.0
"""A new operator: from a clean Debian host to the first mail in and out, with nothing but the README's commands.

usage: operator.py PACKAGE

Types every command of README.md's section "Five minutes on a Debian host", in its order and as it stands there: on the
host, and where the README says "from any machine" on another one. Of its own it only brings what an operator finds in
the world: the package, a name server in which the records that `wmail init` names are published, another mail server,
and the passwords that the commands have shown. Needs what Tests/Host/machine.py needs, curl, and some 20 seconds.
"""

import argparse
import ctypes
import os
import re
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
CHECKOUT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, f"{CHECKOUT}/Tests/Integration"]
sys.dont_write_bytecode = True

from harness import documents, make_certificate  # noqa: E402
from harness.remote import NameServer, RemoteServer  # noqa: E402
from machine import CLONE_NEWNET, ENVIRONMENT, FOLDER, Machine, Network  # noqa: E402

SECTION = "Five minutes on a Debian host"
LIMIT = 300
# `wmail check` warns of the first certificate, and with --network of an address that is not the Internet's.
EXPECTED = {"wmail check": (0, 1), "wmail check --network": (0, 1, 2)}


class Cable(Network):
    """Names of its own, so that other tests of hosts may run."""

    HOST, CLIENT = "wmailoperator-host", "wmailoperator-client"


class World:
    """The other machine: its name server, its mail server, and a shell for the operator's laptop."""

    def __init__(self, folder):
        self.folder = folder
        self.zone = {}
        make_certificate(f"{folder}/remote", ["mx.example.net"])
        # From here on this process is the other machine; threads that it starts are, too.
        descriptor = os.open(f"/run/netns/{Cable.CLIENT}", os.O_RDONLY)
        if ctypes.CDLL(None, use_errno=True).setns(descriptor, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        os.close(descriptor)
        self.names = NameServer("10.78.0.1", self.zone, port=53)
        self.server = RemoteServer("10.78.0.1", 25, certificate=f"{folder}/remote")

    def __enter__(self):
        self.names.__enter__()
        self.server.__enter__()
        self.zone.update({
            "example.net": {"MX": [(10, "mx.example.net")]}, "mx.example.net": {"A": ["10.78.0.1"]},
            "2.0.78.10.in-addr.arpa": {"PTR": ["mail.example.org"]}})
        return self

    def __exit__(self, *_):
        self.server.__exit__()
        self.names.__exit__()

    def publish(self, said):
        """Puts the records that wmail init shows into the zone; the host's own address it cannot know here."""
        for name, kind, value in re.findall(r"^\s*(\S+)\. +(?:\d+ +)?IN +(MX|TXT) +(.+?)\s*$", said, flags=re.M):
            record = value.strip('"') if kind == "TXT" else (int(value.split()[0]), value.split()[1].rstrip("."))
            self.zone.setdefault(name, {}).setdefault(kind, []).append(record)
        self.zone["mail.example.org"] = {"A": ["10.78.0.2"]}

    def shell(self, command):
        """On the laptop, whose name server is that of the world."""
        resolv = f"{self.folder}/resolv.conf"
        with open(resolv, "w") as file:
            file.write("nameserver 10.78.0.1\n")
        script = f"mount --bind {resolv} /etc/resolv.conf; mount --bind {self.folder}/hosts /etc/hosts; cd {self.folder}; {command}"
        with open(f"{self.folder}/hosts", "w") as file:
            file.write("127.0.0.1 localhost\n")
        done = subprocess.run(
            ["unshare", "-m", "bash", "-euo", "pipefail", "-c", script], capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr


def type_all(host, world, package):
    """Types the commands; returns the seconds until each was done."""
    passwords, times = {}, []
    began = time.monotonic()
    for command in documents.commands(f"{CHECKOUT}/README.md", section=SECTION):
        words = command.text
        on_laptop = words.startswith(("curl", "printf"))
        for user, password in passwords.items():
            words = words.replace(f"{user}:PASSWORD", f"{user}:{password}")
        if on_laptop:
            status, said = world.shell(words)
        else:
            status, said = on_host(host, words)
        allowed = EXPECTED.get(command.text, (0,))
        if status not in allowed:
            journal = on_host(host, "journalctl -u wmailserver --no-pager -n 40")[1]
            raise SystemExit(f"{command.text}\nended with {status}:\n{said[-3000:]}\n{journal}")
        seconds = time.monotonic() - began
        times.append((seconds, command.text, said))
        print(f"{seconds:6.1f} s  {command.text}", flush=True)
        if command.text.startswith("wmail init"):
            world.publish(said)
        for user, password in re.findall(r"(\w+)@example\.org.*?[Pp]assword: (\S+)", said, flags=re.S):
            passwords[user] = password
        # People do not type within the second that authd and relayd may take.
        if command.text.startswith(("wmail user", "curl -k smtps")):
            time.sleep(2)
    return time.monotonic() - began, times


def on_host(host, words):
    """As root on the host, in its home folder."""
    done = subprocess.run(
        ["nsenter", "-t", str(host.leader()), "-m", "-u", "-i", "-n", "-p", "-C", "--", "bash", "-c",
         f"cd /root; {words}"], cwd="/", env=ENVIRONMENT, capture_output=True, text=True, timeout=240)
    return done.returncode, done.stdout + done.stderr


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("package")
    arguments = parser.parse_args()
    package = os.path.abspath(arguments.package)
    folder = f"{FOLDER}/operator-world"
    os.makedirs(folder, exist_ok=True)
    with Cable() as cable, Machine(cable, name="operator") as host, World(folder) as world:
        host.put(package, f"/root/{os.path.basename(package)}")
        host.write("/etc/resolv.conf", "nameserver 10.78.0.1\n")
        seconds, times = type_all(host, world, package)
        (_, sender, recipients, content), = world.server.wait_for(1)
        received = next(said for _, text, said in times if text.startswith("curl -k pop3s"))
        status = next(said for _, text, said in times if text == "wmail status")
    problems = []
    if b"Mail from a new host." not in content:
        problems.append(f"the letter that went out is not the one that was sent: {content!r}")
    if "Mail from a new host." not in received:
        problems.append(f"the letter that came in cannot be read: {received}")
    if "smtpd" not in status or "wmail-smtp" not in status:
        problems.append(f"the workers do not run as their users: {status}")
    if seconds > LIMIT:
        problems.append(f"it took {seconds:.0f} s; {LIMIT} s are allowed")
    print(f"first mail in and out: {seconds:.1f} s, sender {sender}, recipients {recipients}")
    for problem in problems:
        print(f"FAILED: {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
