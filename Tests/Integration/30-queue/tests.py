# SPDX-License-Identifier: Apache-2.0
"""What promise 1 rests on: one copy, one flush, nothing acknowledged lost, whoever dies and whatever is full."""

import os
import re
import signal
import smtplib
import subprocess

from harness import Server, eventually, expect, expect_equal, needs_root, needs_tool, timeout
from harness import messages
from harness.load import Load, expect_all_there
from harness.tracing import traced_calls


def test_fifty_recipients_are_one_file():
    users = [f"user{number:02}" for number in range(50)]
    addresses = [f"{user}@example.test" for user in users]
    message = messages.simple("to fifty", to="undisclosed-recipients:;")
    with Server(users=users) as server:
        server.send(message, to=addresses)
        files = set()
        for user in users:
            (path,) = server.wait_for_mail(user)
            status = os.stat(path)
            files.add((status.st_dev, status.st_ino))
            expect_equal(status.st_nlink, 50, f"links of {user}'s message")
        expect_equal(len(files), 1, "files that hold the message")
        with open(path, "rb") as file:
            stored = file.read()
        expect_equal(messages.without_trace(stored), message, "the message")
        for address in addresses:
            expect(address.encode() not in stored, f"the message names {address}")
        for user in (users[0], users[49]):
            expect_equal(messages.without_trace(server.fetch_all(user)[0]), message, f"what {user} fetched")
        # One of fifty deletes it; the others keep it.
        client = server.pop(users[0])
        client.dele(1)
        client.quit()
        eventually(lambda: not server.mailbox(users[0]), "the first user's message is deleted")
        expect_equal(os.stat(server.mailbox(users[1])[0]).st_nlink, 49, "links of the others'")


def test_same_recipient_twice_gets_it_once():
    with Server() as server:
        server.send(messages.simple("twice"), to=["alice@example.test", "ALICE@Example.Test", "bob@example.test"])
        server.wait_for_mail("alice")
        server.wait_for_mail("bob")
        server.drained()
        expect_equal(len(server.mailbox("alice")), 1, "messages for alice")


FLUSHES = ("fsync", "fdatasync", "sync", "syncfs", "sync_file_range", "msync")
DISK = (*FLUSHES, "rename", "renameat", "renameat2", "link", "linkat", "write", "pwrite64", "writev", "sendfile",
        "copy_file_range", "openat")


@needs_root
@needs_tool("strace")
def test_one_flush_per_message_and_none_at_delivery():
    with Server() as server:
        # The first delivery makes folders.
        server.send(messages.simple("first"), to=["alice@example.test", "bob@example.test"])
        server.wait_for_mail("alice")
        server.wait_for_mail("bob")

        def send():
            server.send(messages.simple("traced"), to=["alice@example.test", "bob@example.test"])
            server.wait_for_mail("alice", 2)
            server.wait_for_mail("bob", 2)
        calls = traced_calls(server, send, DISK)
        flushes = [(program, call) for program, call, _ in calls if call in FLUSHES]
        expect_equal(flushes, [("smtpd", "fsync")], "flushes for one message to two accounts")
        renames = [call for program, call, _ in calls if program == "relayd" and call.startswith("rename")]
        expect_equal(len(renames), 2, f"relayd's renames for two deliveries {calls}")
        written = [arguments for program, call, arguments in calls if program == "relayd" and
                   call in ("write", "writev", "pwrite64", "sendfile", "copy_file_range")
                   and not arguments.startswith("2,")]
        opened = [arguments for program, call, arguments in calls if program == "relayd" and call == "openat"
                  and "queue/local" in arguments]
        expect_equal(opened, [], "messages that relayd opened")
        big = [arguments for arguments in written if re.search(r"= \d{3,}$", arguments)]
        expect_equal(big, [], "what relayd wrote")


@timeout(120)
def test_each_worker_killed_under_load():
    # authd's and relayd's deaths may be told of as errors.
    with Server(errors_allowed=True) as server, Load(server, threads=4) as load:
        load.wait_for(20)
        for _ in range(2):
            for program in ("smtpd", "pop3d", "relayd", "transmit", "authd"):
                server.kill9(program)
                load.wait_for(20)
        load.stop()
        server.drained()
        eventually(lambda: len(server.mailbox()) >= len(load.acknowledged), "all acknowledged messages", 15)
        expect_all_there(server, load.acknowledged)
        expect_equal(len(server.pop("alice").list()[1]), len(server.mailbox()), "messages that POP3 lists")


