# SPDX-License-Identifier: Apache-2.0
"""What the receiving side takes and refuses: smuggling, relaying, guessing, limits."""

import base64
import re
import smtplib
import socket
import time

from harness import PASSWORD, Server, Skip, eventually, expect, expect_equal, timeout
from harness import messages
from harness.processes import status
from harness.server import tls_context


class Dialogue:
    """A session spoken by hand, octet for octet."""

    def __init__(self, connection):
        self.connection = connection
        self.replies = connection.makefile("rb")

    def reply(self):
        """The next reply: its code, or None at the end, and its lines."""
        lines = []
        while True:
            line = self.replies.readline()
            if not line:
                return None, b"".join(lines)
            lines.append(line)
            if line[3:4] != b"-":
                return int(line[:3]), b"".join(lines)

    def say(self, line):
        self.connection.sendall(line + b"\r\n")
        return self.reply()

    def expect(self, line, code):
        got, text = self.say(line)
        expect_equal(got, code, f"reply to {line!r}: {text!r}")

    def begin(self, sender=b"outside@elsewhere.test", to=b"alice@example.test"):
        """From the greeting to 354."""
        expect_equal(self.reply()[0], 220, "greeting")
        self.expect(b"EHLO client.test", 250)
        self.expect(b"MAIL FROM:<" + sender + b">", 250)
        self.expect(b"RCPT TO:<" + to + b">", 250)
        self.expect(b"DATA", 354)

    def drain(self, seconds):
        """Every reply until the server says no more for so long, or ends."""
        self.connection.settimeout(seconds)
        codes = []
        try:
            while True:
                code, _ = self.reply()
                if code is None:
                    return codes
                codes.append(code)
        except (TimeoutError, ConnectionError):
            return codes


# Smuggling

TERMINATORS = [
    b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\r", b"\r\n.\n", b"\r\n\x00.\r\n", b"\r.\r\n", b"\n.\r", b"\r.\n",
    b"\r\n.\x00\r\n", b"\r\n \r\n.\n", b"\r\n.\r\r\n", b"\r\r\n.\r\r\n", b"\r\n. \r\n", b"\r\n . \r\n", b"\r\n.\t\r\n",
    b"\n\n.\n\n", b"\x0b.\x0b", b"\xc2\x85.\xc2\x85", b"\xe2\x80\xa8.\xe2\x80\xa8", b"\r\n.\x0b\r\n", b"\r\n.\\r\\n",
]
SMUGGLED = (b"MAIL FROM:<evil@elsewhere.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n"
            b"Subject: smuggled\r\n\r\nevil\r\n.\r\n")


@timeout(120)
def test_no_terminator_smuggles():
    """Judged by the mailboxes: bob must get nothing, whatever the server answers."""
    with Server(config=patient) as server:
        for terminator in TERMINATORS:
            for pieces in (1, 2):
                with server.connect("smtp") as connection:
                    dialogue = Dialogue(connection)
                    dialogue.begin()
                    head = messages.simple("carrier", b"line" + terminator)
                    if pieces == 1:
                        connection.sendall(head + SMUGGLED)
                    else:
                        connection.sendall(head)
                        time.sleep(0.02)
                        connection.sendall(SMUGGLED)
                    connection.sendall(b"QUIT\r\n")
                    # Left open until the server has judged all of it, or waits for more.
                    dialogue.drain(0.2)
        server.send(messages.simple("honest"), to=["alice@example.test"])
        eventually(lambda: any(b"honest" in read(path) for path in server.mailbox("alice")), "the honest message")
        server.drained()
        expect_equal(server.mailbox("bob"), [], "smuggled messages")
        for path in server.mailbox("alice"):
            stored = read(path)
            expect(not re.search(rb"(?<!\r)\n|\r(?!\n)", stored), f"a bare CR or LF was stored: {stored[:600]!r}")


