# SPDX-License-Identifier: Apache-2.0
"""POP3 sessions that go wrong, are many, slow or large."""

import os
import poplib
import random
import signal
import socket
import struct
import time

from harness import PASSWORD, Server, eventually, expect, expect_equal, timeout
from harness import messages
from harness.server import tls_context


def settings(**values):
    """A change of config.json: POP3Services.settings."""
    def change(config):
        config["POP3Services"]["settings"] = values
    return change


def spoken(server, service="pop3s", source=None):
    """A connection and a file to read replies from; TLS where the service has it, greeted."""
    connection = server.connect(service, source)
    if service == "pop3s":
        connection = tls_context().wrap_socket(connection)
    replies = connection.makefile("rb")
    return connection, replies, replies.readline()


def logged_in(server, user="alice"):
    connection, replies, _ = spoken(server)
    connection.sendall(f"USER {user}\r\nPASS {PASSWORD}\r\n".encode())
    replies.readline()
    said = replies.readline()
    expect(said.startswith(b"+OK"), f"login: {said}")
    return connection, replies


def stored(server, name, contents, user="alice", folder="cur"):
    """Puts a file into a mailbox that has got mail already, as another program would."""
    path = f"{server.maildir(user)}/{folder}/{name}"
    with open(path, "wb") as file:
        file.write(contents)
    owner = os.stat(f"{server.maildir(user)}/{folder}")
    os.chmod(path, 0o640)
    if os.geteuid() == 0:
        os.chown(path, owner.st_uid, owner.st_gid)
    return path


def memory(server):
    """Kilobytes that pop3d held at most since the last call."""
    peak = 0
    for pid in server.workers()["pop3d"]:
        with open(f"/proc/{pid}/status") as file:
            peak += next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))
        with open(f"/proc/{pid}/clear_refs", "w") as file:
            file.write("5")
    return peak


