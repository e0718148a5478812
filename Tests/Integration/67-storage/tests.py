# SPDX-License-Identifier: Apache-2.0
"""Storage that fails as a whole: told of once, left alone, and gone on with when it serves again."""

import json
import os
import subprocess
import time

from harness import Server, eventually, expect, expect_equal, messages, needs_root, needs_tool, timeout
from harness.remote import PORT, RemoteServer, address

ENTRIES = 500


class Mounted:
    """A folder seen through a mount of its own, which can be made read-only; `beside` is the same folder without it."""

    def __init__(self, path):
        self.path, self.beside = path, f"{path}.beside"

    def __enter__(self):
        os.makedirs(self.beside)
        self._run("mount", "--bind", self.path, self.beside)
        self._run("mount", "--bind", self.path, self.path)
        return self

    def __exit__(self, *_):
        for place in (self.path, self.beside):
            self._run("umount", "-l", place)

    def make(self, how):
        """how: "ro" or "rw"."""
        self._run("mount", "-o", f"remount,bind,{how}", self.path)

    @staticmethod
    def _run(*command):
        subprocess.run(command, check=True, capture_output=True, timeout=30)


def write_entries(folder, count):
    """Entries for bob@b.test, as an operator would write them; relayd may take each as soon as its name is there."""
    base = 1_700_000_000_000_000
    made = f"{folder}/.made"
    owner = os.stat(folder)
    for number in range(count):
        name = f"{folder}/{queue_id(base + number)}"
        with open(f"{name}.msg", "wb") as file:
            file.write(messages.simple(f"number {number}"))
        os.chmod(f"{name}.msg", 0o440)
        envelope = {"version": 1, "sender": "", "ways": ["relay"], "recipients": [{"address": "bob@b.test"}],
                    "arrived": "2030-01-01T00:00:00Z"}
        with open(made, "w") as file:
            file.write(json.dumps(envelope) + "\n")
        os.chmod(made, 0o660)
        for part in (f"{name}.msg", made):
            os.chown(part, owner.st_uid, owner.st_gid)
        os.rename(made, f"{name}.env")
        try:
            # Tells relayd of it, where no scan has come by yet.
            os.chmod(f"{name}.env", 0o660)
        except FileNotFoundError:
            continue


def queue_id(microseconds):
    """A queue id of that time: 64 bits of it, 64 that do not matter, in base32hex."""
    value = (microseconds << 66) | (int.from_bytes(os.urandom(8), "big") << 2)
    return "".join("0123456789abcdefghijklmnopqrstuv"[value >> 5 * position & 31] for position in range(25, -1, -1))


def lines(server, *events):
    return [line for line in server.log().splitlines() if any(f"event={event} " in line for event in events)]


def metric(server, name, service):
    wmail = f"{os.environ['WMAIL_BIN']}/wmail"
    text = subprocess.run([wmail, "metrics", "--root", server.root], check=True, capture_output=True, text=True).stdout
    return next(line.split()[-1] for line in text.splitlines() if line.startswith(f'{name}{{service="{service}"}}'))


