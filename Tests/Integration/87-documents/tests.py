# SPDX-License-Identifier: Apache-2.0
"""Every command that a document tells people to type is typed here, or stands in ELSEWHERE with who runs it."""

import glob
import os
import re
import shutil
import subprocess
import tempfile

from harness import ALL_PERMISSIONS, DOMAIN, PASSWORD, Server, eventually, expect, expect_equal, needs_tool, timeout
from harness import documents, messages
from harness.remote import NameServer, address
from harness.server import tls_context

CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
OPERATOR = "Tests/Host/operator.py types it on a booted host"
HOST = "Tests/Host/tests.py does it on a booted host"
STARTED = "every test's server is started so"

# What cannot run in an instance of a test, and why that is no gap. Nothing may stand here that no document says.
ELSEWHERE = {
    "apt-get install ./wmailserver_*.deb": OPERATOR,
    "apt-get install": "the name of a figure",
    "systemctl daemon-reload": OPERATOR,
    "systemctl restart 'wmailserver-*.socket' wmailserver.service": OPERATOR,
    "systemctl enable --now wmailserver-metrics.timer": HOST,
    "systemctl status wmailserver": HOST,
    "systemctl edit wmailserver": "an editor for people",
    "make run": "installs packages; packaging/demo is all that it runs afterwards",
    "make test": "is running just now",
    "make lint unit": "is running just now",
    "make clean": "would delete the programs under test",
    "make deb": "Tests/Host tries what it makes",
    "make deb && packaging/test-host --previous OLDER.deb --cuts 20": "is Tests/Host itself",
    "master --root DIR": STARTED,
    "master --prepare": HOST,
    "master --sockets": "a unit test of SocketUnits, and Tests/Host on a booted host",
    "wmail init": "85-wmail-terminal asks and answers on a terminal",
    "wmail top": "83-wmail-server/test_top_on_a_terminal",
    "doveadm backup -u alice maildir:/tmp/alice": "a command of Dovecot for its own mailboxes",
    "rsync -aH": "its options alone",
}

# Commands that rightly do not end with 0, and why.
CHECKED = "it warns of the certificate, which is signed by itself"
STATUSES = {
    "wmail check": ((0, 1), CHECKED),
    "wmail check --root DIR": ((0, 1, 2), f"of the Python program's tree; {CHECKED}"),
    "wmail check --network": ((1, 2), f"the DNS of the test knows little; {CHECKED}"),
}


def texts():
    """The documents by their names in the checkout."""
    found = glob.glob(f"{CHECKOUT}/*.md") + glob.glob(f"{CHECKOUT}/docs/**/*.md", recursive=True)
    return sorted(os.path.relpath(path, CHECKOUT) for path in found if os.path.basename(path) != "CHANGELOG.md")


class Typist:
    """Types the commands of a document beside a running server, as on its own host."""

    def __init__(self, server, words=None, paths=None):
        """
        words: what stands for a placeholder, such as DIR; for a whole command, those that mean something else there.
        paths: where files of another host are here.
        """
        self.server = server
        self.words = words or {}
        self.paths = paths or {}
        self.folder = tempfile.mkdtemp(prefix="typist-", dir=os.environ["WMAIL_TESTS_FOLDER"])
        os.mkdir(f"{self.folder}/bin")
        # On a host there is one instance and one journal.
        self._program("wmail", f"""
            case " $* " in
                *" --root "*) exec {os.environ['WMAIL_BIN']}/wmail "$@" ;;
                " trace "*) exec {os.environ['WMAIL_BIN']}/wmail --root "$ROOT" "$@" --log {server.log_path} ;;
                *) exec {os.environ['WMAIL_BIN']}/wmail --root "$ROOT" "$@" ;;
            esac""")
        self._program("master", f'exec {os.environ["WMAIL_BIN"]}/master --root "$ROOT" "$@"')
        # What is not in ELSEWHERE must not touch the machine that the test runs on.
        for name in ("systemctl", "apt-get", "make", "doveadm"):
            self._program(name, "echo this command has no test and is not in ELSEWHERE >&2; exit 99")
        self._program("journalctl", f"exec cat {server.log_path}")

    def _program(self, name, script):
        with open(f"{self.folder}/bin/{name}", "w") as file:
            file.write(f"#!/bin/sh\n{script}\n")
        os.chmod(f"{self.folder}/bin/{name}", 0o755)

    def type(self, command):
        """Types it and returns what it said; fails unless it ends as it should."""
        if command.text in ELSEWHERE:
            return ""
        unit = re.fullmatch(r"systemctl (start|stop|restart|reload) wmailserver(\.service)?", command.text)
        if unit:
            self._systemctl(unit.group(1))
            return ""
        root = self.server.root
        if command.text.startswith("wmail init"):
            root = f"{self.folder}/new"
        if command.text.startswith("wmail restore") and self.server.master.poll() is None:
            self.server.stop()
        status, said = self._run(self._meant(command.text), root)
        allowed = STATUSES.get(command.text, ((0,), ""))[0]
        if status == 64 and not command.is_block and re.fullmatch(r"wmail( [a-z]+)+", command.text):
            # Running text names the command without what it needs.
            status, said = self._run(f"{command.text} --help", root)
        expect(status in allowed, f"{command.file}:{command.line}: {command.text}\nended with {status}: {said}")
        if "smtp" in command.text or command.text.startswith("swaks"):
            self.server.drained()
        return said

    def _meant(self, text):
        words = {**self.words, **self.words.get(text, {})}
        for name, value in sorted(words.items(), key=lambda pair: -len(pair[0])):
            if isinstance(value, str):
                text = re.sub(rf"(?<![\w-]){re.escape(name)}(?!\w)", value, text)
        for path, value in self.paths.items():
            text = text.replace(path, value)
        for service, port in Server.PORTS.items():
            text = text.replace(f"127.0.0.1:{port}", f"{self.server.address}:{self.server.ports[service]}")
        for service in ("smtps", "pop3s"):
            text = text.replace(
                f"{service}://mail.example.org", f"{service}://{self.server.address}:{self.server.ports[service]}")
        return text

    def _run(self, text, root):
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", text], capture_output=True, timeout=60, cwd=self.folder,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "PATH": f"{self.folder}/bin:{os.environ['PATH']}", "ROOT": root})
        return done.returncode, (done.stdout + done.stderr).decode(errors="replace")

    def _systemctl(self, word):
        """What systemd would tell master."""
        if word == "reload":
            self.server.reload()
        else:
            if self.server.master.poll() is None and word in ("stop", "restart"):
                self.server.stop()
            if self.server.master.poll() is not None and word in ("start", "restart"):
                self.server.start()

    def type_document(self, name):
        said = {}
        for command in documents.commands(f"{CHECKOUT}/{name}"):
            said[command.text] = self.type(command)
        return said


