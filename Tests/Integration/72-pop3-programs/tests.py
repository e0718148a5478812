# SPDX-License-Identifier: Apache-2.0
"""The programs that people fetch mail with, and a second server at the same Maildir."""

import contextlib
import glob
import imaplib
import os
import poplib
import pty
import re
import select
import signal
import subprocess
import time
import urllib.parse

from harness import PASSWORD, Server, eventually, expect, expect_equal, needs_root, needs_tool
from harness import messages

TEXTS = [messages.simple("first", b"Hello.\r\n.\r\n..two dots\r\n"), messages.simple("second", "Grüße\r\n".encode()),
         messages.simple("third", b"x" * 990 + b"\r\n\r\n")]


@contextlib.contextmanager
def filled():
    """A server with three messages for alice."""
    with Server() as server:
        for number, text in enumerate(TEXTS, 1):
            server.send(text)
            server.wait_for_mail("alice", number)
        yield server


def run(server, *words, input=None, home=None):
    """Runs a client to its end; returns what it printed."""
    home = home or f"{server.root}.home"
    os.makedirs(home, exist_ok=True)
    done = subprocess.run(
        words, input=input, capture_output=True, timeout=40, cwd=home,
        env={**os.environ, "HOME": home, "LC_ALL": "C.UTF-8"})
    shown = done.stdout.decode(errors="replace") + done.stderr.decode(errors="replace")
    expect(done.returncode == 0, f"{' '.join(words)} ended with {done.returncode}:\n{shown}")
    return shown


def written(server, name, text):
    """A settings file that only its owner can read."""
    path = f"{server.root}.{name}"
    with open(path, "w") as file:
        file.write(text)
    os.chmod(path, 0o600)
    return path


def empty_maildir(server, name):
    path = f"{server.root}.{name}"
    for part in ("tmp", "new", "cur"):
        os.makedirs(f"{path}/{part}")
    return path


def texts_in(maildir):
    """What a client has put into its own Maildir, with CRLF, in the order of its names."""
    found = []
    for path in sorted(glob.glob(f"{maildir}/new/*") + glob.glob(f"{maildir}/cur/*"), key=os.path.getmtime):
        with open(path, "rb") as file:
            found.append(messages.crlf(file.read()))
    return found


def expect_texts(found):
    """The three messages, in whatever order, without what the client may have put in front."""
    bodies = sorted(text[text.index(b"From: outside"):] for text in found)
    expect_equal(bodies, sorted(TEXTS), "what the client has got")


@needs_tool("getmail")
def test_getmail():
    with filled() as server:
        target = empty_maildir(server, "got")
        folder = f"{server.root}.getmail"
        os.mkdir(folder, 0o700)
        settings = f"{folder}/getmailrc"
        with open(settings, "w") as file:
            file.write(
                "[retriever]\ntype = SimplePOP3SSLRetriever\n"
                f"server = {server.address}\nport = {server.ports['pop3s']}\nusername = alice\n"
                f"password = {PASSWORD}\n[destination]\ntype = Maildir\npath = {target}/\n"
                "[options]\nread_all = false\ndelete = false\ndelivered_to = false\nreceived = false\n")
        os.chmod(settings, 0o600)
        words = ("getmail", "--getmaildir", folder, "--rcfile", "getmailrc")
        # Programs that write Maildirs refuse to do so as root.
        if os.geteuid() == 0:
            for path in (folder, settings, target, *glob.glob(f"{target}/*")):
                os.chown(path, 65534, 65534)
            words = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", *words)
        run(server, *words)
        expect_texts(texts_in(target))
        # It remembers by unique id, and must find nothing new.
        run(server, *words)
        expect_equal(len(texts_in(target)), 3, "messages after the second run")