@needs_root
@needs_tool("mount")
@timeout(90)
def test_a_queue_that_cannot_be_written_to_does_not_bury_the_log():
    def configure(config):
        config["SMTPServices"]["MailRelay"] = {"enable": True, "relayHost": address(0), "relayPort": PORT}
        config["mailTry"] = ["relay"]
        config["DeliverySettings"] = {"useIPv6": False}
    with Server(config=configure, errors_allowed=True) as made:
        made.stop()
    with Mounted(f"{made.root}/queue/relay") as disk, RemoteServer(address(0)) as remote:
        made.start()
        try:
            disk.make("ro")
            write_entries(disk.beside, ENTRIES)
            made.wait_for_log("event=storage.failed")
            # Attempts after 5 s and 10 s more, a little more or less.
            time.sleep(8)
            failed, = lines(made, "storage.failed")
            expect("use=reading" in failed and "Read-only file system" in failed, failed)
            expect_equal(lines(made, "relay.claim-failed", "storage.serves", "log.restrained"), [], "other lines")
            expect_equal(metric(made, "wmail_storage_unreadable", "transmit"), "1", "the gauge")
            disk.make("rw")
            remote.wait_for(ENTRIES, 45)
            serves, = lines(made, "storage.serves")
            attempts = int(serves.split("failures=")[1].split()[0])
            # Those that were under way when the first failed, and one at a time since.
            expect(attempts <= 70, f"{attempts} claims were tried")
            expect_equal(metric(made, "wmail_storage_unreadable", "transmit"), "0", "the gauge")
            expect_equal(len(lines(made, "storage.failed")), 1, "lines that say so")
            eventually(lambda: not [n for n in made.queue() if n.endswith(".env")], "the queue is empty", 20)
            subjects = {m[3].split(b"Subject: ")[1].split(b"\r\n")[0] for m in remote.messages}
            expect_equal(len(subjects), ENTRIES, "different messages")
        finally:
            made.stop()


@needs_root
@needs_tool("mount")
@timeout(60)
def test_entries_with_wrong_rights_are_told_of_in_few_lines_and_others_go():
    """Each is one file's own trouble, and all together they are not more than some lines."""
    def configure(config):
        config["SMTPServices"]["MailRelay"] = {"enable": True, "relayHost": address(0), "relayPort": PORT}
        config["mailTry"] = ["relay"]
        config["DeliverySettings"] = {"useIPv6": False}
    with RemoteServer(address(0)) as remote, Server(config=configure, errors_allowed=True) as server:
        folder = f"{server.root}/queue/relay"
        write_entries(folder, 200)
        remote.wait_for(200, 30)
        # root's, and closed to relayd: no lock, and no copy to adopt.
        server.stop()
        write_entries(folder, 200)
        for name in os.listdir(folder):
            if name.endswith(".env"):
                os.chown(f"{folder}/{name}", 0, 0)
                os.chmod(f"{folder}/{name}", 0o600)
        server.start()
        server.wait_for_log("event=storage.failed")
        with server.smtp("submission", login="alice") as client:
            client.sendmail("alice@example.test", "bob@b.test", messages.simple("another", sender="alice@example.test"))
        remote.wait_for(201, 30)
        told = lines(server, "relay.claim-failed", "storage.failed", "storage.failing", "log.restrained")
        expect(len(told) <= 14, f"{len(told)} lines tell of it")


@needs_root
@needs_tool("mount")
@timeout(60)
def test_mailboxes_on_a_disk_that_became_read_only():
    """Mail waits in the queue; three accounts that fail tell of the disk, and all of them are served at once afterwards."""
    names = [f"user{number}" for number in range(30)]
    with Server(users=["alice", *names], errors_allowed=True) as server:
        for name in names:
            server.send(messages.simple("before"), to=f"{name}@example.test")
        for name in names:
            server.wait_for_mail(name)
        server.stop()
        with Mounted(f"{server.root}/usermanager") as disk:
            server.start()
            try:
                disk.make("ro")
                for name in names:
                    server.send(messages.simple("meanwhile"), to=f"{name}@example.test")
                server.wait_for_log("event=storage.failed")
                failed, = lines(server, "storage.failed")
                expect("use=writing" in failed and "Read-only file system" in failed, failed)
                time.sleep(4)
                expect(len(lines(server, "delivery.postponed")) <= 10, "lines about single accounts")
                expect_equal(metric(server, "wmail_storage_unwritable", "deliver"), "1", "the gauge")
                disk.make("rw")
                for name in names:
                    server.wait_for_mail(name, 2, 30)
                server.wait_for_log("event=storage.serves", 15)
                expect_equal(len(lines(server, "storage.failed")), 1, "lines that say that it fails")
                expect_equal(metric(server, "wmail_storage_unwritable", "deliver"), "0", "the gauge")
            finally:
                server.stop()
