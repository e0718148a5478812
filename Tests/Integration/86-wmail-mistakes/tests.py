# SPDX-License-Identifier: Apache-2.0
"""What the command says when the host is in its way: a full disk, missing rights, a folder that is not there."""

import json
import os
import shutil
import subprocess
import tempfile

from harness import DOMAIN, Server, expect, expect_equal, needs_root

WMAIL = f"{os.environ.get('WMAIL_BIN')}/wmail"


def wmail(root, *words, status=0, text="", user=None):
    done = subprocess.run(
        [WMAIL, "--root", root, *words], input=text.encode(), capture_output=True, timeout=60, user=user, group=user,
        extra_groups=[] if user else None)
    said = done.stdout.decode() + done.stderr.decode()
    expect(done.returncode == status, f"wmail {' '.join(words)} ended with {done.returncode}:\n{said}")
    return said


class SmallDisk:
    """An instance on a disk of its own that can be filled; root alone can mount it."""

    def __init__(self, megabytes=8):
        self.root = tempfile.mkdtemp(prefix="disk-", dir=os.environ["WMAIL_TESTS_FOLDER"])
        self.filler = f"{self.root}/filler"
        self.megabytes = megabytes

    def __enter__(self):
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={self.megabytes}m,mode=755", "none", self.root], check=True)
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", "-l", self.root], check=True)

    def fill(self):
        with open(self.filler, "wb", buffering=0) as file:
            try:
                while file.write(b"\0" * 4096):
                    pass
            except OSError:
                pass

    def empty(self):
        os.unlink(self.filler)


def contents(*paths):
    found = {}
    for path in paths:
        for folder, _, names in os.walk(path):
            # The note of what an import has done is empty at first.
            for name in set(names) - {"wmail-imported"}:
                with open(f"{folder}/{name}", "rb") as file:
                    found[f"{folder}/{name}"] = file.read()
    return found


def expect_full(said):
    expect("No space left on device" in said and "df -h" in said, f"it said: {said}")


@needs_root
def test_a_full_disk_changes_nothing():
    with SmallDisk() as disk:
        server = Server(start=False, root=disk.root)
        name = "0" * 25 + "1"
        for folder in ("tmp", "local", "relay", "hold", "corrupt"):
            os.makedirs(f"{disk.root}/queue/{folder}")
        envelope = {"version": 1, "id": name, "sender": "me@example.test", "ways": ["direct"], "client": "192.0.2.1",
                    "recipients": [{"address": "you@far.example"}]}
        # As long as a page, so that any more needs another one.
        line = json.dumps(envelope, separators=(",", ":"))
        server.write(f"queue/relay/{name}.env", line + " " * (4095 - len(line)) + "\n")
        server.write(f"queue/relay/{name}.msg", b"Subject: x\r\n\r\nx\r\n")
        os.chmod(f"{disk.root}/queue/relay/{name}.env", 0o660)
        server.write("source.mbox", b"From x Thu Jan  1 00:00:00 1970\nSubject: x\n\n" + b"y" * 8192 + b"\n\n")
        box = server.maildir("bob")
        for part in ("new", "cur", "tmp"):
            os.makedirs(f"{box}/{part}")
        with open(f"{box}/new/1.x", "wb") as file:
            file.write(b"Subject: y\r\n\r\n" + b"y" * 70_000 + b"\r\n")
        disk.fill()
        before = contents(f"{disk.root}/config", f"{disk.root}/usermanager", f"{disk.root}/queue")
        for words in (
            ("user", "add", "carol", "--generate"), ("user", "passwd", "bob", "--generate"), ("user", "permit", "bob", "receive"),
            ("alias", "add", "boss", "alice"), ("domain", "add", "more.test"), ("queue", "retry", "--all"),
            ("import", "mbox", f"{disk.root}/source.mbox", "--to", "bob"), ("export", "bob", f"{disk.root}/out.mbox"),
            ("backup", f"{disk.root}/backup"),
        ):
            expect_full(wmail(disk.root, *words, status=1))
            after = contents(f"{disk.root}/config", f"{disk.root}/usermanager", f"{disk.root}/queue")
            expect(after == before, f"{words} changed {[path for path in set(before) | set(after) if before.get(path) != after.get(path)]}")
        expect(not os.path.exists(f"{disk.root}/out.mbox"), "half an export is left")
        # What needs no room works.
        wmail(disk.root, "queue", "hold", "--all")
        disk.empty()
        wmail(disk.root, "queue", "release", "--all")
        wmail(disk.root, "queue", "retry", "--all")
        wmail(disk.root, "user", "add", "carol", "--generate")
        wmail(disk.root, "import", "mbox", f"{disk.root}/source.mbox", "--to", "bob")
        wmail(disk.root, "export", "bob", f"{disk.root}/out.mbox")
        shutil.rmtree(f"{disk.root}/backup", ignore_errors=True)
        wmail(disk.root, "backup", f"{disk.root}/backup")


@needs_root
def test_init_on_a_full_disk_leaves_nothing():
    with SmallDisk(1) as disk:
        disk.fill()
        expect_full(wmail(disk.root, "init", "--domain", DOMAIN, "--user", "alice", status=1))
        expect_equal(
            [path for path in contents(disk.root) if path != disk.filler], [], "files that are left")
        disk.empty()
        wmail(disk.root, "init", "--domain", DOMAIN, "--user", "alice")


@needs_root
def test_the_check_names_a_full_disk():
    with SmallDisk(4) as disk:
        server = Server(start=False, root=disk.root)
        os.chmod(f"{disk.root}/config/ssl/key.pem", 0o600)
        os.chmod(f"{disk.root}/usermanager/default/group.json", 0o600)
        disk.fill()
        said = wmail(server.root, "check", status=2)
        expect("disk" in said and "df " in said, f"it said: {said}")


@needs_root
def test_missing_rights_name_who_has_them():
    with Server() as server:
        for name in ("usermanager/default/group.json", "queue/local"):
            expect(os.path.exists(f"{server.root}/{name}"), name)
        for words in (("user", "add", "carol", "--generate"), ("queue", "list"), ("blocked",)):
            said = wmail(server.root, *words, status=1, user=65534)
            expect("Permission denied" in said and "run it as root" in said, f"{words}: {said}")


def test_a_folder_that_is_not_there_is_named():
    for words in (("status",), ("queue",), ("check",), ("user", "list")):
        said = wmail("/nonexistent/folder", *words, status=1)
        expect("/nonexistent/folder" in said and "No such file" in said, f"{words}: {said}")


def test_options_in_front_and_behind():
    server = Server(start=False)
    for folder in ("tmp", "local", "relay", "hold", "corrupt"):
        os.makedirs(f"{server.root}/queue/{folder}")

    def answer(*words, status=0):
        done = subprocess.run([WMAIL, *words], capture_output=True, timeout=60)
        expect_equal(done.returncode, status, f"{words}: {done.stderr}")
        return done.stdout
    root = ("--root", server.root)
    same = {answer(*words) for words in (
        (*root, "--json", "queue", "list"), ("queue", *root, "list", "--json"), ("--json", "queue", "list", *root),
        (f"--root={server.root}", "queue", "--json"), ("queue", "list", *root, "--json"))}
    expect_equal(same, {b"[]\n"}, "answers")
    expect(b"SUBCOMMANDS" in answer(*root), "help")
    answer("--root", status=0)
    answer(*root, "quue", status=64)
    answer(*root, "queue", "retry", status=64)
    answer(*root, "queue", "retry", "--all", "--sender", "x", status=64)
    expect(b"There is no entry" in answer(*root, "queue", "retry", "--all"), "an empty queue")
