# SPDX-License-Identifier: Apache-2.0
"""The operator's command with a person before it: questions, interruptions, progress."""

import json
import mailbox
import os
import signal
import stat
import subprocess
import tempfile

from harness import PASSWORD, Server, expect, expect_equal
from harness.terminal import Terminal

WMAIL = f"{os.environ.get('WMAIL_BIN')}/wmail"


def new_folder():
    return f"{tempfile.mkdtemp(dir=os.environ['WMAIL_TESTS_FOLDER'])}/instance"


def files(folder):
    return sorted(
        os.path.relpath(f"{path}/{name}", folder) for path, _, names in os.walk(folder) for name in names)


def test_init_asks_and_asks_again():
    folder = new_folder()
    with Terminal(WMAIL, "--root", folder, "init") as terminal:
        terminal.answer("Mail domain [", "not a domain")
        expect('"not a domain" is no domain' in terminal.answer("Mail domain [", "Example.Test"), "the first mistake")
        terminal.answer("name in the DNS [", "-x-")
        expect("is no host name" in terminal.answer("name in the DNS [", "mail.example.test"), "the second mistake")
        terminal.answer("First user [postmaster]: ", "../alice")
        expect("cannot be a user's name" in terminal.answer("First user [postmaster]: ", "alice@example.test"), "the third")
        terminal.answer("smarthost host[:port] [direct]: ", "host:0")
        expect("is no server" in terminal.answer("[direct]: ", "smart.example.net:465"), "the fourth")
        terminal.answer("Login at smart.example.net:465 [none]: ", "me")
        terminal.answer("loopback only [all]: ", "some")
        expect("neither all nor loopback" in terminal.answer("loopback only [all]: ", "loopback"), "the fifth")
        terminal.wait_for("Password for alice [made by chance]: ")
        expect(not terminal.echoes, "the password is not shown")
        expect(not os.path.exists(folder), "nothing is made while it asks")
        terminal.type("short\n")
        terminal.answer("Password for alice [made by chance]: ", PASSWORD)
        terminal.answer("The same again: ", "something else")
        expect("not the same" in terminal.answer("Password for alice [made by chance]: ", PASSWORD), "two passwords")
        terminal.answer("The same again: ", PASSWORD)
        terminal.answer("Password of me at the smarthost: ", "secret there")
        status, shown = terminal.end()
    expect_equal(status, 0, shown)
    expect("example.test. IN MX 10 mail.example.test." in shown, shown)
    expect(PASSWORD not in shown and "secret there" not in shown, "a password is shown")
    with open(f"{folder}/config/config.json") as file:
        text = file.read()
    expect('"relayUsername": "me"' in text and '"relayPassword": "secret there"' in text, text)
    users = json.loads(subprocess.run(
        [WMAIL, "--json", "--root", folder, "user", "list"], check=True, capture_output=True).stdout)
    expect_equal([user["address"] for user in users], ["alice@example.test"], "users")


def test_init_takes_defaults():
    folder = new_folder()
    with Terminal(WMAIL, "init", "--root", folder, "--domain", "example.test", "--hostname", "mail.example.test") as terminal:
        for question in ("First user [postmaster]: ", "[direct]: ", "[all]: ", "Password for postmaster [made by chance]: "):
            terminal.answer(question, "")
        status, shown = terminal.end()
    expect_equal(status, 0, shown)
    expect("First user: postmaster@example.test, password: " in shown, shown)
    expect_equal(stat.S_IMODE(os.stat(f"{folder}/config/ssl/key.pem").st_mode), 0o600, "rights of the key")
    with open(f"{folder}/config/config.json") as file:
        expect('"bindIP": ["0.0.0.0", "::"]' in file.read(), "it listens everywhere")


def test_interrupted_questions_leave_nothing():
    for question in ("Mail domain [", "First user [", "Password for alice"):
        folder = new_folder()
        words = [WMAIL, "init", "--root", folder]
        if question != "Mail domain [":
            words += ["--domain", "example.test", "--hostname", "mail.example.test", "--direct", "--listen", "all"]
        if question.startswith("Password"):
            words += ["--user", "alice"]
        with Terminal(*words) as terminal:
            terminal.wait_for(question)
            terminal.type("\x03")
            status, shown = terminal.end()
        expect_equal(status, -signal.SIGINT, f"{question}: {shown}")
        expect(not os.path.exists(folder), f"{question}: {files(folder)} are left")
        with Terminal(*words) as terminal:
            terminal.wait_for(question)
            terminal.type("\x04")
            status, shown = terminal.end()
        expect_equal(status, 1, f"{question}: {shown}")
        expect("before the question was answered" in shown, shown)
        expect(not os.path.exists(folder), f"{question}: {files(folder)} are left")


def test_an_interrupted_password_gives_the_echo_back():
    server = Server(start=False)
    path = f"{server.root}/usermanager/default/group.json"
    before = open(path).read()
    script = f"'{WMAIL}' --root '{server.root}' user passwd alice; stty -a; exit 7"
    with Terminal("/bin/bash", "-ic", script) as terminal:
        terminal.wait_for("Password for alice [made by chance]: ")
        expect(not terminal.echoes, "the password is shown")
        terminal.type("half a pass\x03")
        terminal.wait_for("\n")
        terminal.end()
    with Terminal("/bin/sh", "-c", f"trap : INT; {script}") as terminal:
        terminal.wait_for("Password for alice [made by chance]: ")
        terminal.type("half a pass\x03")
        status, shown = terminal.end()
    expect_equal(status, 7, shown)
    expect(" echo " in shown and "-echo " not in shown, f"the terminal afterwards:\n{shown}")
    expect_equal(open(path).read(), before, "group.json")


# Progress


def big_mbox(path, count):
    box = mailbox.mbox(path)
    for number in range(count):
        box.add(f"From: a@example.test\nSubject: {number}\n\n{'x' * 2000}\n")
    box.close()


def test_progress_is_for_terminals():
    server = Server(start=False)
    source, target = f"{server.root}/source.mbox", f"{server.root}/out.mbox"
    big_mbox(source, 300)
    with Terminal(WMAIL, "--root", server.root, "import", "mbox", source, "--to", "alice") as terminal:
        terminal.wait_for("default/alice")
        status, shown = terminal.end()
    expect_equal(status, 0, shown)
    expect("\r" in shown and "300 imported" in shown.rsplit("\r", 1)[1], f"the bar goes away: {shown!r}")
    with Terminal(WMAIL, "--root", server.root, "export", "alice", target) as terminal:
        terminal.wait_for("default/alice [")
        terminal.wait_for(" of 300")
        status, shown = terminal.end()
    expect_equal(status, 0, shown)
    expect("300 messages" in shown, shown)
    # A pipe gets the answer and nothing else.
    done = subprocess.run(
        [WMAIL, "--root", server.root, "import", "mbox", source, "--to", "alice", "--json"], capture_output=True, timeout=60)
    expect_equal((done.returncode, done.stderr), (0, b""), "an import without a terminal")
    expect_equal(json.loads(done.stdout)["mailboxes"][0]["present"], 300, "messages that were there")
    done = subprocess.run([WMAIL, "--root", server.root, "export", "alice", f"{target}.2"], capture_output=True, timeout=60)
    expect_equal((done.returncode, done.stderr), (0, b""), "an export without a terminal")
    expect(b"\x1b" not in done.stdout and b"\r" not in done.stdout, f"{done.stdout}")
