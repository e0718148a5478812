# SPDX-License-Identifier: Apache-2.0
"""The real programs on a free loopback address with a root folder of their own."""

import grp
import json
import os
import poplib
import pwd
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import tempfile
import time

from .outcome import eventually, expect
from .processes import children, program_of

DOMAIN = "example.test"
PASSWORD = "correct horse"
ALL_PERMISSIONS = ["receive", "sendlocal", "sendrelay", "sendoutside"]
# The workers' kinds: relayd is "relayd deliver".
PROGRAMS = ["smtpd", "pop3d", "relayd", "transmit", "authd"]

_servers_made = 0


def make_certificate(folder, names=(DOMAIN,)):
    """Makes cert.pem and key.pem for the names in the folder."""
    os.makedirs(folder, exist_ok=True)
    alternatives = ",".join(f"DNS:{name}" for name in names)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "30", "-subj", f"/CN={names[0]}", "-addext", f"subjectAltName={alternatives}",
         "-keyout", f"{folder}/key.pem", "-out", f"{folder}/cert.pem"],
        check=True, capture_output=True, timeout=30)


def tls_context():
    """A client's TLS that trusts anybody, for certificates signed by themselves."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Server:
    """One instance. As a context manager it starts, and at the end stops and looks whether all was in order."""

    # Of each service its port; the address alone keeps tests that run at one time apart.
    PORTS = {"smtp": 2525, "smtps": 2465, "submission": 2587, "pop3": 2110, "pop3s": 2995}

    def __init__(self, users=("alice", "bob"), config=None, group=None, errors_allowed=False, start=True,
                 root=None, prepare=None, address=None):
        """
        users: names with PASSWORD, or a dictionary as in group.json.
        config, group: called with the contents of config.json or group.json to change them.
        errors_allowed: lines of level error in the log do not fail the test.
        prepare: called with this server when the files are written and nothing runs yet.
        """
        global _servers_made
        number = os.getpid()
        self.address = address or f"127.{64 + (number >> 16) % 64}.{number >> 8 & 255}.{number & 255}"
        self.ports = {name: port + 100 * _servers_made for name, port in self.PORTS.items()}
        _servers_made += 1
        self.errors_allowed = errors_allowed
        self.starts = start
        self.master = None
        # Tests, like an operator, make the folder; others must get through it.
        self.root = root or tempfile.mkdtemp(prefix="root-", dir=os.environ["WMAIL_TESTS_FOLDER"])
        os.chmod(self.root, 0o755)
        self.log_path = f"{self.root}.log"
        self.config = self._config()
        if config:
            config(self.config)
        if not isinstance(users, dict):
            users = {name: {"password": PASSWORD, "permissions": ALL_PERMISSIONS} for name in users}
        self.group = {"users": users, "bindDomains": [DOMAIN]}
        if group:
            group(self.group)
        self.write("config/config.json", self.config)
        self.write("usermanager/default/group.json", self.group)
        self._certificate()
        if prepare:
            prepare(self)

    def _config(self):
        def service(name, **more):
            return {"bindIP": self.address, "ssl": name.endswith("s"), "userGroup": "default", **more}
        ports = {name: str(port) for name, port in self.ports.items()}
        return {
            "hostname": f"mail.{DOMAIN}",
            "SMTPServices": {
                "services": {
                    ports["smtp"]: service("smtp"),
                    ports["smtps"]: service("smtps", auth="required"),
                    ports["submission"]: service("submission", auth="required"),
                },
                "MailRelay": {"enable": False},
            },
            "POP3Services": {
                "services": {ports["pop3"]: service("pop3"), ports["pop3s"]: service("pop3s")},
            },
            "UserGroups": {
                "default": {
                    "sslCert": {"cert": "./config/ssl/cert.pem", "key": "./config/ssl/key.pem"},
                }
            },
            "wMailServerSettings": {"ipMaxPwdTry": 5, "ipBlockSeconds": 3600},
        }

    def write(self, path, contents):
        """Writes a file below the root folder: text, bytes, or anything else as JSON."""
        path = f"{self.root}/{path}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if not isinstance(contents, (str, bytes)):
            contents = json.dumps(contents, indent=4)
        if isinstance(contents, str):
            contents = contents.encode()
        # In place of the old file, as an editor does it, with its owner and rights.
        status = os.stat(path) if os.path.exists(path) else None
        with open(f"{path}.new", "wb") as file:
            file.write(contents)
        if status:
            os.chmod(f"{path}.new", status.st_mode & 0o7777)
            if os.geteuid() == 0:
                os.chown(f"{path}.new", status.st_uid, status.st_gid)
        os.rename(f"{path}.new", path)

    def _certificate(self):
        shared = os.environ["WMAIL_TESTS_CERTIFICATE"]
        os.makedirs(f"{self.root}/config/ssl", exist_ok=True)
        for name in ("cert.pem", "key.pem"):
            shutil.copy(f"{shared}/{name}", f"{self.root}/config/ssl/{name}")

    # Life

    def running(self):
        """For `with`, where the server was made with start=False to change its files."""
        self.starts = True
        return self

    def __enter__(self):
        if self.starts:
            self.start()
        return self

    def __exit__(self, kind, error, trace):
        if self.master and self.master.poll() is None:
            status = self.stop()
            if kind is None:
                expect(status == 0, f"master ended with {status}")
        if kind is None and not self.errors_allowed:
            bad = [line for line in self.log().splitlines() if " error " in line or "Fatal error" in line]
            expect(not bad, "errors in the log:\n" + "\n".join(bad[:10]))

    @property
    def command(self):
        return [f"{os.environ['WMAIL_BIN']}/master", "--root", self.root]

    def start(self, ready=True, wrapper=()):
        """Starts master and waits until every service greets."""
        with open(self.log_path, "ab") as log:
            self.master = subprocess.Popen(
                [*wrapper, *self.command], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/")
        if ready:
            self.wait_until_ready()

    def wait_until_ready(self, seconds=20):
        def greets():
            if self.master.poll() is not None:
                raise AssertionError(f"master ended at start with {self.master.returncode}")
            return all(self._greets(name, port) for name, port in self.ports.items())
        eventually(greets, "every service greets", seconds)

    def _greets(self, name, port):
        listed = self.config["POP3Services" if name.startswith("pop3") else "SMTPServices"].get("services", {})
        if str(port) not in listed:
            return True
        try:
            with socket.create_connection((self.address, port), timeout=5) as connection:
                if name.endswith("s"):
                    connection = tls_context().wrap_socket(connection)
                return bool(connection.recv(4))
        except OSError:
            return False

    def stop(self, seconds=10):
        """Sends SIGTERM, waits, returns the exit status."""
        self.master.send_signal(signal.SIGTERM)
        return self.master.wait(seconds)

    def kill_everything(self):
        """SIGKILL to master and all workers at once, as a crash of the machine's software would."""
        victims = [self.master.pid, *(pid for pids in self.workers().values() for pid in pids)]
        for pid in victims:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.master.wait(10)
        eventually(
            lambda: not any(os.path.exists(f"/proc/{pid}") for pid in victims[1:]), "the workers are gone")

    def reload(self):
        self.master.send_signal(signal.SIGHUP)

    def workers(self):
        """The process ids by program."""
        found = {name: [] for name in PROGRAMS}
        for pid in children(self.master.pid):
            name = program_of(pid)
            if name in found:
                found[name].append(pid)
        return found

    def kill9(self, program):
        """Kills the workers of one program; returns when others have taken their place."""
        old = self.workers()[program]
        expect(old, f"no {program} is running")
        for pid in old:
            os.kill(pid, signal.SIGKILL)
        eventually(
            lambda: len(self.workers()[program]) >= len(old) and not set(old) & set(self.workers()[program]),
            f"{program} is replaced", 15)

    def log(self):
        try:
            with open(self.log_path, errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def wait_for_log(self, text, seconds=10):
        return eventually(lambda: text in self.log(), f"the log says {text!r}", seconds)

    # Clients

    def connect(self, service, source=None, timeout=20):
        """A plain socket to a service."""
        return socket.create_connection(
            (self.address, self.ports[service]), timeout=timeout,
            source_address=(source, 0) if source else None)

    def smtp(self, service="smtp", login=None, starttls=False, password=PASSWORD, source=None, timeout=60):
        """An smtplib client, greeted, after EHLO; logged in if asked."""
        source = (source, 0) if source else None
        if service == "smtps":
            client = smtplib.SMTP_SSL(
                self.address, self.ports[service], "client.test", context=tls_context(), timeout=timeout,
                source_address=source)
        else:
            client = smtplib.SMTP(
                self.address, self.ports[service], "client.test", timeout=timeout, source_address=source)
            if starttls or login:
                client.starttls(context=tls_context())
        client.ehlo()
        if login:
            client.login(login, password)
        return client

    def send(self, message, to="alice@example.test", sender="outside@elsewhere.test", **how):
        """Sends one message, as bytes with CRLF."""
        with self.smtp(**how) as client:
            return client.sendmail(sender, to, message)

    def pop(self, user="alice", password=PASSWORD, service="pop3s", source=None):
        """A poplib client that is logged in over TLS."""
        poplib._MAXLINE = 1 << 20
        if service == "pop3s":
            client = poplib.POP3_SSL(self.address, self.ports[service], context=tls_context(), timeout=60)
        else:
            client = poplib.POP3(self.address, self.ports[service], timeout=60)
            client.stls(tls_context())
        client.user(user)
        client.pass_(password)
        return client

    def retrieve(self, client, number):
        """A message as it lies in the mailbox, octet for octet."""
        _, lines, _ = client.retr(number)
        return b"".join(line + b"\r\n" for line in lines)

    def fetch_all(self, user="alice", **how):
        """All messages of a user over POP3, oldest first."""
        client = self.pop(user, **how)
        try:
            count, _ = client.stat()
            return [self.retrieve(client, number + 1) for number in range(count)]
        finally:
            client.quit()

    # What lies on the disk

    def maildir(self, user, group="default"):
        return f"{self.root}/usermanager/{group}/users/{user}/Maildir"

    def mailbox(self, user="alice", group="default"):
        """The paths of a user's delivered messages, in the order of their names."""
        paths = []
        for part in ("new", "cur"):
            folder = f"{self.maildir(user, group)}/{part}"
            if os.path.isdir(folder):
                paths += [f"{folder}/{name}" for name in os.listdir(folder)]
        return sorted(paths, key=os.path.basename)

    def wait_for_mail(self, user="alice", count=1, seconds=10):
        """Waits until so many messages lie in a mailbox, and returns their paths."""
        return eventually(
            lambda: (found := self.mailbox(user)) and len(found) >= count and found,
            f"{count} messages for {user} (there are {len(self.mailbox(user))})", seconds)

    def queue(self):
        """The files below queue/, which is all done when there is none."""
        found = []
        for folder, _, names in os.walk(f"{self.root}/queue"):
            found += [os.path.relpath(f"{folder}/{name}", f"{self.root}/queue") for name in names]
        return found

    def drained(self, seconds=10):
        """Waits until nothing waits for delivery."""
        eventually(lambda: not [n for n in self.queue() if n.startswith("local/")], "queue/local is empty", seconds)


def user_id(name):
    return pwd.getpwnam(name).pw_uid


def group_id(name):
    return grp.getgrnam(name).gr_gid