def patient(config):
    """No client is blocked for what the tests do on purpose."""
    config["wMailServerSettings"].update(maxCmdError=1000, ipMaxPwdTry=1000)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def test_bare_line_ends_are_refused_and_the_session_goes_on():
    with Server(config=patient) as server:
        with server.connect("smtp") as connection:
            dialogue = Dialogue(connection)
            dialogue.begin()
            connection.sendall(b"Subject: bare\r\n\r\na bare\nline feed\r\n.\r\n")
            code, text = dialogue.reply()
            expect_equal((code, text[4:10]), (550, b"5.6.11"), "reply to a bare LF")
            dialogue.expect(b"MAIL FROM:<outside@elsewhere.test>", 250)
            dialogue.expect(b"RCPT TO:<alice@example.test>", 250)
            dialogue.expect(b"DATA", 354)
            connection.sendall(b"Subject: bare\r\n\r\na bare\rreturn\r\n.\r\n")
            code, text = dialogue.reply()
            expect_equal((code, text[4:10]), (550, b"5.6.11"), "reply to a bare CR")
            dialogue.expect(b"MAIL FROM:<outside@elsewhere.test>", 250)
            dialogue.expect(b"RCPT TO:<alice@example.test>", 250)
            dialogue.expect(b"DATA", 354)
            connection.sendall(messages.simple("good") + b".\r\n")
            expect_equal(dialogue.reply()[0], 250, "reply to a good message")
        server.wait_for_mail("alice")
        expect_equal(len(server.mailbox("alice")), 1, "messages")


def test_commands_injected_before_the_handshake_are_discarded():
    with Server(config=patient) as server:
        for service, lead, after in (("smtp", b"EHLO x\r\n", b"RSET\r\nNOOP\r\n"), ("pop3", b"", b"CAPA\r\nNOOP\r\n")):
            with server.connect(service) as connection:
                replies = connection.makefile("rb")
                replies.readline()
                if lead:
                    connection.sendall(lead)
                    while not replies.readline().startswith(b"250 "):
                        pass
                connection.sendall((b"STARTTLS\r\n" if lead else b"STLS\r\n") + after)
                connection.settimeout(3)
                line = replies.readline()
                if not line.startswith((b"220", b"+OK")):
                    continue
                try:
                    with tls_context().wrap_socket(connection) as tls:
                        tls.settimeout(1)
                        got = tls.recv(100)
                        expect(not got, f"{service}: the injected command was answered under TLS: {got!r}")
                except (OSError, TimeoutError):
                    pass


# Relaying

def test_nobody_relays_without_permission():
    users = {
        "alice": {"password": PASSWORD, "permissions": ["receive", "sendlocal"]},
        "mute": {"password": PASSWORD, "permissions": ["receive"]},
    }
    foreign = [
        "victim@foreign.test", "VICTIM@FOREIGN.TEST", "victim@foreign.test.", "victim%foreign.test@example.test",
        '"victim@foreign.test"@example.test', "foreign.test!victim@example.test", "@example.test:victim@foreign.test",
        "@example.test,@other.test:victim@foreign.test", "victim@[192.0.2.1]", "victim@[IPv6:2001:db8::1]",
        "victim@example.test.foreign.test", "victim@sub.example.test", "victim@foreign.test@example.test",
        '"victim"@foreign.test', "postmaster@foreign.test", "abuse@foreign.test", "alice@example.test@foreign.test",
        "victim@example.test\x00@foreign.test", "victim", "victim@", "victim@localhost", "victim@[127.0.0.1]",
        '"alice@example.test"@foreign.test', "alice@example.tést",
    ]
    senders = ["outside@elsewhere.test", "", "alice@example.test", "victim@foreign.test", "postmaster@example.test",
               "anybody@localhost"]

    with Server(users=users, config=patient) as server:
        clients = [("plain", server.smtp()), ("STARTTLS", server.smtp(starttls=True)),
                   ("alice", server.smtp(login="alice", starttls=True)),
                   ("alice, submission", server.smtp(service="submission", login="alice")),
                   ("mute", server.smtp(service="smtps", login="mute"))]
        accepted = []
        for name, client in clients:
            for sender in senders:
                if client.mail(sender)[0] != 250:
                    client.rset()
                    continue
                for address in foreign:
                    client.putcmd(f"RCPT TO:<{address}>".encode("utf-8").decode("latin-1")
                                  if address.isascii() else f"RCPT TO:<{address.encode('punycode').decode()}>")
                    code = client.getreply()[0]
                    if code < 500:
                        accepted.append((name, sender, address, code))
                client.rset()
            client.quit()
        expect_equal(accepted, [], "accepted for foreign domains")
        expect_equal(server.queue(), [], "in the queue")