def reset(connection):
    """Ends a connection as a client does that crashes."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def test_a_client_that_vanishes_while_it_fetches():
    with Server() as server:
        server.send(messages.big(8))
        server.wait_for_mail("alice")
        connection, replies = logged_in(server)
        connection.sendall(b"DELE 1\r\nRSET\r\nRETR 1\r\n")
        for _ in range(3):
            replies.readline()
        replies.read(100_000)
        replies.close()
        reset(connection)
        client = eventually(lambda: no_error(lambda: server.pop("alice")), "the mailbox is free again", 5)
        expect_equal(client.stat()[0], 1, "messages")
        client.quit()


def no_error(action):
    try:
        return action()
    except (OSError, poplib.error_proto):
        return None


def refusal(action):
    """What the server answers to something that it refuses; empty when it does not."""
    try:
        action()
    except poplib.error_proto as error:
        return error.args[0]
    return b""


def many(server, count, user="alice"):
    """Delivers one message and makes it so many; returns their unique ids."""
    server.send(messages.simple("one"), to=f"{user}@example.test")
    original = server.wait_for_mail(user)[0]
    size = os.path.getsize(original)
    folder = f"{server.maildir(user)}/new"
    names = [f"{number:026}" for number in range(count)]
    for name in names:
        os.link(original, f"{folder}/{name}.host,S={size}")
    os.unlink(original)
    return names


def ids(client):
    return [line.split()[1].decode() for line in client.uidl()[1]]


@timeout(120)
def test_kill_in_the_middle_of_quit():
    """Each message is deleted or not; what is left has its id, and the next session deletes it."""
    chance = random.Random(7)
    with Server(config=settings(pop3TrashDays=1), errors_allowed=True) as server:
        names = set(many(server, 3000))
        seen_between = False
        for _ in range(5):
            connection, replies = logged_in(server)
            count = len(server.mailbox("alice"))
            connection.sendall(b"".join(b"DELE %d\r\n" % (number + 1) for number in range(count)))
            for _ in range(count):
                expect(replies.readline().startswith(b"+OK"), "DELE")
            connection.sendall(b"QUIT\r\n")
            time.sleep(chance.uniform(0, 0.01))
            server.kill9("pop3d")
            replies.close()
            connection.close()
            left = {os.path.basename(path)[:26] for path in server.mailbox("alice")}
            trash = f"{server.maildir('alice')}/pop3.trash"
            gone = {name.split(",", 1)[1][:26] for name in os.listdir(trash)} if os.path.isdir(trash) else set()
            expect_equal(left | gone, names, "every message is somewhere")
            expect_equal(left & gone, set(), "messages in both places")
            client = eventually(lambda: no_error(lambda: server.pop("alice")), "the mailbox is free again", 15)
            expect_equal(set(ids(client)), left, "ids of what is left")
            client.quit()
            seen_between = seen_between or 0 < len(left) < 3000
            if not left:
                break
        connection, replies = logged_in(server)
        count = len(server.mailbox("alice"))
        connection.sendall(b"".join(b"DELE %d\r\n" % (number + 1) for number in range(count)) + b"QUIT\r\n")
        said = replies.read().splitlines()
        expect_equal(said[-1], b"+OK Bye", "QUIT")
        expect_equal(len(server.mailbox("alice")), 0, "messages in the end")


def test_an_undelete_window():
    with Server(config=settings(pop3TrashDays=2)) as server:
        server.send(messages.simple("kept aside"))
        server.wait_for_mail("alice")
        first = server.pop("alice")
        identity = ids(first)
        text = server.retrieve(first, 1)
        first.dele(1)
        first.quit()
        trash = f"{server.maildir('alice')}/pop3.trash"
        name = os.listdir(trash)[0]
        second = server.pop("alice")
        expect_equal(second.stat()[0], 0, "messages after the deletion")
        second.quit()
        # What an operator does to undo it.
        os.rename(f"{trash}/{name}", f"{server.maildir('alice')}/new/{name.split(',', 1)[1]}")
        third = server.pop("alice")
        expect_equal(ids(third), identity, "the id of the message that is back")
        expect_equal(server.retrieve(third, 1), text, "the message that is back")
        third.quit()


def test_ids_survive_a_backup():
    """A mailbox that was copied away and copied back, with other inodes and times."""
    with Server() as server:
        for number in range(3):
            server.send(messages.simple(f"number {number}"))
            server.wait_for_mail("alice", number + 1)
        client = server.pop("alice")
        before = ids(client)
        client.quit()
        for path in server.mailbox("alice"):
            with open(path, "rb") as file:
                contents = file.read()
            name = os.path.basename(path)
            os.unlink(path)
            os.utime(stored(server, f"{name}:2,S", contents), (1, 1))
        client = server.pop("alice")
        expect_equal(ids(client), before, "ids after the restore")
        client.quit()


def test_imported_messages_keep_the_ids_of_their_old_server():
    with Server() as server:
        server.send(messages.simple("own"))
        own = server.wait_for_mail("alice")[0]
        text = messages.crlf(b"Subject: imported\n\nx\n")
        stored(server, f"{'0' * 25}1.import,S={len(text)},U=00000001500a%2Fb%3A7:2,S", text)
        client = server.pop("alice")
        expect_equal(ids(client), ["00000001500a/b:7", os.path.basename(own)[:26]], "ids")
        expect_equal(server.retrieve(client, 1), text, "the imported message")
        client.quit()


def test_a_message_that_an_operator_has_edited():
    """It comes back through the queue without length and checksum (docs/queue.md §1), with the editor's line ends."""
    with Server() as server:
        server.send(messages.simple("first"))
        first = server.wait_for_mail("alice")[0]
        identity = "0" * 25 + "1"
        path = f"{server.root}/queue/local/{identity}.default.alice"
        with open(f"{server.root}/queue/hold.edited", "wb") as file:
            file.write(b"Subject: edited\n\none\n.two\n")
        status = os.stat(first)
        if os.geteuid() == 0:
            os.chown(file.name, status.st_uid, status.st_gid)
        os.rename(file.name, path)
        # Sealed in its place, it is seen at once and not with the next scan.
        os.chmod(path, 0o440)
        server.wait_for_mail("alice", 2)
        client = server.pop("alice")
        expect_equal(ids(client), [identity, os.path.basename(first)[:26]], "ids")
        text = server.retrieve(client, 1)
        expect_equal(text, b"Subject: edited\r\n\r\none\r\n.two\r\n", "the edited message")
        expect_equal(client.list(1).split()[2], str(len(text)).encode(), "its size")
        client.quit()


