# SPDX-License-Identifier: Apache-2.0
"""The programs that people use, as they use them."""

import os
import pty
import re
import select
import signal
import subprocess
import time

from harness import PASSWORD, Server, eventually, expect, expect_equal, needs_tool
from harness import messages

MESSAGE = messages.simple("by a program", b"Hello.\r\n.\r\n..two dots\r\n" + "Grüße\r\n".encode())
OWN = MESSAGE.replace(b"outside@elsewhere.test", b"alice@example.test")


def run(server, *words, input=None):
    """Runs a client; returns what it printed."""
    home = f"{server.root}.home"
    os.makedirs(home, exist_ok=True)
    done = subprocess.run(
        words, input=input, capture_output=True, timeout=40, env={**os.environ, "HOME": home}, cwd=home)
    expect(done.returncode == 0,
           f"{' '.join(words)} ended with {done.returncode}:\n"
           f"{done.stdout.decode(errors='replace')}{done.stderr.decode(errors='replace')}")
    return done.stdout


def message_file(server, contents):
    path = f"{server.root}.message"
    with open(path, "wb") as file:
        file.write(contents)
    return path


def expect_one(server, message, user="alice"):
    server.wait_for_mail(user)
    fetched = server.fetch_all(user)
    expect_equal(len(fetched), 1, "how many messages came")
    expect_equal(messages.without_trace(fetched[0]), message, "the message")


@needs_tool("curl")
def test_curl_smtp():
    with Server() as server:
        run(server, "curl", "-sS", f"smtp://{server.address}:{server.ports['smtp']}", "--mail-from",
            "outside@elsewhere.test", "--mail-rcpt", "alice@example.test", "-T", message_file(server, MESSAGE))
        expect_one(server, MESSAGE)


@needs_tool("curl")
def test_curl_starttls_with_login():
    with Server() as server:
        run(server, "curl", "-sSk", "--ssl-reqd", f"smtp://{server.address}:{server.ports['submission']}", "--user",
            f"alice:{PASSWORD}", "--mail-from", "alice@example.test", "--mail-rcpt", "bob@example.test", "-T",
            message_file(server, OWN))
        expect_one(server, OWN, "bob")


@needs_tool("curl")
def test_curl_smtps_with_login():
    with Server() as server:
        run(server, "curl", "-sSk", f"smtps://{server.address}:{server.ports['smtps']}", "--user",
            f"alice@example.test:{PASSWORD}", "--mail-from", "alice@example.test", "--mail-rcpt", "bob@example.test",
            "-T", message_file(server, OWN))
        expect_one(server, OWN, "bob")


@needs_tool("curl")
def test_curl_pop3():
    with Server() as server:
        server.send(MESSAGE)
        server.wait_for_mail("alice")
        for scheme, options in (("pop3s", ()), ("pop3", ("--ssl-reqd",))):
            base = f"{scheme}://{server.address}:{server.ports[scheme]}"
            login = ("--user", f"alice:{PASSWORD}")
            listing = run(server, "curl", "-sSk", *options, *login, f"{base}/")
            size = os.path.getsize(server.mailbox("alice")[0])
            expect_equal(listing, b"1 %d\r\n" % size, "LIST")
            stored = run(server, "curl", "-sSk", *options, *login, f"{base}/1")
            expect_equal(messages.without_trace(stored), MESSAGE, f"over {scheme}")
        run(server, "curl", "-sSk", *login, f"pop3s://{server.address}:{server.ports['pop3s']}/1", "-X", "DELE", "-I")
        eventually(lambda: not server.mailbox("alice"), "the message is deleted")


@needs_tool("swaks")
def test_swaks_starttls_and_login():
    with Server() as server:
        for number, mechanism in enumerate(("PLAIN", "LOGIN"), 1):
            run(server, "swaks", "--server", server.address, "--port", str(server.ports["submission"]), "--tls",
                "--auth", mechanism, "--auth-user", "alice", "--auth-password", PASSWORD, "--from",
                "alice@example.test", "--to", "bob@example.test", "--header", f"Subject: swaks {mechanism}")
            server.wait_for_mail("bob", number)
        expect(b"Subject: swaks LOGIN" in server.fetch_all("bob")[1], "the second message")