def test_a_login_that_may_not_send_locally_cannot():
    users = {"alice": {"password": PASSWORD, "permissions": ["receive"]}, "bob": {
        "password": PASSWORD, "permissions": ["receive", "sendlocal"]}}
    with Server(users=users) as server:
        client = server.smtp(service="submission", login="alice")
        client.mail("alice@example.test")
        expect(client.rcpt("bob@example.test")[0] >= 500, "alice may send without sendlocal")
        client.quit()
        client = server.smtp(service="submission", login="bob")
        client.mail("bob@example.test")
        expect_equal(client.rcpt("alice@example.test")[0], 250, "bob with sendlocal")
        client.quit()


def test_an_account_without_receive_gets_nothing():
    users = {"alice": {"password": PASSWORD, "permissions": ["sendlocal"]}}
    with Server(users=users) as server:
        client = server.smtp()
        client.mail("outside@elsewhere.test")
        expect(client.rcpt("alice@example.test")[0] >= 500, "alice receives without receive")
        client.quit()


def test_submission_demands_a_login():
    with Server() as server:
        for service in ("submission", "smtps"):
            client = server.smtp(service=service, starttls=service == "submission")
            code = client.mail("outside@elsewhere.test")[0]
            if code == 250:
                code = client.rcpt("alice@example.test")[0]
            expect_equal(code, 530, f"without login at {service}")
            client.quit()


# Guessing passwords

def guesses(seconds):
    def change(config):
        config["wMailServerSettings"].update(ipMaxPwdTry=3, ipBlockSeconds=seconds, maxCmdError=100)
    return change


def smtp_login(server, password, source, user="alice"):
    """The code of a login; None when the server does not even greet or answer."""
    try:
        client = server.smtp(starttls=True, source=source, timeout=10)
        code, _ = client.docmd("AUTH", "PLAIN " + base64.b64encode(f"\0{user}\0{password}".encode()).decode())
        client.close()
        return code
    except (smtplib.SMTPException, OSError) as error:
        return getattr(error, "smtp_code", None)


def pop_login(server, password, source, user="alice"):
    """Whether a POP3 login over TLS succeeds."""
    try:
        with socket.create_connection(
                (server.address, server.ports["pop3s"]), timeout=10, source_address=(source, 0)) as plain:
            with tls_context().wrap_socket(plain) as connection:
                replies = connection.makefile("rb")
                if not replies.readline().startswith(b"+OK"):
                    return False
                connection.sendall(b"USER " + user.encode() + b"\r\n")
                replies.readline()
                connection.sendall(b"PASS " + password.encode() + b"\r\n")
                return replies.readline().startswith(b"+OK")
    except OSError:
        return False


def test_guessing_is_locked_out_on_all_services_and_for_a_time():
    with Server(config=guesses(4)) as server:
        attacker, other = "127.9.9.9", "127.8.8.8"
        for number in range(3):
            expect_equal(smtp_login(server, f"wrong {number}", attacker), 535, f"guess {number}")
        blocked = time.monotonic()
        expect(smtp_login(server, PASSWORD, attacker) != 235, "the right password after three wrong ones")
        expect(not pop_login(server, PASSWORD, attacker), "POP3 is open to the attacker")
        expect_equal(smtp_login(server, PASSWORD, other), 235, "login from another address")
        expect(pop_login(server, PASSWORD, other), "POP3 from another address")
        eventually(lambda: pop_login(server, PASSWORD, attacker), "the block is over", 15)
        expect(time.monotonic() - blocked > 2, "the block was over too soon")


