# SPDX-License-Identifier: Apache-2.0
"""The faults of the Python program, by their numbers in docs/migration.md: each test fails on its fault."""

import base64
import os
import poplib
import smtplib
import socket
import stat
import time

from harness import PASSWORD, Server, expect, expect_equal
from harness import messages
from harness.server import tls_context



def test_01_a_line_with_a_dot_and_blanks_does_not_end_a_message():
    # The other terminators are in 60-reception.
    body = b"before\r\n . \r\n.. \r\n . .\r\nafter\r\n"
    with Server() as server:
        server.send(messages.simple("dots and blanks", body))
        server.wait_for_mail("alice")
        expect(server.fetch_all("alice")[0].endswith(b"\r\n\r\n" + body), "the body is whole")


def test_02_each_of_two_recipients_gets_the_message():
    message = messages.simple("to both")
    with Server() as server:
        server.send(message, to=["alice@example.test", "bob@example.test"])
        for user in ("alice", "bob"):
            server.wait_for_mail(user)
            expect_equal(messages.without_trace(server.fetch_all(user)[0]), message, f"{user}'s message")


def test_03_deleted_messages_are_gone():
    with Server() as server:
        server.send(messages.simple("away"))
        server.wait_for_mail("alice")
        client = server.pop("alice")
        client.dele(1)
        client.quit()
        expect_equal(server.mailbox("alice"), [], "files")
        client = server.pop("alice")
        expect_equal(client.list()[1], [], "LIST")
        client.quit()


def test_04_as_many_octets_come_as_are_announced():
    body = b"x" * 70 + b"\r\n" + ("ä" * 40_000).encode()[:900] + b"\r\n" + b"0123456789\r\n" * 6000
    with Server() as server:
        server.send(messages.simple("sizes", body))
        server.wait_for_mail("alice")
        client = server.pop("alice")
        announced = int(client.list(1).split()[2])
        stored = server.retrieve(client, 1)
        client.quit()
        expect_equal(len(stored), announced, "octets")
        expect(stored.endswith(body), "the body is whole")


def test_05_dots_are_unstuffed_and_lines_end_with_crlf():
    with Server() as server:
        server.send(messages.simple("dots", b".one\r\n..two\r\n"))
        (path,) = server.wait_for_mail("alice")
        with open(path, "rb") as file:
            stored = file.read()
        expect(stored.endswith(b"\r\n\r\n.one\r\n..two\r\n"), f"stored: {stored[-40:]!r}")


def test_06_octets_that_are_no_utf8_pass():
    with Server() as server:
        client = server.smtp()
        client.sendmail("outside@elsewhere.test", ["alice@example.test"],
                        messages.simple("raw", b"\xff\xfe\x80 not UTF-8\r\n"), mail_options=["BODY=8BITMIME"])
        expect_equal(client.noop()[0], 250, "the session goes on")
        client.quit()
        server.wait_for_mail("alice")
        expect(server.fetch_all("alice")[0].endswith(b"\xff\xfe\x80 not UTF-8\r\n"), "the octets")


def test_07_bounces_arrive():
    with Server() as server:
        server.send(messages.simple("bounce"), sender="")
        server.wait_for_mail("alice")
        expect(server.fetch_all("alice")[0].startswith(b"Return-Path: <>\r\n"), "the null return path")


def test_08_domains_have_no_case():
    with Server() as server:
        server.send(messages.simple("case"), to="alice@EXAMPLE.Test")
        server.wait_for_mail("alice")


def test_09_no_login_without_tls_and_no_password_in_the_log():
    plain = base64.b64encode(f"\0alice\0{PASSWORD}".encode()).decode()
    with Server() as server:
        client = server.smtp()
        code, _ = client.docmd("AUTH", f"PLAIN {plain}")
        expect(code in (530, 538, 503, 502, 504), f"AUTH without TLS: {code}")
        client.quit()
        client = server.smtp(starttls=True)
        expect_equal(client.docmd("AUTH", f"PLAIN {plain}")[0], 235, "AUTH under TLS")
        client.quit()
        server.pop("alice").quit()
        log = server.log()
        for secret in (PASSWORD, plain, base64.b64encode(PASSWORD.encode()).decode()):
            expect(secret not in log, "the password is in the log")


def test_10_tls_is_no_permission_to_relay():
    with Server() as server:
        client = server.smtp(starttls=True)
        client.mail("outside@elsewhere.test")
        expect(client.rcpt("victim@foreign.test")[0] in (550, 530), "RCPT to a foreign domain under TLS")
        client.quit()


