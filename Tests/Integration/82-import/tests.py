# SPDX-License-Identifier: Apache-2.0
"""Mailboxes of other programs, brought along by `wmail import`: checked message by message over POP3."""

import json
import mailbox
import os
import subprocess

from harness import ALL_PERMISSIONS, Server, expect, expect_equal, needs_tool
from harness import messages

BODIES = {
    "plain": b"Subject: plain\n\nText.\n",
    "dots": b"Subject: dots\n\n.\n..\n.. two\nend\n",
    "no end": b"Subject: no end\n\nlast line",
    "long": b"Subject: long\n\n" + b"x" * 900 + b"\n" * 50,
    "octets": b"Subject: octets\n\n" + bytes(range(128, 256)) + b"\n",
    "from": b"Subject: from\n\nFrom here on\n\n>From there\nFrom a@b Thu Nov 26 12:34:56 2026\n",
    "header alone": b"Subject: header alone\n\n",
}


def wmail(server, *words, status=0):
    """Runs the command on a server's folder and returns its JSON answer."""
    result = subprocess.run(
        [f"{os.environ['WMAIL_BIN']}/wmail", *words, "--root", server.root, "--json"], capture_output=True, timeout=60)
    expect(result.returncode == status, f"wmail {words} ended with {result.returncode}: {result.stderr} {result.stdout}")
    expect_equal(result.stderr, b"", "what goes to the terminal when there is none")
    return json.loads(result.stdout)


def crlf(content):
    content = content.replace(b"\r\n", b"\n")
    return (content if content.endswith(b"\n") else content + b"\n").replace(b"\n", b"\r\n")


def fetched(server, user, **how):
    """What POP3 gives: a list of (unique id, message, announced size)."""
    client = server.pop(user, **how)
    try:
        ids = [line.split()[1].decode() for line in client.uidl()[1]]
        sizes = [int(line.split()[1]) for line in client.list()[1]]
        return [(ids[n], server.retrieve(client, n + 1), sizes[n]) for n in range(len(ids))]
    finally:
        client.quit()


def expect_messages(found, expected, what):
    """Compares unique ids, contents and announced sizes; an expected unique id of None is any."""
    expect_equal(len(found), len(expected), f"{what}: how many messages")
    for (uid, message, size), (name, expected_uid, content) in zip(found, expected):
        expect_equal(message, content, f"{what}: {name}")
        expect_equal(size, len(content), f"{what}: announced size of {name}")
        expect(expected_uid in (None, uid), f"{what}: unique id of {name} is {uid}, not {expected_uid}")


def python_tree(root, group, users):
    """Mail as the Python program of this name writes it; returns what a client got for each user."""
    settings = {name: {"password": password, "permissions": ALL_PERMISSIONS,
                       "path": f"./usermanager/{group}/users/{name}"} for name, password in users.items()}
    os.makedirs(f"{root}/usermanager/{group}/users", exist_ok=True)
    with open(f"{root}/usermanager/{group}/group.json", "w") as file:
        json.dump({"users": settings, "bindDomains": ["example.test"]}, file, indent=4)
    return {name: python_mail(f"{root}/usermanager/{group}/users/{name}", name) for name in users}


