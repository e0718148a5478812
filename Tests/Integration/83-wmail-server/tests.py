# SPDX-License-Identifier: Apache-2.0
"""`wmail status`, `metrics`, `blocked` and `trace` of a running server, and what they say when none runs."""

import json
import os
import poplib
import pty
import re
import select
import stat
import subprocess
import time

from harness import Server, eventually, expect, expect_equal
from harness import messages


def wmail(server, *words, status=0):
    """Runs the command on a server's folder and returns what it wrote."""
    result = subprocess.run(
        [f"{os.environ['WMAIL_BIN']}/wmail", *words, "--root", server.root], capture_output=True, timeout=60)
    expect(result.returncode == status, f"wmail {words} ended with {result.returncode}: {result.stderr} {result.stdout}")
    return result.stdout.decode()


def metrics(server):
    """The samples by name with labels."""
    text = wmail(server, "metrics")
    for line in text.splitlines():
        expect(re.fullmatch(r'# (HELP|TYPE) wmail_\w+ .+|wmail_\w+(\{(\w+="[^"\\]*",?)+\})? \d+', line), line)
    return {name: int(value) for name, value in
            (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))}


def test_numbers_count_and_survive_a_dead_worker():
    with Server(errors_allowed=True) as server:
        server.send(messages.simple("one"), to=["alice@example.test", "bob@example.test"])
        server.wait_for_mail("alice")
        server.wait_for_mail("bob")
        server.fetch_all("alice")
        name = 'wmail_messages_queued_total{service="smtpd"}'
        before = eventually(lambda: (m := metrics(server)).get(name) and m, "a message is counted")
        expect_equal(before[name], 1, name)
        expect_equal(before['wmail_recipients_queued_total{service="smtpd"}'], 2, "recipients")
        expect_equal(before['wmail_delivered_total{service="deliver"}'], 2, "deliveries")
        expect_equal(before['wmail_messages_fetched_total{service="pop3d"}'], 1, "messages fetched")
        expect_equal(before['wmail_logins_total{service="authd"}'], 1, "logins")
        expect_equal(before["wmail_up"], 1, "wmail_up")
        expect(before['wmail_commit_microseconds_total{service="smtpd"}'] > 0, "time of the commit")
        server.kill9("smtpd")
        server.kill9("relayd")
        server.wait_until_ready()
        server.send(messages.simple("two"))
        server.wait_for_mail("alice", 2)
        after = eventually(lambda: (m := metrics(server))[name] == 2 and m, "both messages are counted")
        expect_equal(after['wmail_delivered_total{service="deliver"}'], 3, "deliveries")
        for sample, value in before.items():
            if sample.split("{")[0].endswith("_total"):
                expect(after.get(sample, 0) >= value, f"{sample} went back from {value} to {after.get(sample)}")
        # A reload brings new workers beside the old ones.
        server.reload()
        server.wait_for_log("event=master.ready", 20)
        eventually(lambda: metrics(server)[name] == 2, "they are still counted after a reload")


def test_status_shows_processes():
    with Server() as server:
        connection = server.connect("smtp")
        connection.recv(100)
        status = json.loads(wmail(server, "status", "--json"))
        processes = {p["process"]: p for p in status["processes"]}
        alive = server.workers()
        expect_equal(processes["master.0"]["pid"], server.master.pid, "master's process")
        for name, pids in (("smtpd", alive["smtpd"]), ("pop3d", alive["pop3d"]), ("authd", alive["authd"])):
            expect_equal({p["pid"] for p in processes.values() if p["process"].startswith(f"{name}.")}, set(pids), name)
        for name, process in processes.items():
            expect(process["alive"] and process["residentOctets"] > 0, f"{name}: {process}")
            if name != "master.0":
                expect(process["seccomp"], f"{name} has no filter")
                expect(not process["capabilities"], f"{name} has capabilities")
                if os.geteuid() == 0:
                    expect(process["user"].startswith("wmail-"), f"{name} runs as {process['user']}")
        expect_equal(sum(p["connections"] for n, p in processes.items() if n.startswith("smtpd.")), 1, "open connections")
        text = wmail(server, "status")
        expect("master.0" in text and "connections accepted" in text and "corrupt" in text, text)
        folder = f"{server.root}/run/scoreboard"
        expect_equal(stat.S_IMODE(os.stat(folder).st_mode), 0o700, "rights of the scoreboard")
        connection.close()
    expect("does not run" in wmail(server, "status", status=2), "what status says of a server that has ended")
    expect("wmail_up 0" in wmail(server, "metrics"), "what metrics says of a server that has ended")


