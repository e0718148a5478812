# SPDX-License-Identifier: Apache-2.0
"""Other mail servers deliver to this one. Their packages are only unpacked (packaging/dependencies peers): installed they
would replace each other. Each runs in a mount namespace in which its files lie where it looks for them."""

import os
import signal
import smtplib
import socket
import subprocess
import time

from harness import Server, Skip, eventually, expect, expect_equal, needs_root, timeout
from harness import messages
from harness.postfix import SERVICES

PEERS = os.environ.get("WMAIL_PEERS") or os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "../../../.build/peers")
USERS = {"postfix": 64001, "postdrop": 64002, "opensmtpd": 64003, "opensmtpq": 64004, "Debian-exim": 64005}
BODY = b"Hello from a server.\r\n.\r\n..dots\r\n" + "Grüße\r\n".encode() + b"x" * 900 + b"\r\n"


class Peer:
    """A mail server that relays everything to ours, under a folder of its own."""

    def __init__(self, name, server, port):
        self.package = os.path.join(PEERS, name)
        if not os.path.isdir(self.package):
            raise Skip(f"needs {self.package}: packaging/dependencies peers")
        self.server = server
        self.folder = f"{server.root}.{name}"
        self.port = port
        os.makedirs(self.folder)
        os.chmod(self.folder, 0o755)
        self.log = open(f"{self.folder}/output", "wb")
        self.binds = []
        for path in ("/etc/passwd", "/etc/group"):
            self.place(self._with_users(path), path)
        self.place(self.write("hosts", f"127.0.0.1 localhost\n{server.address} ours.test\n"), "/etc/hosts")

    def _with_users(self, path):
        copy = f"{self.folder}/{os.path.basename(path)}"
        with open(path) as file:
            text = file.read()
        for name, number in USERS.items():
            if f"\n{name}:" not in text:
                text += f"{name}:x:{number}:{number}::/nonexistent:/usr/sbin/nologin\n" if "passwd" in path else \
                    f"{name}:x:{number}:\n"
        with open(copy, "w") as file:
            file.write(text)
        return copy

    def user(self, name):
        """The number of a user as the peer sees it."""
        with open(f"{self.folder}/passwd") as file:
            return next(int(line.split(":")[2]) for line in file if line.startswith(f"{name}:"))

    def place(self, source, target):
        """Shows a file or folder at another path, to this peer only."""
        self.binds.append((source, target))

    def write(self, name, text):
        with open(f"{self.folder}/{name}", "w") as file:
            file.write(text)
        return f"{self.folder}/{name}"

    def run(self, *command, wait=True, input=None):
        """Runs a command in the namespace."""
        script = "set -e; mount --make-rprivate /;"
        # The disks of other tests that run just now: held in here too, they would outlive their unmounting.
        script += " for disk in $(cut -d' ' -f2 /proc/self/mounts | grep wmail-tests- || true);" \
            " do umount --lazy \"$disk\"; done;"
        for source, target in self.binds:
            make = f'mkdir -p "{target}"; ' if os.path.isdir(source) else ""
            script += f' {make}mount --bind "{source}" "{target}";'
        script += ' cd /; exec "$@"'
        process = subprocess.Popen(
            ["unshare", "-m", "sh", "-c", script, "sh", *command], stdin=subprocess.PIPE if input else
            subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT)
        if not wait:
            self.process = process
            return process
        process.communicate(input, timeout=30)
        expect_equal(process.returncode, 0, f"{command}: {self.said()}")
        return process

    def said(self):
        self.log.flush()
        with open(f"{self.folder}/output", errors="replace") as file:
            return file.read()[-3000:]

    def send_by_smtp(self, message):
        def attempt():
            try:
                with smtplib.SMTP("127.0.0.1", self.port, "client.test", timeout=10) as client:
                    client.sendmail("outside@elsewhere.test", ["alice@example.test", "bob@example.test"], message)
                return True
            except (ConnectionRefusedError, smtplib.SMTPServerDisconnected):
                return False
        try:
            eventually(attempt, "it takes a message", 20)
        except AssertionError as error:
            raise AssertionError(f"{error}; it said: {self.said()}") from error

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def both_families():
    """A server at an IPv4 and one at an IPv6 address."""
    yield Server()
    ports = {}
    for name in Server.PORTS:
        with socket.socket(socket.AF_INET6) as probe:
            try:
                probe.bind(("::1", 0))
            except OSError as error:
                raise Skip(f"needs IPv6 on loopback: {error}") from error
            ports[name] = probe.getsockname()[1]
    yield type("SixServer", (Server,), {"PORTS": ports})(address="::1")


def expect_delivery(peer, message, tls=True):
    server = peer.server
    for user in ("alice", "bob"):
        eventually(lambda: server.mailbox(user), f"mail for {user}; the peer said: {peer.said()}", 30)
        with open(server.mailbox(user)[0], "rb") as file:
            stored = file.read()
        expect(stored.endswith(message.partition(b"\r\n\r\n")[2]), f"the body: {stored[-300:]!r}")
        expect(stored.startswith(b"Return-Path: <outside@elsewhere.test>\r\n"), f"Return-Path: {stored[:200]!r}")
        ours = stored.split(b"Received:")[1]
        expect((b"with ESMTPS" if tls else b"with ESMTP") in ours, f"the first Received: {ours!r}")
        expect_equal(len(server.mailbox(user)), 1, "messages")