def test_guessing_over_pop3_is_counted_too():
    with Server(config=guesses(60)) as server:
        attacker = "127.9.9.9"
        for number in range(3):
            expect(not pop_login(server, f"wrong {number}", attacker), f"guess {number}")
        expect(not pop_login(server, PASSWORD, attacker), "the right password after three wrong ones")
        expect(smtp_login(server, PASSWORD, attacker) != 235, "SMTP is open to the attacker")


def test_the_same_wrong_password_counts_once():
    """A device with an old password does not lock its owner out."""
    with Server(config=guesses(60)) as server:
        for _ in range(8):
            expect(not pop_login(server, "old password", "127.9.9.9"), "the wrong password")
        expect(pop_login(server, PASSWORD, "127.9.9.9"), "the right one afterwards")


def test_unknown_user_and_wrong_password_look_and_last_alike():
    with Server(config=patient) as server:
        times, words = {"alice": [], "nobody": []}, {}
        for number in range(6):
            for user in times:
                client = server.smtp(starttls=True)
                started = time.monotonic()
                words[user] = client.docmd(
                    "AUTH", "PLAIN " + base64.b64encode(f"\0{user}\0wrong {number}".encode()).decode())
                times[user].append(time.monotonic() - started)
                client.close()
        expect_equal(words["alice"], words["nobody"], "replies")
        known, unknown = sorted(times["alice"])[2], sorted(times["nobody"])[2]
        expect(0.3 < known / unknown < 3, f"a known user's refusal takes {known:.4f} s, an unknown one's {unknown:.4f}")


# Limits

def test_too_large_messages_are_refused_and_the_session_goes_on():
    def small(config):
        config["SMTPServices"]["settings"] = {"maxMessageSize": 1}
    with Server(config=small) as server:
        client = server.smtp()
        expect_equal(client.esmtp_features["size"], str(1 << 20), "SIZE")
        expect_equal(client.mail("outside@elsewhere.test", ["SIZE=1048577"])[0], 552, "MAIL with a larger SIZE")
        client.rset()
        try:
            client.sendmail("outside@elsewhere.test", ["alice@example.test"], b"x: y\r\n\r\n" + b"z" * 70 + b"\r\n")
        except smtplib.SMTPException as error:
            raise AssertionError(f"a small message was refused: {error}") from error
        client.ehlo()
        client.mail("outside@elsewhere.test")
        client.rcpt("alice@example.test")
        code, _ = client.data(messages.big(2))
        expect_equal(code, 552, "a larger message without SIZE")
        client.sendmail("outside@elsewhere.test", ["alice@example.test"], messages.simple("after"))
        client.quit()
        server.wait_for_mail("alice", 2)
        expect_equal(len(server.mailbox("alice")), 2, "messages")
        expect_equal([n for n in server.queue() if n.startswith("tmp/")], [], "drafts left")


def test_recipients_beyond_the_limit():
    def few(config):
        config["SMTPServices"]["settings"] = {"maxRecipients": 5}
    with Server(users=[f"u{n}" for n in range(7)], config=few) as server:
        client = server.smtp()
        client.mail("outside@elsewhere.test")
        codes = [client.rcpt(f"u{number}@example.test")[0] for number in range(7)]
        expect_equal(codes, [250] * 5 + [452] * 2, "replies")
        expect_equal(client.data(messages.simple("to five"))[0], 250, "end of data")
        client.quit()
        for number in range(5):
            server.wait_for_mail(f"u{number}")