@needs_tool("mpop")
def test_mpop_with_and_without_pipelining():
    with filled() as server:
        target = empty_maildir(server, "got")
        common = (
            "mpop", f"--host={server.address}", f"--port={server.ports['pop3s']}", "--tls=on", "--tls-starttls=off",
            "--tls-certcheck=off", "--auth=on", "--user=alice", f"--passwordeval=echo '{PASSWORD}'",
            f"--delivery=maildir,{target}", f"--uidls-file={server.root}.uidls", "--received-header=off")
        run(server, *common, "--pipelining=on", "--keep=on")
        expect_texts(texts_in(target))
        run(server, *common, "--pipelining=off", "--keep=on")
        expect_equal(len(texts_in(target)), 3, "messages after the second run")
        # Over STLS, and deleting what it knows by unique id.
        common = (*common[:2], f"--port={server.ports['pop3']}", "--tls=on", "--tls-starttls=on", *common[5:])
        run(server, *common, "--pipelining=on", "--keep=off")
        eventually(lambda: not server.mailbox("alice"), "what mpop has fetched is deleted")


def on_a_terminal(words, home, seconds=20):
    """Runs a program that wants a terminal; returns what it showed."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm", HOME=home)
        os.execvp(words[0], words)
    screen, deadline = b"", time.monotonic() + seconds
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                part = os.read(terminal, 4096)
            except OSError:
                break
            if not part:
                break
            screen += part
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(terminal)
    return re.sub(rb"[^ -~]+", b" ", screen)[-2000:]


@needs_tool("mutt")
def test_mutt_over_pop3():
    with filled() as server:
        out = f"{server.root}.piped"
        settings = written(server, "muttrc", (
            'set pipe_decode=no\nset wait_key=no\nset sleep_time=0\nset header_cache=""\nset quit=yes\n'
            "set delete=yes\nset pop_last=no\nunset confirmappend\nset folder=/nonexistent\nset record=\"\"\n"
            f'set message_cachedir=""\nset certificate_file={server.root}/config/ssl/cert.pem\nset ssl_verify_host=no\n'
            f'set pop_pass="{PASSWORD}"\n'
            f'push "<first-entry>|cat >{out}<enter>d<sync-mailbox><exit>"\n'))
        url = f"pops://alice@{server.address}:{server.ports['pop3s']}/"
        shown = on_a_terminal(["mutt", "-n", "-F", settings, "-f", url], f"{server.root}")
        expect(os.path.exists(out), f"mutt showed: {shown!r}")
        with open(out, "rb") as file:
            stored = messages.crlf(file.read())
        expect_equal(stored[stored.index(b"From: outside"):], TEXTS[0], "what mutt read")
        eventually(lambda: len(server.mailbox("alice")) == 2, "the message that mutt deleted is gone")


@needs_tool("s-nail")
def test_s_nail():
    with filled() as server:
        out = f"{server.root}.copied"
        password = urllib.parse.quote(PASSWORD)
        run(server, "s-nail", "-:/", "-#", "-S", "v15-compat", "-S", "tls-verify=ignore", "-S", "pop3-keepalive=30",
            "-f", f"pop3s://alice:{password}@{server.address}:{server.ports['pop3s']}",
            input=f"copy * {out}\ndelete 2\nquit\n".encode())
        with open(out, "rb") as file:
            text = messages.crlf(file.read())
        for subject in (b"first", b"second", b"third"):
            expect(b"Subject: " + subject + b"\r\n" in text, f"{subject} in what s-nail copied")
        eventually(lambda: len(server.mailbox("alice")) == 2, "the message that s-nail deleted is gone")


# Dovecot beside us

class Dovecot:
    """Dovecot's IMAP and POP3 at the Maildirs of a server, from a configuration of its own."""

    def __init__(self, server):
        self.server = server
        self.imap_port, self.pop3_port = 2143, 2111
        # The user that may write into Maildirs, and the group that may read messages: docs/mailboxes.md.
        user, group = os.stat(server.maildir("alice")).st_uid, os.stat(server.mailbox("alice")[0]).st_gid
        self.base = f"{server.root}.dovecot"
        os.mkdir(self.base)
        self.config = f"{self.base}/dovecot.conf"
        with open(self.config, "w") as file:
            file.write(f"""
protocols = imap pop3
listen = {server.address}
base_dir = {self.base}/run
state_dir = {self.base}/state
log_path = {self.base}/log
ssl = no
disable_plaintext_auth = no
first_valid_uid = 1
first_valid_gid = 1
default_internal_user = dovecot
default_login_user = dovenull
mail_location = maildir:{server.root}/usermanager/default/users/%u/Maildir
mail_privileged_group =
passdb {{
  driver = static
  args = password=dovecot
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={self.base}/home/%u
}}
service imap-login {{
  inet_listener imap {{
    port = {self.imap_port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {self.pop3_port}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
""")

    def __enter__(self):
        self.process = subprocess.Popen(
            ["dovecot", "-F", "-c", self.config], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        self.imap = eventually(self._login, "Dovecot lets us in")
        return self

    def _login(self):
        try:
            imap = imaplib.IMAP4(self.server.address, self.imap_port, timeout=20)
            imap.login("alice", "dovecot")
            return imap
        except (OSError, imaplib.IMAP4.error):
            return None

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)

    def select(self):
        """The number of messages that IMAP shows now."""
        answer, data = self.imap.select("INBOX")
        expect_equal(answer, "OK", "SELECT")
        return int(data[0])

    def fetch(self, number):
        """A message as IMAP gives it."""
        _, data = self.imap.fetch(str(number), "(BODY.PEEK[])")
        return data[0][1]