def test_textfile_is_replaced():
    with Server() as server:
        path = f"{server.root}.prom"
        for _ in range(2):
            wmail(server, "metrics", "--textfile", path)
        with open(path) as file:
            expect("wmail_up 1" in file.read(), "the file")
        expect_equal(stat.S_IMODE(os.stat(path).st_mode), 0o644, "rights of the file")


def test_blocks_are_listed_and_ended():
    with Server() as server:
        expect_equal(json.loads(wmail(server, "blocked", "list", "--json")), [], "blocks at first")
        for number in range(5):
            client = poplib.POP3_SSL(server.address, server.ports["pop3s"], context=__import__("harness.server").server.tls_context())
            client.user("alice")
            try:
                client.pass_(f"wrong {number}")
            except poplib.error_proto:
                pass
            client.close()
        (block,) = json.loads(wmail(server, "blocked", "--json"))
        expect_equal((block["network"], block["reason"]), ("127.0.0.1", "failed-logins"), "the block")
        expect(0 < block["seconds"] <= 3600, block)
        wmail(server, "blocked", "clear", "192.0.2.1", status=2)
        wmail(server, "blocked", "clear", "nonsense", status=64)
        wmail(server, "blocked", "clear", "127.0.0.1")
        expect_equal(server.fetch_all("alice"), [], "alice gets in again")
        expect_equal(stat.S_IMODE(os.stat(f"{server.root}/run/control").st_mode), 0o600, "rights of the control socket")
    wmail(server, "blocked", status=1)


def test_trace_tells_a_message_life():
    with Server() as server:
        server.send(messages.simple("traced"))
        (path,) = server.wait_for_mail("alice")
        identity = os.path.basename(path).split(".")[0]
        server.wait_for_log("event=delivery.delivered")
        (trace,) = json.loads(wmail(server, "trace", identity, "--json"))
        expect_equal(trace["mailboxes"], [{"account": "default/alice", "folder": "new"}], "mailboxes")
        (trace,) = json.loads(wmail(server, "trace", "outside@elsewhere.test", "--log", server.log_path, "--json"))
        expect_equal(trace["id"], identity, "the id found by the sender")
        # relayd may be done before smtpd writes its own line.
        expect_equal(sorted(line["event"] for line in trace["log"]), ["delivery.delivered", "message.queued"], "events")
        text = wmail(server, "trace", identity, "--log", server.log_path)
        expect("in the mailbox of default/alice" in text, text)
        # By the recipient too, though the log of a delivery names the account: with the log and without it.
        for words in (("alice@example.test",), ("alice",), ("alice@example.test", "--log", server.log_path)):
            (trace,) = json.loads(wmail(server, "trace", *words, "--json"))
            expect_equal(trace["id"], identity, f"the id found by {words}")
        wmail(server, "trace", "bob@example.test", "--log", server.log_path, status=2)
        client = server.pop("alice")
        client.dele(1)
        client.quit()
        text = wmail(server, "trace", identity, "--log", server.log_path)
        expect("not in the mailbox any more" in text, text)
        expect(identity in wmail(server, "trace", "alice@example.test", "--log", server.log_path), "by the log alone")
        wmail(server, "trace", "nobody@nowhere.test", "--log", server.log_path, status=2)


def test_top_on_a_terminal():
    with Server() as server:
        words = [f"{os.environ['WMAIL_BIN']}/wmail", "top", "--root", server.root]
        expect(subprocess.run(words, capture_output=True, timeout=30).returncode == 1, "top without a terminal")
        process, terminal = pty.fork()
        if process == 0:
            os.environ["TERM"] = "xterm"
            os.execv(words[0], words)
        seen, deadline = b"", time.monotonic() + 20
        while b"master.0" not in seen and time.monotonic() < deadline:
            if select.select([terminal], [], [], 0.2)[0]:
                seen += os.read(terminal, 65536)
        os.write(terminal, b"q")
        try:
            while part := os.read(terminal, 65536):
                seen += part
        except OSError:
            pass
        expect_equal(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), 0, "how top ended")
        expect(b"master.0" in seen and seen.endswith(b"\x1b[?1049l"), seen[-200:])