def example(users=("alice", "demo"), **more):
    """An instance of the domains that the documents speak of."""
    def group(contents):
        contents["bindDomains"] = [DOMAIN, "example.org"]

    def config(contents):
        contents["DeliverySettings"] = {"nameservers": [f"{address(5)}:5353"]}
        contents["mailTry"] = ["direct"]
    return Server(users=users, group=group, config=config, **more)


def block(server, source):
    """Gets an address of the loopback blocked."""
    for number in range(5):
        with server.connect("pop3", source=source) as plain:
            plain.recv(500)
            plain.sendall(b"STLS\r\n")
            plain.recv(500)
            with tls_context().wrap_socket(plain) as connection:
                connection.sendall(b"USER alice\r\n")
                connection.recv(500)
                connection.sendall(f"PASS wrong {number}\r\n".encode())
                connection.recv(500)


@needs_tool("curl", "swaks")
@timeout(120)
def test_readme():
    with NameServer(address(5), {}), example() as server:
        typist = Typist(server, words={"PASSWORD": f"'{PASSWORD}'", "demo:PASSWORD": f"'demo:{PASSWORD}'",
                                       "alice:PASSWORD": f"'alice:{PASSWORD}'", "bob:PASSWORD": "bob:$BOB"})
        for command in documents.commands(f"{CHECKOUT}/README.md"):
            said = typist.type(command)
            made = re.search(r"^Password: (\S+)", said, flags=re.M)
            if made:
                typist.words["bob:PASSWORD"] = f"bob:{made.group(1)}"
                # authd looks at its files a second after the last time at the earliest.
                eventually(lambda: _knows(server, "bob@example.org"), "the new user is known", 5)
            if command.text.startswith("curl -k pop3s"):
                expect("Mail from a new host." in said, said)
            if command.text.endswith("pop3s://127.0.0.1:2995/1"):
                expect("Subject: " in said, said)


def _knows(server, recipient):
    with server.smtp() as client:
        client.mail("outside@elsewhere.test")
        return client.rcpt(recipient)[0] == 250


