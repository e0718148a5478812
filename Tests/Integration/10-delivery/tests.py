# SPDX-License-Identifier: Apache-2.0
"""What goes in over SMTP comes out over POP3, octet for octet but for the trace fields."""

import re

from harness import Server, Skip, expect, expect_equal, timeout
from harness import messages


def round_trip(server, named_messages, **how):
    """Sends all in one session, fetches all in another, compares each."""
    with server.smtp(**{k: v for k, v in how.items() if k != "sender"}) as client:
        for name, message in named_messages:
            refused = client.sendmail(how.get("sender", "outside@elsewhere.test"), ["alice@example.test"], message,
                                      mail_options=["BODY=8BITMIME"])
            expect_equal(refused, {}, f"refused recipients of {name}")
    server.wait_for_mail("alice", len(named_messages))
    fetched = server.fetch_all("alice")
    expect_equal(len(fetched), len(named_messages), "how many messages came")
    for (name, message), stored in zip(named_messages, fetched):
        trace, rest = messages.split_trace(stored)
        expect_equal(rest, message if message.endswith(b"\r\n") else message + b"\r\n", name)
        for line in trace.split(b"\r\n"):
            expect(len(line) <= 998, f"{name}: a trace line of {len(line)} octets")


def corpus():
    found = messages.corpus()
    if not found:
        raise Skip("needs the Debian package libpython3.11-testsuite")
    expect(len(found) > 40, f"only {len(found)} messages of CPython's test data")
    return found


def own(named_messages):
    """The same messages as alice would submit them: from her address, dated and named."""
    fields = rb"(?im)^(?:From|Sender|Date|Message-ID|Resent-\w+):.*\r\n(?:[ \t].*\r\n)*"
    for name, message in named_messages:
        header, separator, body = message.partition(b"\r\n\r\n")
        number = re.sub(r"\W", "", name)
        header = re.sub(fields, b"", header + b"\r\n")
        head = (f"From: Alice <alice@example.test>\r\nDate: Tue, 24 Nov 2026 10:00:00 +0000\r\n"
                f"Message-ID: <{number}@example.test>\r\n").encode()
        yield name, head + header + separator[2:] + body


def test_corpus_plain():
    with Server() as server:
        round_trip(server, corpus())


def test_corpus_starttls():
    with Server() as server:
        round_trip(server, corpus(), starttls=True)


def test_corpus_implicit_tls():
    def open_to_all(config):
        config["SMTPServices"]["services"]["2465"]["auth"] = "optional"
    with Server(config=open_to_all) as server:
        round_trip(server, corpus(), service="smtps")


def test_corpus_implicit_tls_with_login():
    with Server() as server:
        round_trip(server, list(own(corpus())), service="smtps", login="alice", sender="alice@example.test")


def test_corpus_submission_with_login():
    with Server() as server:
        round_trip(server, list(own(corpus())), service="submission", login="alice", sender="alice@example.test")


def test_nasty_plain():
    with Server() as server:
        round_trip(server, messages.nasty())


def test_nasty_implicit_tls_with_login():
    chosen = [(name, message) for name, message in messages.nasty()
              if b"\r\n\r\n" in message and not message.startswith(b"\r\n") and "trace" not in name
              and "looks like" not in name]
    with Server() as server:
        round_trip(server, list(own(chosen)), service="smtps", login="alice", sender="alice@example.test")


@timeout(180)
def test_twenty_megabytes():
    big = messages.big(20)
    with Server() as server:
        round_trip(server, [("big", big)])


@timeout(180)
def test_twenty_megabytes_over_tls():
    big = messages.big(20).replace(b"outside@elsewhere.test", b"alice@example.test", 1)
    with Server() as server:
        round_trip(server, [("big", big)], service="smtps", login="alice", sender="alice@example.test")


def test_login_to_another_user():
    with Server() as server:
        message = messages.simple("to bob", sender="alice@example.test", to="bob@example.test")
        server.send(message, to="bob@example.test", sender="alice@example.test", service="submission", login="alice")
        server.wait_for_mail("bob")
        expect_equal(messages.without_trace(server.fetch_all("bob")[0]), message, "bob's message")
        expect_equal(server.mailbox("alice"), [], "alice's mailbox")


def test_byte_by_byte():
    """A client that sends each octet in a packet of its own."""
    message = messages.simple("slow", b".\r\nx\r\n..\r\n")
    stuffed = re.sub(rb"(?m)^\.", b"..", message)
    dialogue = (b"EHLO client.test\r\nMAIL FROM:<outside@elsewhere.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n")
    with Server() as server, server.connect("smtp") as connection:
        connection.setsockopt(6, 1, 1)
        replies = connection.makefile("rb")
        expect(replies.readline().startswith(b"220"), "greeting")
        for octet in dialogue:
            connection.sendall(bytes([octet]))
        while not (line := replies.readline()).startswith(b"354"):
            expect(line.startswith(b"250"), f"{line!r}")
        for octet in stuffed + b".\r\n":
            connection.sendall(bytes([octet]))
        expect(replies.readline().startswith(b"250"), "end of data")
        server.wait_for_mail("alice")
        expect_equal(messages.without_trace(server.fetch_all("alice")[0]), message, "the message")


def test_pipelined_in_one_packet():
    """Two transactions, each with its commands in one write."""
    message = messages.simple("pipelined")
    with Server() as server, server.connect("smtp") as connection:
        replies = connection.makefile("rb")
        replies.readline()
        connection.sendall(b"EHLO client.test\r\n")
        while not replies.readline().startswith(b"250 "):
            pass
        for _ in range(2):
            connection.sendall(
                b"MAIL FROM:<outside@elsewhere.test>\r\nRCPT TO:<alice@example.test>\r\n"
                b"RCPT TO:<nobody@example.test>\r\nDATA\r\n")
            codes = [replies.readline()[:3] for _ in range(4)]
            expect_equal(codes, [b"250", b"250", b"550", b"354"], "replies")
            connection.sendall(message + b".\r\n")
            expect(replies.readline().startswith(b"250"), "end of data")
        connection.sendall(b"QUIT\r\n")
        expect(replies.readline().startswith(b"221"), "QUIT")
        expect_equal(replies.read(), b"", "after QUIT")
        server.wait_for_mail("alice", 2)