def python_mail(folder, user):
    expected = []
    for number, (name, body) in enumerate(BODIES.items()):
        identity = f"{user[0]}{number:015}"
        os.makedirs(f"{folder}/{identity}")
        # It read lines as text and left the client's doubled dots in place.
        stuffed = b"\n".join(b"." + line if line.startswith(b".") else line for line in body.split(b"\n"))
        with open(f"{folder}/{identity}/content.txt", "wb") as file:
            file.write(stuffed)
        with open(f"{folder}/{identity}/mail.json", "w") as file:
            json.dump({"sender": "outside@elsewhere.test", "recipient": f"{user}@example.test",
                       "timestamp": 1700000000 + number // 2, "id": identity}, file, indent=2)
        expected.append((name, identity, crlf(body)))
    return expected


def test_python_tree_in_place():
    with Server(users=["alice"], start=False) as server:
        folder = f"{server.root}/usermanager/default/users/alice"
        expected = python_mail(folder, "alice")
        # Its second recipient got the name of a file; one message was cut off before mail.json.
        os.makedirs(f"{folder}/brokenbroken0001")
        server.write("usermanager/default/users/alice/brokenbroken0001/content.txt", "./temp/wmail_abc.eml")
        os.makedirs(f"{folder}/cutcutcutcut0001")
        server.write("usermanager/default/users/alice/cutcutcutcut0001/content.txt", "Subject: cut\n\nx\n")
        os.utime(f"{folder}/cutcutcutcut0001/content.txt", (1750000000, 1750000000))
        expected.append(("cut", "cutcutcutcut0001", b"Subject: cut\r\n\r\nx\r\n"))
        answer = wmail(server, "import", "python", server.root, status=2)
        (box,) = answer["mailboxes"]
        expect_equal((box["imported"], box["present"]), (8, 0), "counts")
        expect("temporary file" in box["unusable"][0], box["unusable"])
        (box,) = wmail(server, "import", "python", server.root, status=2)["mailboxes"]
        expect_equal((box["imported"], box["present"]), (0, 8), "counts of the second run")
        with server.running():
            expect_messages(fetched(server, "alice"), expected, "alice")
            # New mail comes behind, and what alice deletes is not imported again.
            server.send(messages.simple("new"))
            server.wait_for_mail("alice", 9)
            client = server.pop("alice")
            client.dele(1)
            client.quit()
            (box,) = wmail(server, "import", "python", server.root, status=2)["mailboxes"]
            expect_equal((box["imported"], box["present"]), (0, 8), "counts of the third run")
            found = fetched(server, "alice")
            expect_messages(found[:-1], expected[1:], "alice without the first")


def test_python_users_and_permissions():
    with Server(users=["alice"], start=False) as server:
        old = f"{server.root}-old"
        expected = python_tree(old, "default", {"alice": "other", "carol": "her old password"})
        answer = wmail(server, "import", "python", old)
        expect_equal([m["account"] for m in answer["mailboxes"]], ["default/alice", "default/carol"], "mailboxes")
        expect(any("carol" in note for note in answer["notes"]), answer["notes"])
        group = json.load(open(f"{server.root}/usermanager/default/group.json"))
        expect_equal(group["users"]["carol"], {"password": "her old password", "permissions": ALL_PERMISSIONS}, "carol")
        with server.running():
            expect_messages(fetched(server, "alice"), expected["alice"], "alice, whose password stays")
            expect_messages(fetched(server, "carol", password="her old password"), expected["carol"], "carol")


def test_a_tree_that_the_program_wrote():
    """`tree` was written by the Python program's own code (its commit 0f31031) from mail that smtplib sent it."""
    expected = sorted([
        b"Subject: plain\r\n\r\nText.\r\n", b"Subject: dots\r\n\r\n..\r\n.. two\r\nend\r\n",
        "Subject: Grüße\r\n\r\nÄÖÜ 日本\r\n".encode(), b"Subject: long\r\n\r\n" + b"x" * 900 + b"\r\n" * 50,
        b"Subject: from\r\n\r\nFrom here on\r\n\r\n>From\r\n"])
    tree = f"{os.path.dirname(os.path.abspath(__file__))}/tree"
    with Server(users=["carol"], start=False) as server:
        answer = wmail(server, "import", "python", tree)
        expect_equal([(m["account"], m["imported"]) for m in answer["mailboxes"]],
                     [("default/alice", 5), ("default/bob", 5)], "mailboxes")
        with server.running():
            for user in ("alice", "bob"):
                found = fetched(server, user, password=f"{user} pw")
                expect_equal(sorted(message for _, message, _ in found), expected, f"what {user} fetched")
                ids = sorted(os.listdir(f"{tree}/usermanager/default/users/{user}"))
                expect_equal(sorted(uid for uid, _, _ in found), ids, f"unique ids of {user}")


def dovecot_maildir(folder):
    """A Maildir as Dovecot keeps it, listed in another order than that of the names."""
    for name in ("tmp", "new", "cur"):
        os.makedirs(f"{folder}/{name}")
    lines = ["3 V1275660208 N25022 G3085f01b7f11094c501100008c4a11c1"]
    expected = []
    for number, (name, body) in enumerate(BODIES.items()):
        base = f"{1700000000 - number}.M{number}P1.dove,S={len(body)}"
        place, flags = ("cur", ":2,S") if number % 2 else ("new", "")
        with open(f"{folder}/{place}/{base}{flags}", "wb") as file:
            file.write(body)
        uid = 20 + number
        saved = " Psaved.by=another" if name == "long" else ""
        lines.append(f"{uid} W{len(crlf(body))}{saved} :{base}{':2,' if number % 2 else ''}")
        expected.append((name, "saved.by=another" if saved else f"{uid:08x}{1275660208:08x}", crlf(body)))
    with open(f"{folder}/dovecot-uidlist", "w") as file:
        file.write("\n".join(lines) + "\n")
    # Not numbered yet: nobody has seen it.
    with open(f"{folder}/new/1800000000.M1P1.dove", "wb") as file:
        file.write(b"Subject: new\n\nx\n")
    return expected + [("new", None, b"Subject: new\r\n\r\nx\r\n")]


def test_dovecot_keeps_unique_ids_and_order():
    with Server() as server:
        expected = dovecot_maildir(f"{server.root}-dove")
        for imported, present in ((8, 0), (0, 8)):
            (box,) = wmail(server, "import", "dovecot", f"{server.root}-dove", "--to", "alice")["mailboxes"]
            expect_equal((box["imported"], box["present"], box["uniqueIDsChanged"]), (imported, present, []), "counts")
            expect_messages(fetched(server, "alice"), expected, "alice")
        wmail(server, "import", "dovecot", server.maildir("alice"), "--to", "bob", status=1)
        wmail(server, "import", "dovecot", f"{server.root}-dove", "--to", "nobody", status=1)


@needs_tool("doveadm")
def test_real_dovecot_and_we_say_the_same():
    """Dovecot itself numbers a Maildir and lists it over POP3; after the import our list is the same."""
    with Server() as server:
        base = f"{server.root}-real"
        for name in ("tmp", "new", "cur"):
            os.makedirs(f"{base}/Maildir/{name}")
        for number, (name, body) in enumerate(BODIES.items()):
            place, flags = ("cur", ":2,S") if number % 2 else ("new", "")
            with open(f"{base}/Maildir/{place}/{1700000000 + number}.M1P1.dove{flags}", "wb") as file:
                file.write(body)
        with open(f"{base}/dovecot.conf", "w") as file:
            file.write(f"mail_location = maildir:{base}/Maildir\nssl = no\nprotocols = pop3\nlog_path = {base}/log\n"
                       f"base_dir = {base}/base\nfirst_valid_uid = 1\nfirst_valid_gid = 1\n")
        words = ["doveadm", "-c", f"{base}/dovecot.conf", "exec", "pop3"]
        if os.geteuid() == 0:
            subprocess.run(["chown", "-R", "nobody:nogroup", base], check=True)
            for folder in (os.path.dirname(base), base):
                os.chmod(folder, 0o755)
            words = ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", *words]
        answer = subprocess.run(
            words, input=b"UIDL\r\nLIST\r\nQUIT\r\n", capture_output=True, timeout=30,
            env={**os.environ, "USER": "nobody", "HOME": base}).stdout.decode().splitlines()
        ends = [n for n, line in enumerate(answer) if line == "."]
        expect(len(ends) == 2, answer)
        theirs = [line.split()[1] for line in answer[ends[0] - len(BODIES):ends[0]]]
        sizes = [int(line.split()[1]) for line in answer[ends[1] - len(BODIES):ends[1]]]
        wmail(server, "import", "dovecot", f"{base}/Maildir", "--to", "alice")
        found = fetched(server, "alice")
        expect_equal([uid for uid, _, _ in found], theirs, "unique ids")
        # Dovecot counts a last line without its end as it is; we store and send it with one.
        ended = [size + (0 if body.endswith(b"\n") else 2) for size, body in zip(sizes, BODIES.values())]
        expect_equal([size for _, _, size in found], ended, "sizes")


def test_maildir_names_become_unique_ids():
    with Server() as server:
        box = mailbox.Maildir(f"{server.root}-box", create=True)
        expected = []
        for name, body in BODIES.items():
            box.add(body)
        names = sorted(os.listdir(f"{server.root}-box/new"))
        for name in names:
            with open(f"{server.root}-box/new/{name}", "rb") as file:
                expected.append((name, None, crlf(file.read())))
        wmail(server, "import", "maildir", f"{server.root}-box", "--to", "alice@example.test")
        found = {uid: (message, size) for uid, message, size in fetched(server, "alice")}
        for name, _, content in expected:
            expect_equal(found.get(name), (content, len(content)), name)
        expect_equal(len(found), len(expected), "messages")


def test_mbox_there_and_back():
    with Server() as server:
        path = f"{server.root}.mbox"
        box = mailbox.mbox(path, create=True)
        for body in BODIES.values():
            message = mailbox.mboxMessage(body)
            message.set_from("a@b.test", (2026, 11, 26, 12, 34, 56, 3, 330, 0))
            box.add(message)
        box.flush()
        expected = [(key, None, crlf(box.get_bytes(key).replace(b"\n>From ", b"\nFrom "))) for key in box.keys()]
        (result,) = wmail(server, "import", "mbox", path, "--to", "alice")["mailboxes"]
        expect_equal(result["imported"], len(BODIES), "imported")
        found = fetched(server, "alice")
        expect_messages(found, expected, "alice")
        answer = wmail(server, "export", "alice", f"{path}.out")
        expect_equal(answer["messages"], len(BODIES), "exported")
        wmail(server, "import", "mbox", f"{path}.out", "--to", "bob")
        expect_messages(fetched(server, "bob"), [(uid, None, message) for uid, message, _ in found], "bob")
        wmail(server, "export", "alice", f"{path}.out", status=1)