def listed(client):
    """Unique id and size by message number."""
    sizes = {int(number): int(size) for number, size in (line.split() for line in client.list()[1])}
    ids = {int(number): identity for number, identity in (line.split() for line in client.uidl()[1])}
    return {number: (ids[number], sizes[number]) for number in sizes}


@needs_root
@needs_tool("dovecot")
def test_dovecot_at_the_same_maildir():
    with filled() as server:
        client = server.pop("alice")
        before = listed(client)
        texts = {number: server.retrieve(client, number) for number in before}
        client.quit()
        with Dovecot(server) as dovecot:
            # Dovecot moves what it sees from new to cur, flags it, and keeps files of its own.
            expect_equal(dovecot.select(), 3, "messages over IMAP")
            for number, text in texts.items():
                expect_equal(dovecot.fetch(number), text, f"message {number} over IMAP")
            dovecot.imap.store("1", "+FLAGS", "(\\Seen \\Flagged)")
            expect(not os.listdir(f"{server.maildir('alice')}/new"), "Dovecot has moved everything to cur")
            client = server.pop("alice")
            expect_equal(listed(client), before, "ids and sizes after Dovecot")
            for number, text in texts.items():
                expect_equal(server.retrieve(client, number), text, f"message {number} after Dovecot")
            # While our session is open: one gets another flag, one is expunged, one is appended.
            dovecot.imap.store("3", "+FLAGS", "(\\Answered)")
            dovecot.imap.store("2", "+FLAGS", "(\\Deleted)")
            dovecot.imap.expunge()
            dovecot.imap.append("INBOX", None, None, b"Subject: appended\r\n\r\nby IMAP\r\n.dot\r\n")
            expect_equal(server.retrieve(client, 3), texts[3], "a message that was flagged meanwhile")
            try:
                client.retr(2)
                raise AssertionError("a message is served that is expunged")
            except poplib.error_proto as error:
                expect(error.args[0].startswith(b"-ERR"), f"{error}")
            client.dele(1)
            client.dele(2)
            client.quit()
            expect_equal(dovecot.select(), 2, "messages over IMAP after our deletions")
            client = server.pop("alice")
            after = listed(client)
            expect_equal(after[1], before[3], "the message that is left")
            appended = server.retrieve(client, 2)
            expect_equal(appended, b"Subject: appended\r\n\r\nby IMAP\r\n.dot\r\n", "the message that Dovecot stored")
            expect_equal(after[2][1], len(appended), "its size")
            client.quit()
            # Its own POP3 serves the same files with the same sizes.
            theirs = poplib.POP3(server.address, dovecot.pop3_port, timeout=20)
            theirs.user("alice")
            theirs.pass_("dovecot")
            expect_equal([size for _, size in listed(theirs).values()], [size for _, size in after.values()],
                         "sizes in Dovecot's POP3")
            theirs.quit()
