# SPDX-License-Identifier: Apache-2.0
"""
What each command of the operator writes, word for word: for people and for programs.

The texts lie beside this file; what differs from host to host and from run to run has a name in capitals there.
WMAIL_GOLDEN=write writes them anew: read the difference before it is committed.
"""

import difflib
import json
import os
import re
import subprocess

from harness import Server, expect, needs_root
from harness import messages

FOLDER = os.path.dirname(os.path.abspath(__file__))
ID = "000mglu7l" + "0" * 17
ENVELOPE = [
    {"version": 1, "id": ID, "group": "default", "login": "default/alice", "ways": ["relay", "direct"],
     "reportsTo": ["default/alice"], "sender": "alice@example.test",
     "recipients": [{"address": "yan@elsewhere.test"}, {"address": "zoe@other.test"}]},
    {"event": "attempted", "time": "2025-01-02T03:04:05Z", "outcomes": [
        {"to": "yan@elsewhere.test", "result": "accepted", "status": "2.0.0", "stage": "endOfData", "text": "250 taken",
         "host": "mx.elsewhere.test"},
        {"to": "zoe@other.test", "result": "temporary", "status": "4.4.1", "stage": "connection",
         "text": "connect: Connection refused"}]},
    {"next": "2099-01-02T03:04:05Z"},
]

# A name of the text's file, the words, and the exit code.
ON_FILES = [
    ("user-list", ["user", "list"], 0),
    ("alias-list", ["alias", "list"], 0),
    ("domain-list", ["domain", "list"], 0),
    ("group-list", ["group", "list"], 0),
    ("group-show", ["group", "show", "default"], 0),
    ("user-of-nobody", ["user", "permit", "nobody@example.test", "receive"], 1),
    ("queue-list", ["queue", "list"], 0),
    ("queue-show", ["queue", "show", ID], 0),
    ("queue-hold", ["queue", "hold", ID], 0),
    ("queue-list-held", ["queue", "list", "--in", "hold"], 0),
    ("queue-release", ["queue", "release", "--all"], 0),
    ("queue-retry", ["queue", "retry", "--all"], 0),
    ("queue-remove", ["queue", "remove", "--all", "--yes"], 0),
    ("queue-retry-nothing", ["queue", "retry", "--all"], 0),
    ("route-here", ["route", "out@elsewhere.test", "alice@example.test", "--no-dns"], 0),
    ("route-denied", ["route", "out@elsewhere.test", "zoe@other.test", "--no-dns"], 2),
    ("route-out", ["route", "alice@example.test", "zoe@other.test", "--auth", "alice", "--port", "2587", "--no-dns"], 0),
    ("config-show", ["config", "show", "--changed"], 0),
    ("config-diff", ["config", "diff", "ROOT/new.json"], 0),
    ("config-diff-relay", ["config", "diff", "ROOT/relay.json"], 2),
    ("export", ["export", "alice", "ROOT/alice.mbox"], 0),
    ("import-mbox", ["import", "mbox", "ROOT/alice.mbox", "--to", "alice@example.test"], 0),
    ("check-mistake", ["check", "--root", "ROOT/mistaken"], 2),
]
ON_A_SERVER = [
    ("status", ["status"], 0),
    ("blocked-list", ["blocked", "list"], 0),
    ("trace", ["trace", "outside@elsewhere.test"], 2),
    ("trace-of-a-user", ["trace", "alice@example.test"], 0),
]


