# SPDX-License-Identifier: Apache-2.0
"""Power cuts under load: what was answered with 250 is there after the journal's replay, whole and once.

The instance lies on a file system of its own in an image file. The cut is that file system's own shutdown without
flushing its log: from one moment to the next nothing more reaches the image, not even what waits in the page cache.
WMAIL_POWER_ROUNDS says how often (3), WMAIL_POWER_FILESYSTEMS on what (those of ext4 and xfs that can be made).
"""

import contextlib
import fcntl
import os
import random
import shutil
import struct
import subprocess
import tempfile
import time

from harness import Server, Skip, eventually, expect, needs_root, needs_tool, timeout
from harness.load import Load, expect_all_there

FS_IOC_SHUTDOWN = 0x8004587D
WITHOUT_LOG = struct.pack("I", 2)
USERS = [f"user{number}" for number in range(6)]


class Disk:
    """A file system in an image file; gone without a trace at the end."""

    def __init__(self, kind):
        self.kind = kind
        self.folder = tempfile.mkdtemp(prefix="disk-", dir=os.environ["WMAIL_TESTS_FOLDER"])
        self.image = f"{self.folder}/image"
        self.path = f"{self.folder}/mounted"
        os.mkdir(self.path)
        os.chmod(self.folder, 0o755)
        with open(self.image, "wb") as image:
            image.truncate(400 << 20)
        subprocess.run([f"mkfs.{kind}", "-q", self.image], check=True, capture_output=True, timeout=60)

    def __enter__(self):
        self.mount()
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", "--lazy", self.path], capture_output=True, timeout=30)
        shutil.rmtree(self.folder, ignore_errors=True)

    def mount(self):
        # A long commit interval: nothing becomes durable by waiting.
        options = "loop,commit=300" if self.kind == "ext4" else "loop"
        done = subprocess.run(["mount", "-o", options, self.image, self.path], capture_output=True, timeout=60)
        if done.returncode != 0:
            raise Skip(f"cannot mount {self.kind}: {done.stderr.decode().strip()}")
        os.chmod(self.path, 0o755)

    def cut(self):
        """From here on nothing reaches the image."""
        folder = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(folder, FS_IOC_SHUTDOWN, WITHOUT_LOG)
        except OSError as error:
            raise Skip(f"{self.kind} cannot be shut down: {error}") from error
        finally:
            os.close(folder)

    def replay(self):
        """Unmounts what was cut and mounts it again, which replays the journal."""
        eventually(
            lambda: subprocess.run(["umount", self.path], capture_output=True, timeout=60).returncode == 0,
            "the dead file system is unmounted", 20)
        self.mount()


def kinds():
    wanted = os.environ.get("WMAIL_POWER_FILESYSTEMS")
    return wanted.split() if wanted else [kind for kind in ("ext4", "xfs") if shutil.which(f"mkfs.{kind}")]


def without_pop3(config):
    config["POP3Services"]["services"] = {}


@contextlib.contextmanager
def _shown(disk):
    """The end of the server's log with a failure: the disk and all that is on it is about to vanish."""
    try:
        yield
    except AssertionError:
        with open(f"{disk.folder}/log", errors="replace") as log:
            print("".join(log.readlines()[-15:]))
        raise


def one_round(kind, how_many):
    with Disk(kind) as disk, _shown(disk):
        os.mkdir(f"{disk.path}/root")
        server = Server(
            users=USERS, root=f"{disk.path}/root", config=without_pop3, errors_allowed=True, start=False)
        server.log_path = f"{disk.folder}/log"
        server.start()
        os.sync()
        one = Load(server, threads=4, to=[f"{USERS[0]}@example.test"], name="one", octets=random.choice([300, 4096]))
        several = Load(
            server, threads=3, to=[f"{user}@example.test" for user in USERS[1:]], name="several",
            octets=random.choice([300, 4096]))
        large = Load(server, threads=1, to=[f"{USERS[0]}@example.test"], name="large", octets=300_000)
        with one, several, large:
            one.wait_for(how_many)
            several.wait_for(5)
            time.sleep(random.random() / 10)
            # What was acknowledged up to here counts. Linux lets an fsync(2) that the cut finds in mid-air return 0 now and
            # then, for what never reaches the image (also to a C program of twenty lines), and the machine runs on: such
            # a reply could not have come if the power had gone.
            sure, some, big = (list(load.acknowledged) for load in (one, several, large))
            disk.cut()
            server.kill_everything()
        disk.replay()
        server.start()
        server.drained(30)
        expect_all_there(server, sure + big, USERS[0])
        for user in USERS[1:]:
            expect_all_there(server, some, user)
        server.stop()
        expect(some, "nothing was acknowledged")
        return len(sure) + len(some) + len(big)


@needs_root
@needs_tool("mkfs.ext4", "losetup")
@timeout(600)
def test_power_cuts_under_load():
    total = 0
    rounds = int(os.environ.get("WMAIL_POWER_ROUNDS", "3"))
    for kind in kinds():
        for _ in range(rounds):
            total += one_round(kind, random.randrange(10, 120))
    print(f"{rounds} power cuts on each of {', '.join(kinds())}: {total} messages acknowledged, none lost")
