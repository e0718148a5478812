# SPDX-License-Identifier: Apache-2.0
"""What POP3 shows and does."""

import os
import poplib
import re
import socket
import subprocess
import time

from harness import PASSWORD, Server, eventually, expect, expect_equal, needs_root, timeout
from harness import messages
from harness.server import tls_context


def refusal(action):
    """What the server answers to something that it refuses."""
    try:
        done = action()
    except poplib.error_proto as error:
        return error.args[0]
    raise AssertionError(f"it worked: {done!r}")


def filled(server, count=5, user="alice"):
    for number in range(count):
        server.send(messages.simple(f"number {number}", b"line\r\n" * (number + 1)), to=f"{user}@example.test")
    server.wait_for_mail(user, count)


def test_numbers_sizes_and_ids_agree():
    with Server() as server:
        filled(server)
        client = server.pop("alice")
        count, octets = client.stat()
        listed = [tuple(map(int, line.split())) for line in client.list()[1]]
        ids = [line.split()[1] for line in client.uidl()[1]]
        expect_equal(count, 5, "STAT's count")
        expect_equal([number for number, _ in listed], [1, 2, 3, 4, 5], "LIST's numbers")
        expect_equal(sum(size for _, size in listed), octets, "LIST's sum")
        expect_equal(len(set(ids)), 5, "different ids")
        for number, size in listed:
            stored = server.retrieve(client, number)
            expect_equal(len(stored), size, f"octets of message {number}")
            expect(f"number {number - 1}\r\n".encode() in stored, f"message {number} is the {number}th that came")
        client.quit()
        again = server.pop("alice")
        expect_equal([line.split()[1] for line in again.uidl()[1]], ids, "ids in the next session")
        again.quit()


def test_deletions_happen_at_quit_only():
    with Server() as server:
        filled(server)
        client = server.pop("alice")
        client.dele(2)
        client.dele(4)
        expect_equal(client.stat()[0], 3, "STAT after two deletions")
        expect(refusal(lambda: client.retr(2)).startswith(b"-ERR"), "a deleted message")
        expect(refusal(lambda: client.dele(2)).startswith(b"-ERR"), "deleting twice")
        client.rset()
        expect_equal(client.stat()[0], 5, "STAT after RSET")
        client.dele(1)
        expect_equal(len(server.mailbox("alice")), 5, "files before QUIT")
        # The client vanishes: nothing is deleted.
        client.sock.close()
        client.file.close()
        second = eventually(lambda: try_pop(server), "the mailbox is free again")
        expect_equal(second.stat()[0], 5, "messages after a lost connection")
        second.dele(1)
        second.dele(5)
        second.quit()
        expect_equal(len(server.mailbox("alice")), 3, "files after QUIT")
        third = server.pop("alice")
        expect(b"number 1\r\n" in server.retrieve(third, 1), "the first that is left")
        third.quit()


def try_pop(server, user="alice"):
    try:
        return server.pop(user)
    except poplib.error_proto:
        return None


def test_one_session_at_a_time():
    with Server() as server:
        filled(server, 1)
        first = server.pop("alice")
        said = refusal(lambda: server.pop("alice"))
        expect(b"[IN-USE]" in said, f"the second session hears {said}")
        # Another mailbox is not concerned; a new message is not seen before the next session.
        server.pop("bob").quit()
        server.send(messages.simple("later"))
        server.wait_for_mail("alice", 2)
        expect_equal(first.stat()[0], 1, "the first session's snapshot")
        first.quit()
        second = eventually(lambda: try_pop(server), "the mailbox is free again")
        expect_equal(second.stat()[0], 2, "the next session")
        second.quit()


def test_the_lock_ends_with_the_process():
    with Server(errors_allowed=True) as server:
        filled(server, 1)
        first = server.pop("alice")
        server.kill9("pop3d")
        second = eventually(lambda: no_error(lambda: server.pop("alice")), "the mailbox is free again")
        expect_equal(second.stat()[0], 1, "messages")
        second.quit()
        first.sock.close()


def no_error(action):
    try:
        return action()
    except (OSError, poplib.error_proto):
        return None


def test_capa_is_true_for_the_state():
    with Server() as server:
        client = poplib.POP3(server.address, server.ports["pop3"], timeout=20)
        expect("STLS" in client.capa(), "STLS before TLS")
        client.stls(tls_context())
        under_tls = client.capa()
        expect("STLS" not in under_tls, "STLS under TLS")
        expect("PLAIN" in under_tls.get("SASL", []), f"SASL under TLS: {under_tls}")
        for name in ("UIDL", "USER", "RESP-CODES", "PIPELINING"):
            expect(name in under_tls, f"{name} under TLS")
        expect(refusal(lambda: client._shortcmd("STLS")).startswith(b"-ERR"), "STLS twice")
        client.user("alice")
        client.pass_(PASSWORD)
        after = client.capa()
        expect("STLS" not in after, "STLS after login")
        client.quit()


def test_login_before_tls_is_refused_from_elsewhere():
    """On loopback it may be allowed; where no network is trusted, never."""
    def nobody_plain(config):
        config["POP3Services"]["services"]["2110"]["allowPlainLoginFrom"] = []
    with Server(config=nobody_plain) as server:
        client = poplib.POP3(server.address, server.ports["pop3"], timeout=20)
        expect("USER" not in client.capa(), "USER is offered")
        expect("SASL" not in client.capa(), "SASL is offered")
        said = refusal(lambda: (client.user("alice"), client.pass_(PASSWORD)))
        expect(said.startswith(b"-ERR"), f"{said}")
        expect(PASSWORD not in server.log(), "the password is not in the log")
        client.close()