def plain(text, server, hides_numbers):
    """The text without what differs from run to run."""
    text = text.replace(server.root, "ROOT")
    for pattern, name in (
            (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?Z?", "TIME"),
            (r"\b127(\.\d+){3}\b", "ADDRESS"),
            (r"\b0000?[0-9a-v]{22,23}\b(?<!" + ID + ")", "ID"),
            (r"\b\d+(\.\d+)? (s|ms|min|h|d|days|seconds|minutes|hours)\b", "AGE"),
            (r'"(age|seconds|process|processes|octets|size|uptime)": ?[0-9.]+', r'"\1": NUMBER')):
        text = re.sub(pattern, name, text)
    if hides_numbers:
        text = re.sub(r"(?<![\w.])\d+(\.\d+)?( M)?(?![\w.])", "NUMBER", text)
    return re.sub(r"(?<=\S)  +", "  ", text)


def compare(server, name, words, status, problems):
    words = [word.replace("ROOT", server.root) for word in words]
    root = [] if "--root" in words else ["--root", server.root]
    for ending, more in (("txt", []), ("json", ["--json"])):
        if ending == "json" and any(change in words for change in ("hold", "release", "remove", "export")):
            continue
        done = subprocess.run([f"{os.environ['WMAIL_BIN']}/wmail", *words, *root, *more], capture_output=True, timeout=60)
        text = (done.stdout + done.stderr).decode()
        if done.returncode != status:
            problems.append(f"{name}.{ending} ended with {done.returncode}, not {status}:\n{text}")
        if ending == "json" and done.stdout:
            text = json.dumps(json.loads(done.stdout), indent=1, ensure_ascii=False) + "\n" + done.stderr.decode()
        text = plain(text, server, name == "status")
        path = f"{FOLDER}/{name}.{ending}"
        if os.environ.get("WMAIL_GOLDEN") == "write":
            with open(path, "w") as file:
                file.write(text)
        expected = open(path).read() if os.path.exists(path) else ""
        if text != expected:
            problems.append("".join(difflib.unified_diff(
                expected.splitlines(True), text.splitlines(True), f"{name}.{ending}", "what it wrote")))


def finish(problems):
    expect(not problems, "\n".join(problems))


def with_aliases(group):
    group["aliases"] = {"postmaster": ["alice"], "team": ["alice", "bob", "friend@elsewhere.test"]}


def test_answers_about_files():
    problems = []
    with Server(group=with_aliases, start=False) as server:
        for folder in ("tmp", "local", "relay", "hold", "corrupt"):
            os.makedirs(f"{server.root}/queue/{folder}")
        lines = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in ENVELOPE)
        server.write(f"queue/relay/{ID}.env", lines)
        os.chmod(f"{server.root}/queue/relay/{ID}.env", 0o660)
        server.write(f"queue/relay/{ID}.msg", b"Subject: x\r\n\r\nx\r\n")
        maildir = server.maildir("alice")
        for folder in ("tmp", "new", "cur"):
            os.makedirs(f"{maildir}/{folder}")
        with open(f"{maildir}/cur/1700000000.M1P1.host,S=16", "wb") as file:
            file.write(b"Subject: x\r\n\r\nx\r\n")
        changed = json.loads(json.dumps(server.config))
        changed["SMTPServices"]["settings"] = {**changed["SMTPServices"].get("settings", {}), "maxMessageSize": 7}
        server.write("new.json", changed)
        changed["SMTPSettings"] = {"allowAnonymousRelay": True}
        changed["SMTPServices"]["SMTPWhiteList"] = {"mode": "blacklist", "blacklist": []}
        for service in changed["SMTPServices"]["services"].values():
            service["allowRelayFrom"] = ["0.0.0.0/0"]
        server.write("relay.json", changed)
        server.write("mistaken/config/config.json", b'{\n  "SMTPServices": {\n    "servces": {}\n  }\n}\n')
        for name, words, status in ON_FILES:
            compare(server, name, words, status, problems)
    finish(problems)


def one_of_each(config):
    for services in ("SMTPServices", "POP3Services"):
        config[services].setdefault("settings", {})["workers"] = 1


@needs_root
def test_answers_of_a_running_server():
    problems = []
    with Server(config=one_of_each) as server:
        server.send(messages.simple("golden"))
        server.wait_for_mail("alice")
        for name, words, status in ON_A_SERVER:
            compare(server, name, words, status, problems)
    finish(problems)