@timeout(180)
def test_everything_killed_ten_times_under_load():
    with Server(errors_allowed=True) as server:
        acknowledged = []
        for crash in range(10):
            with Load(server, threads=4, name=f"round{crash}", octets=4096 if crash % 2 else 300_000) as load:
                load.wait_for(5 + 3 * crash)
                server.kill_everything()
            acknowledged += load.acknowledged
            server.start()
        server.drained(40)
        eventually(lambda: len(server.mailbox()) >= len(acknowledged), "all acknowledged messages", 30)
        expect_all_there(server, acknowledged)
        server.send(messages.simple("afterwards"), to="bob@example.test")
        server.wait_for_mail("bob")
        corrupt = [name for name in server.queue() if name.startswith("corrupt/")]
        # A draft that was killed while it was written may be there; it was never acknowledged.
        expect(len(corrupt) <= 10, f"in queue/corrupt: {corrupt}")


def test_what_arrives_while_relayd_is_dead_is_delivered_after():
    with Server(errors_allowed=True) as server:
        (pid,) = server.workers()["relayd"][:1]
        os.kill(pid, signal.SIGSTOP)
        for number in range(5):
            server.send(messages.simple(f"waiting {number}"))
        expect_equal(server.mailbox(), [], "delivered without relayd")
        waiting = [name for name in server.queue() if name.startswith("local/")]
        expect_equal(len(waiting), 5, "entries that wait")
        os.kill(pid, signal.SIGKILL)
        server.wait_for_mail("alice", 5)


def test_an_aborted_transaction_leaves_nothing():
    with Server() as server:
        client = server.smtp()
        client.mail("outside@elsewhere.test")
        client.rcpt("alice@example.test")
        client.putcmd("DATA")
        client.getreply()
        client.send(b"Subject: half\r\n\r\n" + b"x" * 900 + b"\r\n")
        client.send((b"y" * 900 + b"\r\n") * 400)
        client.close()
        server.send(messages.simple("whole"))
        server.wait_for_mail("alice")
        eventually(lambda: server.queue() == [], "the queue is empty")
        expect_equal(len(server.mailbox()), 1, "messages")


class SmallDisk:
    """A loop-mounted file system of some MiB."""

    def __init__(self, megabytes):
        base = os.environ["WMAIL_TESTS_FOLDER"]
        self.image, self.place = f"{base}/disk.img", f"{base}/disk"
        with open(self.image, "wb") as file:
            file.truncate(megabytes << 20)
        os.mkdir(self.place)
        subprocess.run(["mkfs.ext4", "-q", "-m", "0", "-O", "^has_journal", self.image], check=True)

    def __enter__(self):
        subprocess.run(["mount", "-o", "loop", self.image, self.place], check=True)
        os.mkdir(f"{self.place}/root")
        return f"{self.place}/root"

    def __exit__(self, *_):
        subprocess.run(["umount", "-l", self.place], check=True)


@needs_root
@needs_tool("mkfs.ext4", "mount")
@timeout(120)
def test_full_disk():
    with SmallDisk(7) as root, Server(root=root, errors_allowed=True) as server:
        acknowledged, codes = 0, []
        with server.smtp() as client:
            for number in range(150):
                # Small ones are written at the end, large ones while they arrive.
                octets = 300_000 if number % 2 else 100_000
                message = messages.simple(f"number {number}", (b"x" * 70 + b"\r\n") * (octets // 72))
                try:
                    client.sendmail("outside@elsewhere.test", ["alice@example.test"], message)
                    acknowledged += 1
                except smtplib.SMTPResponseException as refusal:
                    codes.append((refusal.smtp_code, refusal.smtp_error[:5]))
                    if len(codes) == 6:
                        break
        expect(acknowledged > 10, f"only {acknowledged} messages fitted")
        expect(codes, "the disk never became full")
        expect(all(code == (452, b"4.3.1") for code in codes), f"refusals {codes}")
        server.wait_for_mail("alice", acknowledged)
        expect_equal(len(server.mailbox()), acknowledged, "messages")
        # The reader makes room, and the server goes on by itself.
        client = server.pop("alice")
        for number in range(acknowledged):
            client.dele(number + 1)
        client.quit()
        eventually(lambda: not server.mailbox(), "the mailbox is empty")
        server.send(messages.simple("room again", (b"x" * 70 + b"\r\n") * 4000))
        server.wait_for_mail("alice")
        expect_equal([name for name in server.queue()], [], "left in the queue")


def test_a_message_can_be_read_with_ls_and_cat():
    with Server() as server:
        server.send(messages.simple("plain"))
        (path,) = server.wait_for_mail("alice")
        name = os.path.basename(path)
        match = re.fullmatch(r"[0-9a-v]{26}\.[^,/]+,S=(\d+)", name)
        expect(match, f"the name {name}")
        expect_equal(int(match[1]), os.path.getsize(path), "the size in the name")
        client = server.pop("alice")
        expect_equal(client.uidl()[1], [b"1 " + name[:26].encode()], "UIDL")
        client.quit()