def test_11_a_login_uses_its_own_addresses_only():
    with Server() as server:
        client = server.smtp(service="submission", login="alice")
        expect_refused_sender(client, "bob@example.test")
        expect_refused_sender(client, "admin@anything.test")
        client.rset()
        expect_equal(client.mail("alice@example.test")[0], 250, "her own")
        expect_equal(client.rcpt("bob@example.test")[0], 250, "to bob")
        code, text = client.data(messages.simple("forged", sender="bob@example.test"))
        expect_equal((code, text[:5]), (550, b"5.7.1"), "a message From: bob")
        client.quit()
        expect_equal(server.mailbox("bob"), [], "bob's mailbox")


def expect_refused_sender(client, sender):
    client.rset()
    code, text = client.mail(sender)
    if code == 250:
        code, text = client.rcpt("bob@example.test")
    expect_equal((code, text[:5]), (553, b"5.7.1"), f"sender {sender}")


def test_12_nobody_fills_a_mailbox_with_reports():
    with Server() as server:
        client = server.smtp()
        client.mail("alice@example.test")
        expect(client.rcpt("<b>bold</b>@foreign.test")[0] >= 500, "RCPT to a foreign domain")
        expect(client.rcpt("nobody@foreign.test")[0] >= 500, "RCPT to a foreign domain")
        client.quit()
        time.sleep(0.5)
        expect_equal(server.mailbox("alice"), [], "reports for alice")


def test_13_an_idle_connection_does_not_block_a_tls_port():
    with Server() as server:
        idle = [server.connect(service) for service in ("smtps", "pop3s") for _ in range(3)]
        started = time.monotonic()
        server.smtp(service="smtps").quit()
        server.pop("alice").quit()
        expect(time.monotonic() - started < 3, "it took more than 3 s")
        for connection in idle:
            connection.close()


def test_14_a_long_log_stops_nothing():
    with Server() as server:
        while len(server.log()) < 60_000:
            with server.smtp() as client:
                for number in range(20):
                    client.sendmail("outside@elsewhere.test", ["alice@example.test"], messages.simple(f"no {number}"))
        expect_equal(server.smtp().noop()[0], 250, "NOOP afterwards")


def test_15_unknown_recipients_of_one_message_block_nobody():
    with Server() as server:
        client = server.smtp()
        client.mail("list@elsewhere.test")
        codes = [client.rcpt(f"unknown{number}@example.test")[0] for number in range(12)]
        expect_equal(codes, [550] * 12, "unknown recipients")
        expect_equal(client.rcpt("alice@example.test")[0], 250, "a known one after them")
        expect_equal(client.data(messages.simple("to a list"))[0], 250, "end of data")
        client.quit()
        server.smtp().quit()
        server.pop("alice").quit()


def test_16_each_recipient_is_answered_for():
    with Server() as server:
        client = server.smtp()
        client.mail("outside@elsewhere.test")
        code, text = client.rcpt("unknown@example.test")
        expect_equal((code, text[:5]), (550, b"5.1.1"), "an unknown recipient")
        expect_equal(client.docmd("DATA")[0] in (503, 554), True, "DATA without a recipient")
        client.rcpt("alice@example.test")
        client.data(messages.simple("partly"))
        client.quit()
        server.wait_for_mail("alice")


def test_17_silence_and_endless_lines_are_bounded():
    def hurried(config):
        config["SMTPServices"]["settings"] = {"commandTimeout": 2, "greetingTimeout": 2, "dataTimeout": 2}
    with Server(config=hurried) as server:
        with server.connect("smtp") as connection:
            replies = connection.makefile("rb")
            replies.readline()
            started = time.monotonic()
            line = replies.readline()
            expect(line == b"" or line.startswith(b"421"), f"after silence: {line!r}")
            expect(1 < time.monotonic() - started < 10, "the time until then")
        with server.connect("smtp") as connection:
            replies = connection.makefile("rb")
            replies.readline()
            connection.sendall(b"NOOP " + b"x" * 5000 + b"\r\n")
            expect_equal(replies.readline()[:3], b"500", "reply to a long line")
            connection.sendall(b"NOOP\r\n")
            expect_equal(replies.readline()[:3], b"250", "reply to the next")