@needs_root
@timeout(150)
def test_postfix_delivers():
    message = messages.simple("by Postfix", BODY)
    for server in both_families():
        with server:
            peer = Peer("postfix", server, free_port())
            folder, package = peer.folder, peer.package
            for name in ("spool", "data", "conf"):
                os.makedirs(f"{folder}/{name}")
            os.chown(f"{folder}/data", peer.user("postfix"), -1)
            # What its start script would make.
            for name in ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved",
                         "trace", "maildrop", "public", "pid"):
                os.makedirs(f"{folder}/spool/{name}")
                if name != "pid":
                    os.chown(f"{folder}/spool/{name}", peer.user("postfix"), -1)
            peer.place(f"{package}/usr/lib/postfix", "/usr/lib/postfix")
            peer.write("conf/main.cf", f"""
compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
command_directory = {package}/usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = peer.test
mydestination =
local_recipient_maps =
alias_maps =
inet_interfaces = 127.0.0.1, [::1]
mynetworks = 127.0.0.0/8
relayhost = [{server.address}]:{server.ports['smtp']}
smtp_tls_security_level = may
smtp_host_lookup = native
smtp_dns_support_level = disabled
maillog_file = /dev/stdout
""")
            services = f"127.0.0.1:{peer.port} inet n - n - - smtpd\n"
            services += SERVICES
            peer.write("conf/master.cf", services)
            os.makedirs("/usr/lib/postfix", exist_ok=True)
            peer.run("/usr/lib/postfix/sbin/master", "-c", f"{folder}/conf", "-d", wait=False)
            try:
                peer.send_by_smtp(message)
                expect_delivery(peer, message)
            finally:
                peer.end()
            # Its load generator: many sessions at once, several messages in each.
            before = len(server.mailbox("alice"))
            address = f"inet:[{server.address}]:{server.ports['smtp']}" if ":" in server.address else \
                f"inet:{server.address}:{server.ports['smtp']}"
            peer.run(f"{package}/usr/sbin/smtp-source", "-s", "20", "-m", "200", "-l", "4096", "-f",
                     "outside@elsewhere.test", "-t", "alice@example.test", address)
            server.wait_for_mail("alice", before + 200, 30)


@needs_root
@timeout(120)
def test_exim_delivers():
    message = messages.simple("by Exim", BODY)
    for server in both_families():
        with server:
            peer = Peer("exim4-daemon-light", server, 0)
            folder = peer.folder
            for name in ("spool", "log", "etc"):
                os.makedirs(f"{folder}/{name}")
                os.chown(f"{folder}/{name}", peer.user("Debian-exim"), -1)
            conf = peer.write("exim.conf", f"""
primary_hostname = peer.test
spool_directory = {folder}/spool
log_file_path = {folder}/log/%slog
exim_path = {peer.package}/usr/sbin/exim4
keep_environment =
trusted_users = root
accept_8bitmime = true
begin routers
all:
  driver = manualroute
  route_list = * ours.test byname
  self = send
  transport = ours
begin transports
ours:
  driver = smtp
  port = {server.ports['smtp']}
  allow_localhost
  tls_verify_certificates =
""")
            peer.write("etc/trusted_configs", f"{conf}\n")
            os.makedirs("/etc/exim4", exist_ok=True)
            peer.place(f"{folder}/etc", "/etc/exim4")
            peer.run(f"{peer.package}/usr/sbin/exim4", "-C", conf, "-odf", "-oi", "-f", "outside@elsewhere.test",
                     "alice@example.test", "bob@example.test", input=message.replace(b"\r\n", b"\n"))
            expect_delivery(peer, message)


@needs_root
@timeout(120)
def test_opensmtpd_delivers():
    message = messages.simple("by OpenSMTPD", BODY)
    for server in both_families():
        with server:
            peer = Peer("opensmtpd", server, free_port())
            folder = peer.folder
            for name, mode in (("spool", 0o711), ("run", 0o755), ("empty", 0o711)):
                os.makedirs(f"{folder}/{name}")
                os.chmod(f"{folder}/{name}", mode)
            for path in ("/var/spool/smtpd", "/usr/libexec/opensmtpd", "/var/lib/opensmtpd/empty"):
                os.makedirs(path, exist_ok=True)
            peer.place(f"{folder}/spool", "/var/spool/smtpd")
            peer.place(f"{folder}/run", "/run")
            peer.place(f"{folder}/empty", "/var/lib/opensmtpd/empty")
            helpers = f"{peer.package}/usr/lib/x86_64-linux-gnu/opensmtpd"
            peer.place(f"{peer.package}/usr/libexec/opensmtpd"
                       if os.path.isdir(f"{peer.package}/usr/libexec/opensmtpd") else helpers, "/usr/libexec/opensmtpd")
            conf = peer.write("smtpd.conf", f"""
listen on 127.0.0.1 port {peer.port} hostname peer.test
action "ours" relay host smtp://ours.test:{server.ports['smtp']}
match from any for any action "ours"
""")
            os.chmod(conf, 0o600)
            peer.run(f"{peer.package}/usr/sbin/smtpd", "-d", "-f", conf, wait=False)
            try:
                peer.send_by_smtp(message)
                # Debian 12's version tries STARTTLS, fails in its own use of OpenSSL 3, and comes again without.
                expect_delivery(peer, message, tls=False)
            finally:
                peer.end()