@needs_tool("swaks")
def test_swaks_other_ways():
    with Server() as server:
        base = ("swaks", "--server", server.address, "--to", "alice@example.test")
        smtp, smtps = str(server.ports["smtp"]), str(server.ports["smtps"])
        run(server, *base, "--port", smtp, "--from", "outside@elsewhere.test")
        run(server, *base, "--port", smtp, "--from", "outside@elsewhere.test", "--pipeline")
        run(server, *base, "--port", smtp, "--from", "outside@elsewhere.test", "--tls")
        run(server, *base, "--port", smtp, "--from", "<>", "--helo", "[127.0.0.1]")
        run(server, *base, "--port", smtps, "--tlsc", "--from", "bob@example.test", "--auth-user", "bob",
            "--auth-password", PASSWORD)
        server.wait_for_mail("alice", 5)


@needs_tool("msmtp")
def test_msmtp():
    with Server() as server:
        run(server, "msmtp", f"--host={server.address}", f"--port={server.ports['submission']}", "--tls=on",
            "--tls-starttls=on", "--tls-certcheck=off", "--auth=on", "--user=alice",
            f"--passwordeval=echo '{PASSWORD}'", "--from=alice@example.test", "bob@example.test",
            input=OWN.replace(b"\r\n", b"\n"))
        expect_one(server, OWN, "bob")


@needs_tool("fetchmail")
def test_fetchmail():
    with Server() as server:
        for number in range(3):
            server.send(messages.simple(f"number {number}"))
        server.wait_for_mail("alice", 3)
        folder = f"{server.root}.fetched"
        os.mkdir(folder)
        settings = f"{server.root}.fetchmailrc"
        with open(settings, "w") as file:
            file.write(
                f'poll {server.address} protocol POP3 service {server.ports["pop3s"]} no dns\n'
                f'  user "alice" password "{PASSWORD}" ssl no sslcertck fetchall no keep no rewrite\n'
                f'  mda "tee -a {folder}/mail"\n')
        os.chmod(settings, 0o600)
        run(server, "fetchmail", "--fetchmailrc", settings, "--nodetach", "--nosyslog", "--pidfile",
            f"{server.root}.pid", "--idfile", f"{server.root}.ids", "--invisible")
        with open(f"{folder}/mail") as file:
            text = file.read()
        for number in range(3):
            expect(f"Subject: number {number}\n" in text, f"message {number} in what fetchmail delivered")
        eventually(lambda: not server.mailbox("alice"), "the fetched messages are deleted")


@needs_tool("mutt")
def test_mutt_reads_the_maildir():
    with Server() as server:
        server.send(MESSAGE)
        server.wait_for_mail("alice")
        out = f"{server.root}.piped"
        settings = f"{server.root}.muttrc"
        with open(settings, "w") as file:
            file.write(
                "set pipe_decode=no\nset wait_key=no\nset sleep_time=0\nset header_cache=\"\"\nset quit=yes\n"
                "unset mark_old\nunset confirmappend\nset folder=/nonexistent\nset record=\"\"\n"
                f"push \"|cat >{out}<enter><exit>\"\n")
        pid, terminal = pty.fork()
        if pid == 0:
            os.environ.update(TERM="xterm", HOME=server.root)
            os.execvp("mutt", ["mutt", "-n", "-F", settings, "-f", server.maildir("alice")])
        # What mutt draws must be read, else it waits.
        screen, deadline = b"", time.monotonic() + 20
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
        if not os.path.exists(out):
            raise AssertionError(f"mutt showed:\n{re.sub(rb'[^ -~]+', b' ', screen)[-2000:]!r}")
        with open(out, "rb") as file:
            stored = file.read()
        expect_equal(messages.without_trace(messages.crlf(stored)), MESSAGE, "what mutt read")
        expect_equal(len(server.mailbox("alice")), 1, "messages in the Maildir after mutt")
        # mutt has moved it to cur with a flag; POP3 goes on with it under the same unique id.
        expect_equal(messages.without_trace(server.fetch_all("alice")[0]), MESSAGE, "over POP3 afterwards")