def test_links_are_never_followed():
    """Whoever may write into one mailbox reads no other through it."""
    with Server(errors_allowed=True) as server:
        server.send(messages.simple("secret of bob"), to="bob@example.test")
        secret = server.wait_for_mail("bob")[0]
        server.send(messages.simple("for alice"))
        server.wait_for_mail("alice")
        new = f"{server.maildir('alice')}/new"
        size = os.path.getsize(secret)
        os.symlink(secret, f"{new}/{'0' * 25}1.h,S={size}")
        os.symlink(f"../../../bob/Maildir/new/{os.path.basename(secret)}", f"{new}/{'0' * 25}2.h,S={size}")
        client = server.pop("alice")
        for number in range(client.stat()[0]):
            try:
                expect(b"secret of bob" not in server.retrieve(client, number + 1), "a linked message is served")
            except poplib.error_proto as error:
                expect(error.args[0].startswith(b"-ERR"), f"{error}")
        client.quit()
        # A whole folder of another account, put in place of one's own.
        client = server.pop("alice")
        os.rename(new, f"{new}.old")
        os.symlink("../../bob/Maildir/new", new)
        try:
            expect(b"secret of bob" not in server.retrieve(client, 1), "a message behind a linked folder is served")
        except poplib.error_proto as error:
            expect(error.args[0].startswith(b"-ERR"), f"{error}")
        client.sock.close()
        client.file.close()
        eventually(lambda: b"[SYS/PERM]" in refusal(lambda: server.pop("alice")), "the operator is called for", 5)