def test_endless_lines_do_not_grow_memory():
    with Server(config=patient, errors_allowed=True) as server:
        with server.connect("smtp") as connection:
            connection.recv(200)
            try:
                for _ in range(300):
                    connection.sendall(b"x" * 100_000)
            except OSError:
                pass
        for pid in server.workers()["smtpd"]:
            peak = int(status(pid)["VmHWM"].split()[0])
            expect(peak < 60_000, f"smtpd grew to {peak} KB")
        server.send(messages.simple("after"))
        server.wait_for_mail("alice")


def test_trickling_and_idle_clients_hinder_nobody():
    with Server() as server:
        idle = [server.connect(service) for service in ("smtp", "smtps", "pop3", "pop3s") for _ in range(20)]
        started = time.monotonic()
        server.send(messages.simple("between"))
        server.wait_for_mail("alice")
        expect_equal(len(server.fetch_all("alice")), 1, "messages")
        expect(time.monotonic() - started < 5, "it took more than 5 s")
        for connection in idle:
            connection.close()


def test_a_sequence_of_errors_ends_the_session():
    def strict(config):
        config["wMailServerSettings"].update(maxCmdError=5, cmdBlockSeconds=2)
    with Server(config=strict) as server:
        with server.connect("smtp", source="127.9.9.9") as connection:
            dialogue = Dialogue(connection)
            dialogue.reply()
            codes = []
            for _ in range(8):
                try:
                    code, _ = dialogue.say(b"NONSENSE")
                except OSError:
                    break
                if code is None:
                    break
                codes.append(code)
        expect(421 in codes, f"no 421 in {codes}")
        # The host is kept out for a while, others are not.
        server.send(messages.simple("from another"), source="127.8.8.8")

        def greeted():
            try:
                with server.connect("smtp", source="127.9.9.9") as connection:
                    return connection.recv(3) == b"220"
            except OSError:
                return False
        expect(not greeted(), "the host is greeted again at once")
        eventually(greeted, "the block is over", 10)


def test_capabilities_are_true_for_the_state():
    with Server() as server:
        client = server.smtp()
        plain = dict(client.esmtp_features)
        expect("starttls" in plain, "STARTTLS before TLS")
        expect("auth" not in plain, "AUTH before TLS")
        for name in ("pipelining", "size", "8bitmime", "enhancedstatuscodes"):
            expect(name in plain, f"{name} is offered")
        client.starttls(context=tls_context())
        client.ehlo()
        expect("starttls" not in client.esmtp_features, "STARTTLS under TLS")
        expect_equal(sorted(client.esmtp_features.get("auth", "").split()), ["LOGIN", "PLAIN"], "AUTH under TLS")
        expect(client.docmd("STARTTLS")[0] in (503, 502, 554), "STARTTLS twice")
        client.quit()


def test_state_is_gone_after_each_message():
    with Server(config=patient) as server:
        client = server.smtp()
        client.sendmail("outside@elsewhere.test", ["alice@example.test"], messages.simple("first"))
        expect_equal(client.docmd("DATA")[0], 503, "DATA without MAIL")
        expect_equal(client.rcpt("bob@example.test")[0], 503, "RCPT without MAIL")
        client.mail("outside@elsewhere.test")
        client.rcpt("alice@example.test")
        client.ehlo()
        expect_equal(client.docmd("DATA")[0], 503, "DATA after EHLO")
        client.quit()


def test_over_ipv6():
    ports = {}
    try:
        for name in Server.PORTS:
            with socket.socket(socket.AF_INET6) as probe:
                probe.bind(("::1", 0))
                ports[name] = probe.getsockname()[1]
    except OSError as error:
        raise Skip(f"needs IPv6 on loopback: {error}") from error

    class SixServer(Server):
        PORTS = ports
    with SixServer(address="::1") as server:
        message = messages.simple("six")
        server.send(message)
        server.wait_for_mail("alice")
        stored = server.fetch_all("alice")[0]
        expect_equal(messages.without_trace(stored), message, "the message")
        expect(b"[IPv6:::1]" in messages.split_trace(stored)[0], f"Received: {stored[:300]!r}")
