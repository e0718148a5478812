# SPDX-License-Identifier: Apache-2.0
"""What the operator sees and does of the queue with `wmail`, while the server runs."""

import json
import os
import subprocess

from harness import Server, eventually, expect, expect_equal
from harness import messages


def wmail(server, *words, status=0):
    """Runs the command on a server's folder and returns what it wrote, as bytes."""
    result = subprocess.run(
        [f"{os.environ['WMAIL_BIN']}/wmail", *words, "--root", server.root], capture_output=True, timeout=60)
    expect(result.returncode == status, f"wmail {words} ended with {result.returncode}: {result.stderr} {result.stdout}")
    return result.stdout


def listed(server, *words):
    return json.loads(wmail(server, "queue", "list", "--json", *words))


def block_mailbox(server, user):
    """Nothing can be delivered to the user until the plain file in the place of the mailbox is gone."""
    folder = os.path.dirname(server.maildir(user))
    os.makedirs(folder, exist_ok=True)
    with open(server.maildir(user), "x"):
        pass


def test_hold_edit_release_and_remove_while_running():
    message = messages.simple("held")
    with Server(errors_allowed=True, prepare=lambda server: block_mailbox(server, "alice")) as server:
        expect_equal(listed(server), [], "the queue of a new server")
        server.send(message, to=["alice@example.test", "bob@example.test"])
        server.send(messages.simple("two"), sender="second@elsewhere.test")
        server.wait_for_mail("bob")
        entries = listed(server)
        expect_equal([e["sender"] for e in entries], ["outside@elsewhere.test", "second@elsewhere.test"], "senders")
        expect_equal([e["recipients"] for e in entries], [["default/alice"]] * 2, "recipients")
        first, second = (entry["id"] for entry in entries)
        expect_equal(messages.without_trace(wmail(server, "queue", "cat", first)), message, "queue cat")
        expect_equal([e["id"] for e in listed(server, "--sender", "second@*")], [second], "the filter")
        expect_equal(listed(server, "--older-than", "1h"), [], "nothing is that old")
        text = wmail(server, "queue").decode()
        expect(first in text and "2 entries" in text, text)
        wmail(server, "queue", "show", "nonsense", status=2)
        # Held, the first stays behind when the mailbox can be delivered to.
        wmail(server, "queue", "hold", first)
        os.unlink(server.maildir("alice"))
        wmail(server, "queue", "flush")
        server.wait_for_mail("alice", 1)
        expect_equal([e["state"] for e in listed(server)], ["held"], "states")
        wmail(server, "queue", "release", "--recipient", "alice")
        server.wait_for_mail("alice", 2)
        expect_equal(listed(server), [], "the queue in the end")
        expect_equal(sorted(messages.without_trace(m) for m in server.fetch_all("alice")),
                     sorted([message, messages.simple("two")]), "what alice fetched")


def test_remove_asks_first():
    with Server(errors_allowed=True, prepare=lambda server: block_mailbox(server, "alice")) as server:
        server.send(messages.simple("gone"))
        eventually(lambda: listed(server), "the entry waits")
        wmail(server, "queue", "remove", status=64)
        wmail(server, "queue", "remove", "--recipient", "alice", status=2)
        expect_equal(len(listed(server)), 1, "entries after a question that nobody answered")
        wmail(server, "queue", "remove", "--recipient", "alice", "--yes")
        expect_equal(listed(server), [], "entries after the removal")


def test_entries_for_other_servers():
    """Without a server: files as docs/queue.md has them are all that the command needs."""
    name = "0" * 25 + "1"
    with Server(start=False) as server:
        for folder in ("tmp", "local", "relay", "hold", "corrupt"):
            os.makedirs(f"{server.root}/queue/{folder}")
        envelope = {"version": 1, "id": name, "sender": "me@example.test", "ways": ["direct"], "client": "192.0.2.1",
                    "recipients": [{"address": "you@far.example"}, {"address": "they@near.example"}]}
        attempt = {"event": "attempted", "time": "2026-01-02T03:04:05Z", "outcomes": [
            {"to": "you@far.example", "result": "temporary", "status": "4.7.1", "stage": "recipient",
             "text": "451 4.7.1 greylisted", "remote": True, "host": "mx.far.example [192.0.2.9]:25", "tls": "TLSv1.3"},
            {"to": "they@near.example", "result": "accepted", "status": "2.0.0", "stage": "endOfData", "text": "250 ok"}]}
        lines = [envelope, attempt, {"next": "2099-01-01T00:00:00Z"}]
        server.write(f"queue/relay/{name}.env", "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))
        server.write(f"queue/relay/{name}.msg", b"Subject: x\r\n\r\nx\r\n")
        os.chmod(f"{server.root}/queue/relay/{name}.env", 0o660)
        (entry,) = listed(server, "--destination", "far.*")
        expect_equal((entry["state"], entry["attempts"], entry["recipients"]), ("deferred", 1, ["you@far.example"]), "entry")
        expect_equal(listed(server, "--destination", "near.example"), [], "who has it needs it no more")
        shown = wmail(server, "queue", "show", name).decode()
        expect("451 4.7.1 greylisted [TLSv1.3]" in shown, shown)
        wmail(server, "queue", "retry", name)
        (entry,) = listed(server)
        expect(entry["next"] < "2098", f"next is {entry['next']}")
        wmail(server, "queue", "hold", "--sender", "me@*")
        expect_equal(sorted(os.listdir(f"{server.root}/queue/hold")), [f"{name}.env", f"{name}.msg"], "held files")
        wmail(server, "queue", "release", name)
        wmail(server, "queue", "remove", name)
        expect_equal(os.listdir(f"{server.root}/queue/relay"), [], "files in the end")