@timeout(120)
def test_memory_does_not_grow_with_the_message():
    with Server() as server:
        server.send(messages.simple("first"))
        server.wait_for_mail("alice")
        line = b"0123456789abcdef" * 4 + b"\r\n"
        size = 64 << 20
        size -= size % len(line)
        path = stored(server, f"{'v' * 26}.h,S={size}".replace("v", "1", 1), b"")
        with open(path, "wb") as file:
            for _ in range(size // len(line) // 1000):
                file.write(line * 1000)
            file.write(line * (size // len(line) % 1000))
        for service in ("pop3", "pop3s"):
            memory(server)
            before = memory(server)
            connection, replies, _ = spoken(server, service)
            connection.sendall(f"USER alice\r\nPASS {PASSWORD}\r\n".encode())
            replies.readline(), replies.readline()
            connection.sendall(b"RETR 2\r\n")
            expect_equal(replies.readline(), b"+OK %d octets\r\n" % size, "heading")
            # A slow beginning, so that whatever is read ahead piles up.
            time.sleep(0.3)
            got = 0
            while got < size:
                part = replies.read(min(1 << 20, size - got))
                expect(part, "the message goes on")
                got += len(part)
            expect_equal(replies.readline(), b".\r\n", "the end")
            connection.sendall(b"QUIT\r\n")
            replies.readline()
            connection.close()
            grown = memory(server) - before
            expect(grown < 6000, f"fetching 64 MiB over {service} took {grown} KB")


def test_idle_sessions_end_and_delete_nothing():
    with Server(config=settings(idleTimeout=1, greetingTimeout=1)) as server:
        server.send(messages.simple("stays"))
        server.wait_for_mail("alice")
        silent, replies, _ = spoken(server)
        started = time.monotonic()
        expect_equal(replies.read(), b"", "what a client hears that does not log in")
        expect(0.5 < time.monotonic() - started < 5, "the time until then")
        connection, replies = logged_in(server)
        connection.sendall(b"DELE 1\r\n")
        replies.readline()
        started = time.monotonic()
        expect_equal(replies.read(), b"", "what an idle client hears (RFC 1939 §3)")
        expect(0.5 < time.monotonic() - started < 5, "the time until then")
        expect_equal(len(server.mailbox("alice")), 1, "messages")
        # Who goes on speaking is not idle.
        connection, replies = logged_in(server)
        for _ in range(4):
            time.sleep(0.5)
            connection.sendall(b"NOOP\r\n")
            expect(replies.readline().startswith(b"+OK"), "NOOP")
        silent.close()


def test_a_handshake_that_never_comes():
    with Server(config=settings(handshakeTimeout=1)) as server:
        server.send(messages.simple("there"))
        server.wait_for_mail("alice")
        idle = [server.connect("pop3s") for _ in range(20)]
        started = time.monotonic()
        server.pop("alice").quit()
        expect(time.monotonic() - started < 3, "others are served meanwhile")
        for connection in idle:
            expect_equal(connection.recv(100), b"", "what it hears")
        expect(time.monotonic() - started < 6, "the time until then")


def test_connections_are_limited():
    with Server(config=settings(maxConnections=3, workers=1)) as server:
        held = [spoken(server, "pop3") for _ in range(3)]
        for _, _, greeting in held:
            expect(greeting.startswith(b"+OK"), f"{greeting}")
        _, _, said = spoken(server, "pop3")
        expect(said.startswith(b"-ERR [SYS/TEMP]"), f"the fourth hears {said}")
        connection, replies, _ = held[0]
        connection.sendall(b"QUIT\r\n")
        expect(replies.readline().startswith(b"+OK"), "QUIT")
        eventually(lambda: spoken(server, "pop3")[2].startswith(b"+OK"), "there is room again")


def test_connections_of_one_client_are_limited():
    def few(config):
        config["wMailServerSettings"].update(maxConnectionsPerClient=2, unlimitedConnectionsFrom=[])
    with Server(config=few) as server:
        first, second = "127.1.2.3", "127.1.2.4"
        held = [spoken(server, "pop3", first) for _ in range(2)]
        _, _, said = spoken(server, "pop3", first)
        expect(said.startswith(b"-ERR ["), f"the third hears {said}")
        _, _, other = spoken(server, "pop3", second)
        expect(other.startswith(b"+OK"), f"another client hears {other}")
        for connection, replies, _ in held:
            replies.close()
            connection.close()
        eventually(lambda: spoken(server, "pop3", first)[2].startswith(b"+OK"), "there is room again")


def test_login_delay():
    with Server(config=settings(loginDelay=2)) as server:
        server.send(messages.simple("there"))
        server.wait_for_mail("alice")
        client = server.pop("alice")
        expect_equal(client.capa().get("LOGIN-DELAY"), ["2"], "LOGIN-DELAY")
        client.quit()
        try:
            server.pop("alice")
            raise AssertionError("let in at once")
        except poplib.error_proto as error:
            expect(error.args[0].startswith(b"-ERR [LOGIN-DELAY]"), f"{error}")
        eventually(lambda: no_error(lambda: server.pop("alice")), "let in later", 6).quit()


def test_a_deletion_that_fails_is_named():
    """RFC 1939 §6: -ERR, and the others are deleted all the same."""
    if os.geteuid() == 0:
        change = lambda path, mode: os.chown(path, 0, 0) if mode == 0o500 else None  # noqa: E731
    else:
        change = os.chmod
    with Server(errors_allowed=True) as server:
        server.send(messages.simple("one"))
        server.wait_for_mail("alice", 1)
        server.send(messages.simple("two"))
        first, second = server.wait_for_mail("alice", 2)
        os.rename(first, first.replace("/new/", "/cur/") + ":2,S")
        connection, replies = logged_in(server)
        connection.sendall(b"DELE 1\r\nDELE 2\r\n")
        replies.readline(), replies.readline()
        cur = f"{server.maildir('alice')}/cur"
        owner = os.stat(cur)
        change(cur, 0o500)
        if os.geteuid() == 0:
            os.chmod(cur, 0o755)
        connection.sendall(b"QUIT\r\n")
        said = replies.read()
        expect_equal(said, b"-ERR [SYS/TEMP] Not deleted: 1\r\n", "QUIT")
        os.chown(cur, owner.st_uid, owner.st_gid)
        os.chmod(cur, owner.st_mode & 0o7777)
        expect_equal([os.path.basename(path)[:26] for path in server.mailbox("alice")],
                     [os.path.basename(first)[:26]], "what is left")
        expect("mailbox.not-deleted" in server.log(), "the log says so")


def test_sessions_of_several_users_do_not_wait_for_each_other():
    """One fetches slowly; others log in and fetch meanwhile."""
    with Server(config=settings(maxSpeed=0.25)) as server:
        server.send(messages.big(2))
        server.send(messages.simple("for bob"), to="bob@example.test")
        server.wait_for_mail("alice")
        server.wait_for_mail("bob")
        connection, replies = logged_in(server)
        connection.sendall(b"RETR 1\r\n")
        replies.readline()
        started = time.monotonic()
        for _ in range(5):
            expect_equal(len(server.fetch_all("bob")), 1, "bob's messages")
        expect(time.monotonic() - started < 4, "bob is served meanwhile")
        connection.close()


def test_pipelined_commands_are_answered_in_one_write():
    with Server() as server:
        server.send(messages.simple("x"))
        server.wait_for_mail("alice")
        connection, replies, _ = spoken(server, "pop3")
        connection.sendall(f"USER alice\r\nPASS {PASSWORD}\r\n".encode())
        replies.readline(), replies.readline()
        # Whatever comes with one recv was sent with one send, for the server's socket has no delay to gather more.
        connection.sendall(b"NOOP\r\nSTAT\r\nLIST\r\nUIDL\r\nRETR 1\r\nTOP 1 0\r\nNOOP\r\n")
        time.sleep(0.5)
        whole = connection.recv(1 << 16)
        expect_equal(whole.count(b"+OK"), 7, f"replies in one read: {whole}")
        connection.close()


def test_what_is_sent_is_what_smtp_got():
    """Random octets, line lengths and dots: RETR and TOP agree with the message and with LIST."""
    chance = random.Random(5)
    alphabet = [b".", b"..", b"a", b"\r\n", b"\r\n.\r\n", b"\xff\xfe", b" ", b"\t", b"x" * 900, b".\r\n", b"\r\n\r\n"]
    with Server() as server:
        sent = []
        with server.smtp() as client:
            for number in range(40):
                body = b"".join(chance.choice(alphabet) for _ in range(chance.randrange(40)))
                if any(len(line) > 998 for line in body.split(b"\r\n")):
                    body = b"short"
                sent.append(messages.simple(f"number {number}", messages.crlf(body)))
                client.sendmail("outside@elsewhere.test", "alice@example.test", sent[-1])
        server.wait_for_mail("alice", len(sent))
        client = server.pop("alice")
        sizes = [int(line.split()[1]) for line in client.list()[1]]
        expect_equal(client.stat(), (len(sent), sum(sizes)), "STAT and LIST")
        for number, text in enumerate(sent, 1):
            got = server.retrieve(client, number)
            expect_equal(messages.without_trace(got), text, f"message {number}")
            expect_equal(len(got), sizes[number - 1], f"the size of message {number}")
            header, _, body = got.partition(b"\r\n\r\n")
            lines = body.split(b"\r\n")[:-1]
            wanted = chance.randrange(len(lines) + 3)
            top = b"".join(line + b"\r\n" for line in client.top(number, wanted)[1])
            expect_equal(top, header + b"\r\n\r\n" + b"".join(line + b"\r\n" for line in lines[:wanted]),
                         f"TOP {number} {wanted}")
        client.quit()
