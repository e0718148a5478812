# SPDX-License-Identifier: Apache-2.0
"""`wmail backup` while mail comes in, and `wmail restore` on another machine's empty folder."""

import json
import os
import shutil
import subprocess
import threading

from harness import Server, expect, expect_equal
from harness import messages


def wmail(root, *words, status=0):
    result = subprocess.run(
        [f"{os.environ['WMAIL_BIN']}/wmail", *words, "--root", root, "--json"], capture_output=True, timeout=60)
    expect(result.returncode == status, f"wmail {words} ended with {result.returncode}: {result.stderr} {result.stdout}")
    return json.loads(result.stdout) if result.stdout else None


def test_backup_under_load_and_restore():
    with Server() as server:
        acknowledged, stop = [], threading.Event()

        def load():
            with server.smtp() as client:
                while not stop.is_set():
                    number = len(acknowledged)
                    client.sendmail("outside@elsewhere.test", ["alice@example.test", "bob@example.test"],
                                    messages.simple(f"message {number}"))
                    acknowledged.append(number)

        thread = threading.Thread(target=load)
        thread.start()
        try:
            while len(acknowledged) < 30:
                stop.wait(0.05)
            before = len(acknowledged)
            backup = f"{server.root}-backup"
            facts = wmail(server.root, "backup", backup)
        finally:
            stop.set()
            thread.join()
        expect(facts["linked"] >= 2 * before, f"linked messages: {facts}")
        expect_equal(os.stat(backup).st_mode & 0o777, 0o700, "rights of the backup")
        wmail(server.root, "backup", backup, status=1)
        wmail(server.root, "restore", backup, status=2)
    # Everything is lost; another folder takes its place, at the same addresses.
    shutil.rmtree(server.root)
    os.mkdir(server.root)
    os.chmod(server.root, 0o755)
    wmail(server.root, "restore", f"{server.root}-nothing", status=1)
    wmail(server.root, "restore", backup)
    # A second time changes nothing.
    wmail(server.root, "restore", backup)
    with server.running():
        server.drained()
        for user in ("alice", "bob"):
            found = server.fetch_all(user)
            subjects = [line for message in found for line in message.split(b"\r\n") if line.startswith(b"Subject:")]
            expect_equal(len(set(subjects)), len(subjects), f"messages that {user} has twice")
            wanted = {f"Subject: message {number}".encode() for number in range(before)}
            expect(wanted <= set(subjects), f"{user} misses {sorted(wanted - set(subjects))[:5]}")


def test_mail_for_other_servers_is_held():
    name = "0" * 25 + "1"
    with Server(start=False) as server:
        for folder in ("tmp", "local", "relay", "hold", "corrupt"):
            os.makedirs(f"{server.root}/queue/{folder}")
        envelope = {"version": 1, "id": name, "sender": "me@example.test", "ways": ["direct"],
                    "recipients": [{"address": "you@far.example"}]}
        server.write(f"queue/relay/{name}.env", json.dumps(envelope, separators=(",", ":")) + "\n")
        server.write(f"queue/relay/{name}.msg", b"Subject: x\r\n\r\nx\r\n")
        # A message whose envelope was not written yet: nobody was promised anything.
        server.write(f"queue/relay/{'0' * 25}2.msg", b"Subject: y\r\n\r\ny\r\n")
        backup = f"{server.root}-backup"
        wmail(server.root, "backup", backup)
        other = f"{server.root}-other"
        os.mkdir(other)
        wmail(other, "restore", backup)
        expect_equal(os.listdir(f"{other}/queue/relay"), [], "entries to be sent")
        expect_equal(sorted(os.listdir(f"{other}/queue/hold")), [f"{name}.env", f"{name}.msg"], "entries that are held")
        # Settings that are there stay, unless they may be replaced.
        with open(f"{other}/config/config.json", "a") as file:
            file.write("\n")
        kept = wmail(other, "restore", backup)["kept"]
        expect("config/config.json" in kept, kept)
        expect_equal(wmail(other, "restore", backup, "--replace")["kept"], [], "what is kept with --replace")
        with open(f"{other}/config/config.json") as new, open(f"{server.root}/config/config.json") as old:
            expect_equal(new.read(), old.read(), "config.json")