@timeout(120)
def test_operations():
    def block_bob(server):
        os.makedirs(os.path.dirname(server.maildir("bob")))
        with open(server.maildir("bob"), "x"):
            pass
    with example(users=("alice", "bob"), errors_allowed=True, prepare=block_bob) as server:
        server.send(messages.simple("waits"), to="bob@example.test")
        (name,) = eventually(lambda: os.listdir(f"{server.root}/queue/local"), "an entry waits")
        block(server, "127.0.0.9")
        folder = tempfile.mkdtemp(prefix="backups-", dir=os.environ["WMAIL_TESTS_FOLDER"])
        typist = Typist(
            server, paths={"/var/backups/wmailserver": folder},
            words={"ID": name.split(".")[0], "DIR": f"{folder}/other", "FILE": f"{server.root}/config/config.json",
                   "wmail trace ADDRESS": {"ADDRESS": "outside@elsewhere.test"},
                   "wmail blocked clear ADDRESS": {"ADDRESS": "127.0.0.9"},
                   # Said before there is another backup than that of the block above.
                   "wmail restore --replace DIR": {"DIR": f"{folder}/2026-11-26"}})
        said = typist.type_document("docs/operations.md")
        expect(name.split(".")[0] in said["journalctl -u wmailserver | grep ID"], "the log of the entry")
        expect("default/bob" in said["wmail queue list"], said["wmail queue list"])
        expect(os.path.exists(f"{folder}/2026-11-26/backup.json"), "the backup is whole")
        expect("alice@example.test" in subprocess.run(
            [f"{os.environ['WMAIL_BIN']}/wmail", "--root", server.root, "user", "list"], capture_output=True).stdout.decode(),
            "the restored users")
        if server.master.poll() is not None:
            server.start()


@timeout(120)
def test_migration():
    old = tempfile.mkdtemp(prefix="old-", dir=os.environ["WMAIL_TESTS_FOLDER"])
    letter = "Subject: from before\n\nOld words.\n"
    python, dove, mbox = f"{old}/python", f"{old}/dovecot", f"{old}/mbox"
    with example() as server:
        shutil.copytree(f"{server.root}/config", f"{python}/config")
        tree = f"{python}/usermanager/default"
        os.makedirs(f"{tree}/users/carol/0123456789abcdef")
        for name, text in (("content.txt", letter), ("mail.json", '{"timestamp": 1700000000, "id": "0123456789abcdef"}')):
            with open(f"{tree}/users/carol/0123456789abcdef/{name}", "w") as file:
                file.write(text)
        with open(f"{tree}/group.json", "w") as file:
            file.write('{"users": {"carol": {"password": "her password", "permissions": ["receive"], '
                       '"path": "./usermanager/default/users/carol"}}, "bindDomains": ["example.test"]}')
        for part in ("tmp", "new", "cur"):
            os.makedirs(f"{dove}/{part}")
        with open(f"{dove}/new/1700000000.M1P1.dove", "w") as file:
            file.write(letter)
        with open(f"{dove}/dovecot-uidlist", "w") as file:
            file.write("3 V1275660208 N25022 G3085f01b7f11094c501100008c4a11c1\n20 :1700000000.M1P1.dove\n")
        with open(mbox, "w") as file:
            file.write(f"From x Thu Jan  1 00:00:00 1970\n{letter}\n")
        typist = Typist(
            server, words={"DIR": python, "USER": "alice", "FILE": f"{old}/alice.mbox"},
            paths={"/old/folder": python, "/var/vmail/example.org/alice/Maildir": dove, "/var/mail/alice": mbox})
        typist.type_document("docs/migration.md")
        with open(f"{old}/alice.mbox") as file:
            expect_equal(file.read().count("Old words."), 2, "messages in the export: of Dovecot and of the mbox file")


@needs_tool("smtp-source")
def test_performance():
    with example() as server:
        Typist(server, words={"-m 1800": "-m 20"}).type_document("docs/performance.md")
        expect_equal(len(server.wait_for_mail("demo", 20)), 20, "messages")


def test_manual_pages():
    with NameServer(address(5), {}), example() as server:
        typist = Typist(server)
        for path in sorted(glob.glob(f"{CHECKOUT}/docs/man/*.[1-9]")):
            for command in documents.manual_commands(path):
                typist.type(command)


def test_undelete():
    with example() as server:
        server.send(messages.simple("kept"))
        (path,) = server.wait_for_mail("alice")
        folder = os.path.dirname(os.path.dirname(path))
        os.makedirs(f"{folder}/pop3.trash")
        name = os.path.basename(path)
        os.rename(path, f"{folder}/pop3.trash/1795000000,{name}")
        Typist(server, words={"NAME": name}, paths={"Maildir/": f"{folder}/"}).type_document("docs/mailboxes.md")
        expect_equal(len(server.fetch_all("alice")), 1, "messages after the deletion was undone")


OWN_TESTS = {"README.md", "docs/operations.md", "docs/migration.md", "docs/performance.md", "docs/mailboxes.md"}


def test_other_documents():
    with example() as server:
        typist = Typist(server, words={"DIR": server.root})
        for name in texts():
            if name not in OWN_TESTS:
                typist.type_document(name)


def test_no_exception_is_left_over():
    said = {command.text for name in texts() for command in documents.commands(f"{CHECKOUT}/{name}")}
    for path in glob.glob(f"{CHECKOUT}/docs/man/*.[1-9]"):
        said |= {command.text for command in documents.manual_commands(path)}
    expect_equal(sorted((set(ELSEWHERE) | set(STATUSES)) - said), [], "exceptions that no document needs")
    expect(len(said) > 50, f"commands are found: {said}")