def test_18_failed_pop3_sasl_logins_count():
    def few(config):
        config["wMailServerSettings"].update(ipMaxPwdTry=3, maxCmdError=100)
    with Server(config=few) as server:
        def sasl(password):
            try:
                with socket.create_connection((server.address, server.ports["pop3s"]), timeout=10,
                                              source_address=("127.9.9.9", 0)) as plain:
                    with tls_context().wrap_socket(plain) as connection:
                        replies = connection.makefile("rb")
                        if not replies.readline().startswith(b"+OK"):
                            return False
                        response = base64.b64encode(f"\0alice\0{password}".encode())
                        connection.sendall(b"AUTH PLAIN " + response + b"\r\n")
                        return replies.readline().startswith(b"+OK")
            except OSError:
                return False
        expect(sasl(PASSWORD), "the right password at first")
        for number in range(4):
            expect(not sasl(f"wrong {number}"), f"guess {number}")
        # What earlier succeeded from the same host may have earned it some patience, but not for ever.
        for number in range(20):
            sasl(f"more {number}")
        expect(not sasl(PASSWORD), "the right password after 24 wrong ones")


def test_19_trace_fields_and_loops():
    with Server() as server:
        with server.connect("smtp") as connection:
            expect(connection.recv(200).startswith(b"220 mail.example.test "), "the greeting names the host")
        server.send(messages.simple("trace"))
        server.wait_for_mail("alice")
        trace, _ = messages.split_trace(server.fetch_all("alice")[0])
        expect(trace.startswith(b"Return-Path: <outside@elsewhere.test>\r\n"), "Return-Path")
        for part in (b"Received: from client.test", b"by mail.example.test", b"with ESMTP", b" id "):
            expect(part in trace, f"{part!r} in {trace!r}")
        hop = b"Received: from a.test by b.test; Tue, 24 Nov 2026 10:00:00 +0000\r\n"
        try:
            server.send(hop * 60 + messages.simple("loop"))
            raise AssertionError("a message with 60 hops was taken")
        except smtplib.SMTPDataError as refusal:
            expect_equal((refusal.smtp_code, refusal.smtp_error[:5]), (554, b"5.4.6"), "refusal of a loop")
        # On submission what is missing is added.
        server.send(b"From: alice@example.test\r\nTo: bob@example.test\r\n\r\nx\r\n", sender="alice@example.test",
                    to="bob@example.test", service="submission", login="alice")
        server.wait_for_mail("bob")
        header = server.fetch_all("bob")[0].partition(b"\r\n\r\n")[0].lower()
        for name in (b"\r\ndate: ", b"\r\nmessage-id: <"):
            expect_equal(header.count(name), 1, f"{name!r} in {header!r}")


def test_20_success_is_not_reported_as_failure():
    with Server() as server:
        server.send(messages.simple("fine", sender="alice@example.test"), sender="alice@example.test",
                    to="bob@example.test", service="submission", login="alice")
        server.wait_for_mail("bob")
        time.sleep(0.5)
        expect_equal(server.mailbox("alice"), [], "reports for the sender")


def test_22_files_are_private_and_the_configuration_is_not_rewritten():
    with Server() as server:
        with open(f"{server.root}/config/config.json", "rb") as file:
            before = file.read()
        server.send(messages.simple("private"))
        (mail,) = server.wait_for_mail("alice")
        for path in (mail, f"{server.root}/usermanager/default/group.json", f"{server.root}/queue"):
            mode = stat.S_IMODE(os.stat(path).st_mode)
            expect_equal(mode & 0o007, 0, f"others' rights to {path}: {mode:o}")
        server.stop()
        server.start()
        with open(f"{server.root}/config/config.json", "rb") as file:
            expect_equal(file.read(), before, "config.json after a restart")
        if os.geteuid() == 0:
            for pids in server.workers().values():
                for pid in pids:
                    expect(os.stat(f"/proc/{pid}").st_uid != 0 or "0" not in uids(pid), f"{pid} runs as root")


def uids(pid):
    with open(f"/proc/{pid}/status") as file:
        return next(line for line in file if line.startswith("Uid:")).split()[1:]


def test_23_order_locks_and_tls_of_pop3():
    with Server() as server:
        for number in range(8):
            server.send(messages.simple(f"number {number}"))
        server.wait_for_mail("alice", 8)
        for number, message in enumerate(server.fetch_all("alice")):
            expect(f"Subject: number {number}\r\n".encode() in message, f"message {number} in its place")
        first = server.pop("alice")
        try:
            server.pop("alice")
            raise AssertionError("two sessions at one mailbox")
        except poplib.error_proto as error:
            expect(b"[IN-USE]" in error.args[0], f"{error}")
        try:
            first._shortcmd("STLS")
            raise AssertionError("STLS inside TLS")
        except poplib.error_proto:
            pass
        first.quit()