def test_top():
    with Server() as server:
        server.send(messages.simple("top", b"1\r\n2\r\n3\r\n"))
        server.wait_for_mail("alice")
        client = server.pop("alice")
        whole = server.retrieve(client, 1)
        header, _, _ = whole.partition(b"\r\n\r\n")
        for lines, body in ((0, []), (2, [b"1", b"2"]), (9, [b"1", b"2", b"3"])):
            expect_equal(client.top(1, lines)[1], [*header.split(b"\r\n"), b"", *body], f"TOP 1 {lines}")
        client.quit()


def test_other_programs_maildir_files_are_served():
    """A file without our name, and one with LF line ends, as other programs write them."""
    with Server() as server:
        filled(server, 1)
        new = f"{server.maildir('alice')}/cur"
        owner = os.stat(new)
        for name, contents in (("1700000000.M1P1.other:2,S", b"Subject: foreign\n\nbody\n.dot\n"),
                               ("1700000001.M2P1.other,S=25:2,", b"Subject: sized\r\n\r\nbody\r\n")):
            with open(f"{new}/{name}", "wb") as file:
                file.write(contents)
            os.chmod(f"{new}/{name}", 0o640)
            if os.geteuid() == 0:
                os.chown(f"{new}/{name}", owner.st_uid, owner.st_gid)
        client = server.pop("alice")
        listed = dict(tuple(map(int, line.split())) for line in client.list()[1])
        expect_equal(len(listed), 3, "messages")
        texts = {number: server.retrieve(client, number) for number in listed}
        for number, text in texts.items():
            expect_equal(len(text), listed[number], f"octets of {text!r}")
        expect(b"Subject: foreign\r\n\r\nbody\r\n.dot\r\n" in texts.values(), "the message with LF, as CRLF")
        ids = [line.split()[1] for line in client.uidl()[1]]
        expect_equal(len(set(ids)), 3, "ids")
        client.quit()


def test_a_message_that_vanishes_meanwhile():
    with Server() as server:
        filled(server, 2)
        client = server.pop("alice")
        os.unlink(server.mailbox("alice")[0])
        expect(refusal(lambda: client.retr(1)).startswith(b"-ERR"), "the vanished message")
        expect(b"number 1" in server.retrieve(client, 2), "the other one")
        client.quit()


@needs_root
def test_the_log_tells_how_to_mend_rights():
    with Server() as server:
        server.errors_allowed = True
        filled(server, 1)
        (path,) = server.mailbox("alice")
        os.chown(path, 0, 0)
        os.chmod(path, 0o600)
        client = server.pop("alice")
        expect(b"[SYS/" in refusal(lambda: client.retr(1)), "the session goes on with an error")
        client.quit()
        server.wait_for_log("message.unreadable")
        # The words are obeyed as they stand.
        hint = re.search(r'event=message.unreadable .*hint="[^:]*: ([^"]*)"', server.log())
        folder = os.path.dirname(os.path.dirname(path))
        subprocess.run(["sh", "-c", hint.group(1)], cwd=folder, check=True)
        client = eventually(lambda: try_pop(server), "the mailbox is free again")
        expect(client.retr(1)[2] > 0, "the message is read")
        client.quit()


def test_speed_is_capped():
    def slow(config):
        config["POP3Services"]["settings"] = {"maxSpeed": 0.5}
    with Server(config=slow) as server:
        server.send(messages.big(2))
        server.wait_for_mail("alice")
        client = server.pop("alice")
        started = time.monotonic()
        server.retrieve(client, 1)
        seconds = time.monotonic() - started
        client.quit()
        expect(2 < seconds < 8, f"2 MiB at 0.5 MB/s took {seconds:.1f} s")


@timeout(120)
def test_a_large_mailbox_opens_fast():
    with Server() as server:
        filled(server, 1)
        new = f"{server.maildir('alice')}/new"
        original = server.mailbox("alice")[0]
        size = os.path.getsize(original)
        for number in range(20_000):
            os.link(original, f"{new}/{number:026}.host,S={size}")
        times = []
        for _ in range(3):
            started = time.monotonic()
            client = server.pop("alice")
            expect_equal(client.stat()[0], 20_001, "messages")
            times.append(time.monotonic() - started)
            client.quit()
        # TLS and Python included, beside other tests; a debug build takes many times longer than a release.
        limit = 3 if "/debug" in os.environ["WMAIL_BIN"] else 1
        expect(min(times) < limit, f"logging in took {times}")


def test_pipelined_commands_are_answered_in_order():
    with Server() as server:
        filled(server, 2)
        with socket.create_connection((server.address, server.ports["pop3s"]), timeout=20) as plain:
            with tls_context().wrap_socket(plain) as connection:
                replies = connection.makefile("rb")
                replies.readline()
                connection.sendall(b"USER alice\r\nPASS " + PASSWORD.encode() + b"\r\nSTAT\r\nLIST 1\r\nNOOP\r\nQUIT\r\n")
                lines = replies.read().split(b"\r\n")
        expect_equal([line[:3] for line in lines[:6]], [b"+OK"] * 6, "replies")
        expect(lines[2].startswith(b"+OK 2 "), f"STAT: {lines[2]!r}")
