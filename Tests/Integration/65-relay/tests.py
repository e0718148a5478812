# SPDX-License-Identifier: Apache-2.0
"""Mail for other servers: by smarthost, by MX, by localMX; retried, and never lost."""

import contextlib
import fcntl
import os
import shutil
import struct
import subprocess
import threading
import time

from harness import Server, Skip, eventually, expect, expect_equal, messages, needs_root, needs_tool, timeout
from harness.remote import PORT, Close, NameServer, RemoteServer, address, addresses
from harness.tracing import traced_calls

RETRY_SOON = {"retryMinutes": [0.02], "retryJitterPercent": 0, "useIPv6": False}


def sending(smarthost=None, local_mx=None, zone=None, more=None, ports=(PORT,), change=None, **how):
    """A server that sends: through a smarthost, by localMX.json, or by the MX records of a zone."""
    def configure(config):
        config["SMTPServices"]["MailRelay"] = {"enable": True, **smarthost} if smarthost else {"enable": False}
        config["mailTry"] = ["relay"] if smarthost else ["direct"]
        settings = config["SMTPServices"].setdefault("settings", {})
        settings["directPorts"] = list(ports)
        config["DeliverySettings"] = {**RETRY_SOON, **(more or {})}
        if zone is not None:
            config["DeliverySettings"]["nameservers"] = [f"{address(9)}:5353"]
        if change:
            change(config)

    def prepare(server):
        if local_mx:
            server.write("config/localMX.json", local_mx)
    return Server(config=configure, prepare=prepare, **how)


def submit(server, to, text="hello", sender="alice@example.test"):
    """Sends a message with alice's login."""
    with server.smtp("submission", login="alice") as client:
        return client.sendmail(sender, to, messages.simple(text, sender=sender))


def flush(server):
    """What an operator does who knows that a destination is up again."""
    wmail = f"{os.environ['WMAIL_BIN']}/wmail"
    subprocess.run([wmail, "queue", "flush", "--root", server.root], check=True, capture_output=True, timeout=60)


def relay_empty(server, seconds=15, killed=False):
    """
    Waits until nothing is left for other servers.

    killed: a kill between the two removals of an entry leaves its message without an envelope, for the sweep.
    """
    def left():
        return [name for name in server.queue()
                if name.startswith("relay/") and (name.endswith(".env") or not killed)]
    try:
        eventually(lambda: not left(), "queue/relay is empty", seconds)
    except AssertionError as error:
        raise AssertionError(f"{error}: {left()}") from error


def test_a_submitted_message_goes_through_the_smarthost():
    with RemoteServer(address(0)) as remote, \
            sending({"relayHost": address(0), "relayPort": PORT}) as server:
        submit(server, ["bob@b.test", "carol@c.test"])
        (session, sender, recipients, content), = remote.wait_for(1)
        expect(sender.startswith("FROM:<alice@example.test> SIZE="), sender)
        expect_equal(sorted(addresses(recipients)), ["bob@b.test", "carol@c.test"], "recipients in one transaction")
        expect_equal(session.hello, "mail.example.test", "EHLO")
        expect(not content.lower().startswith(b"return-path"), "Return-Path stays here")
        expect(content.startswith(b"Received: "), content[:200])
        expect(content.endswith(b"Hello.\r\n"), content[-200:])
        relay_empty(server)
        expect("event=relay.sent" in server.log(), "the log tells of it")


def test_a_message_goes_to_its_domains_mail_servers():
    zone = {
        "b.test": {"MX": [(20, "mx2.b.test"), (10, "mx1.b.test")]},
        "mx1.b.test": {"A": [address(0)]}, "mx2.b.test": {"A": [address(1)]},
    }
    with NameServer(address(9), zone), RemoteServer(address(0)) as first, RemoteServer(address(1)) as second, \
            sending(zone=zone) as server:
        submit(server, "bob@b.test")
        first.wait_for(1)
        relay_empty(server)
        expect_equal(second.messages, [], "messages at the second choice")


def test_what_is_refused_for_now_is_tried_again():
    refusals = iter(["451 4.3.0 later"])

    def rule(session, stage, argument):
        return next(refusals, None) if stage == "RCPT" else None
    with RemoteServer(address(0), rule=rule) as remote, \
            sending({"relayHost": address(0), "relayPort": PORT}) as server:
        submit(server, "bob@b.test")
        remote.wait_for(1)
        relay_empty(server)
        expect("event=relay.deferred" in server.log(), "the log tells of the first attempt")


def test_smarthost_with_login_and_a_verified_certificate():
    """AUTH under STARTTLS; with a certificate that nobody vouches for no password leaves."""
    certificate = os.environ["WMAIL_TESTS_CERTIFICATE"]
    smarthost = {"relayHost": address(0), "relayPort": PORT, "relayUsername": "me", "relayPassword": "secret"}
    with RemoteServer(address(0), certificate=certificate, users={"me": "secret"}) as remote:
        with sending(smarthost) as server:
            submit(server, "bob@b.test")
            server.wait_for_log("event=relay.deferred")
            expect("stage=tls" in server.log() and "certificate of" in server.log(), "the log says why")
            expect_equal(remote.messages, [], "messages without a verified certificate")
            expect(not any(c.startswith("AUTH") for s in remote.sessions for c in s.commands), "no AUTH")
        with sending({**smarthost, "verifyCertificate": False, "useRelayUsernameAsSender": False}) as server:
            submit(server, "bob@b.test")
            (session, _, _, _), = remote.wait_for(1)
            expect(session.secure, "TLS")
            expect_equal(session.login, "me", "login")
            relay_empty(server)


def test_smarthost_with_a_wrong_password_postpones():
    certificate = os.environ["WMAIL_TESTS_CERTIFICATE"]
    smarthost = {"relayHost": address(0), "relayPort": PORT, "relayUsername": "me", "relayPassword": "wrong",
                 "verifyCertificate": False}
    with RemoteServer(address(0), certificate=certificate, users={"me": "secret"}, mechanisms="LOGIN") as remote, \
            sending(smarthost) as server:
        submit(server, "bob@b.test")
        server.wait_for_log("stage=login")
        remote.users = {"me": "wrong"}
        remote.wait_for(1)
        relay_empty(server)
        expect_equal(server.mailbox("alice"), [], "reports")


def test_the_second_smarthost_stands_in_for_the_first():
    smarthost = {"relayHost": address(0), "relayPort": PORT,
                 "more": [{"relayHost": address(1), "relayPort": PORT}]}
    with RemoteServer(address(1)) as second, sending(smarthost) as server:
        for number in range(3):
            submit(server, "bob@b.test", f"number {number}")
        second.wait_for(3)
        relay_empty(server)
        # One message paid for the look at the first; the others knew.
        expect_equal(server.log().count("event=relay.host-failed"), 1, "attempts at the first")


def test_local_mx_on_465_is_tls_from_the_first_octet():
    certificate = os.environ["WMAIL_TESTS_CERTIFICATE"]
    local_mx = {"b.test": {"smtp": address(0), "ports": [465]}}
    with RemoteServer(address(0), port=465, certificate=certificate, implicit=True) as remote, \
            sending(local_mx=local_mx) as server:
        submit(server, ["bob@b.test", "carol@sub.b.test"])
        (session, _, recipients, _), = remote.wait_for(1)
        expect_equal(len(recipients), 2, "recipients of the domain and one below it, in one transaction")
        relay_empty(server)


def test_what_the_dns_says():
    zone = {
        "null.test": {"MX": [(0, ".")]},
        "implicit.test": {"A": [address(0)]},
        "alias.test": {"CNAME": "implicit.test"},
        "broken.test": "SERVFAIL",
        "loop.test": {"MX": [(10, "mail.example.test"), (20, "mx.loop.test")]}, "mx.loop.test": {"A": [address(0)]},
        "backup.test": {"MX": [(10, "mx1.backup.test"), (20, "mx2.backup.test")]},
        "mx1.backup.test": {"A": [address(1)]}, "mx2.backup.test": {"A": [address(0)]},
    }
    with NameServer(address(9), zone), RemoteServer(address(0)) as remote, \
            sending(zone=zone, ports=(PORT, 25)) as server:
        for domain in ("null", "implicit", "alias", "broken", "loop", "backup", "nowhere"):
            submit(server, f"bob@{domain}.test", domain)
        remote.wait_for(3)
        reached = sorted(addresses(message[2])[0] for message in remote.messages)
        expect_equal(reached, ["bob@alias.test", "bob@backup.test", "bob@implicit.test"], "reached")
        reports = [open(path).read() for path in server.wait_for_mail("alice", 3)]
        for domain, status in (("null", "5.1.10"), ("loop", "5.4.6"), ("nowhere", "5.1.2")):
            report = next((r for r in reports if f"rfc822; bob@{domain}.test" in r), "")
            expect(f"Status: {status}" in report, f"the report about {domain}.test: {report[-2000:]}")
        eventually(lambda: "status=4.4.3" in server.log(), "the broken domain is deferred")
        left = [name for name in server.queue() if name.startswith("relay/") and name.endswith(".env")]
        expect_equal(len(left), 1, "entries that wait")


def test_a_permanent_refusal_comes_back_and_the_others_go():
    def rule(session, stage, argument):
        return "550 5.1.1 no such user" if stage == "RCPT" and "nobody" in argument else None
    with RemoteServer(address(0), rule=rule) as remote, \
            sending({"relayHost": address(0), "relayPort": PORT}) as server:
        submit(server, ["bob@b.test", "nobody@b.test"], "partly")
        (_, _, recipients, _), = remote.wait_for(1)
        expect_equal(addresses(recipients), ["bob@b.test"], "recipients")
        (path,) = server.wait_for_mail("alice")
        report = open(path).read()
        for part in ("Return-Path: <>", "report-type=delivery-status", "Final-Recipient: rfc822; nobody@b.test",
                     "Action: failed", "Status: 5.1.1", "550 5.1.1 no such user", "Subject: partly"):
            expect(part in report, f"{part!r} is in {report}")
        expect("rfc822; bob@b.test" not in report, "who got it is not named")
        relay_empty(server)


def test_what_cannot_be_delivered_in_time_comes_back():
    """0.01 days are 14 minutes: the entry is made older by hand."""
    with sending({"relayHost": address(0), "relayPort": PORT}, more={"giveUpAfterDays": 0.01}) as server:
        submit(server, "bob@b.test", "late")
        server.wait_for_log("event=relay.deferred")
        relay = f"{server.root}/queue/relay"
        (name,) = [name for name in os.listdir(relay) if name.endswith(".env")]
        # Not in the middle of the attempt's end.
        eventually(lambda: '"next"' in open(f"{relay}/{name}").read(), "the attempt is settled")
        # The id tells when it arrived: another one, a day before.
        number = int(name[:26], 32)
        micro = (number >> 64) - 86_400_000_000
        digits = "0123456789abcdefghijklmnopqrstuv"
        number = micro << 64 | number & (1 << 64) - 1
        old = "".join(digits[number >> shift & 31] for shift in range(125, -1, -5))
        os.rename(f"{relay}/{name[:26]}.msg", f"{relay}/{old}.msg")
        os.rename(f"{relay}/{name}", f"{relay}/{old}.env")
        os.utime(f"{relay}/{old}.env")
        (path,) = server.wait_for_mail("alice", seconds=15)
        report = open(path).read()
        expect("Status: 4.4.7" in report and "Action: failed" in report, report)
        relay_empty(server)


def test_a_dead_destination_holds_up_nobody():
    zone = {"dead.test": {"A": [address(7)]}, "b.test": {"A": [address(0)]}}
    with NameServer(address(9), zone), RemoteServer(address(0)) as remote, \
            sending(zone=zone, more={"retryMinutes": [0.05]}) as server:
        with server.smtp("submission", login="alice") as client:
            for number in range(60):
                to = "bob@dead.test" if number % 2 else "bob@b.test"
                client.sendmail("alice@example.test", to, messages.simple(f"n{number}", sender="alice@example.test"))
        remote.wait_for(30)
        expect("event=relay.destination-down" in server.log(), "the log tells of it")
        tried = server.log().count("to=bob@dead.test")
        expect(tried < 10, f"the dead one was tried {tried} times")
        with RemoteServer(address(7)) as risen:
            risen.wait_for(30, 20)
            relay_empty(server)
        expect("event=relay.destination-up" in server.log(), "the log tells of it")


def test_nothing_is_lost_or_doubled_when_all_is_killed_while_sending():
    count = 300
    seen = []

    def rule(session, stage, argument):
        if stage == ".":
            time.sleep(0.01)
    with RemoteServer(address(0), rule=rule) as remote:
        server = sending({"relayHost": address(0), "relayPort": PORT}, errors_allowed=True)
        with server:
            remote.rule = lambda session, stage, argument: "451 wait" if stage == "MAIL" else None
            with server.smtp("submission", login="alice") as client:
                for number in range(count):
                    client.sendmail("alice@example.test", f"r{number}@b.test",
                                    messages.simple(f"m{number}", sender="alice@example.test"))
            remote.rule = rule
            for _ in range(4):
                before = len(remote.messages)
                eventually(lambda: len(remote.messages) >= min(before + 30, count), "it sends", 20)
                server.kill_everything()
                server.start()
            relay_empty(server, 40, killed=True)
            seen = [addresses(message[2])[0] for message in remote.messages]
    lost = {f"r{number}@b.test" for number in range(count)} - set(seen)
    expect_equal(lost, set(), "lost")
    # Each kill may catch each of the five connections between the server's answer and our reading it.
    expect(len(seen) - count <= 4 * 5, f"{len(seen) - count} came twice")


def test_what_one_domain_has_is_not_sent_again_because_another_is_slow():
    """A kill while one recipient's server is silent must not give the others the message twice."""
    zone = {"b.test": {"A": [address(0)]}, "slow.test": {"A": [address(7)]}}
    silent = [True]

    def rule(session, stage, argument):
        while silent[0] and stage == "greeting":
            time.sleep(0.1)
    with NameServer(address(9), zone), RemoteServer(address(0)) as remote, \
            RemoteServer(address(7), rule=rule) as slow, sending(zone=zone, errors_allowed=True) as server:
        submit(server, ["bob@b.test", "carol@slow.test"])
        remote.wait_for(1)
        relay = f"{server.root}/queue/relay"

        def written():
            return any('"attempted"' in open(f"{relay}/{name}").read()
                       for name in os.listdir(relay) if name.endswith(".env"))
        eventually(written, "what bob's server said is written down", 5)
        server.kill_everything()
        silent[0] = False
        server.start()
        slow.wait_for(1, 20)
        relay_empty(server, 20, killed=True)
        expect_equal(len(remote.messages), 1, "messages for bob")
        expect_equal(addresses(slow.messages[0][2]), ["carol@slow.test"], "recipients at the slow server")


def test_many_messages_share_few_connections():
    with RemoteServer(address(0)) as remote, \
            sending({"relayHost": address(0), "relayPort": PORT}) as server:
        with server.smtp("submission", login="alice") as client:
            for number in range(200):
                client.sendmail("alice@example.test", "bob@b.test",
                                messages.simple(f"n{number}", sender="alice@example.test"))
        remote.wait_for(200, 30)
        relay_empty(server)
        expect(len(remote.sessions) <= 8, f"{len(remote.sessions)} connections for 200 messages")
        expect(remote.most_open <= 5, f"{remote.most_open} at a time")


def test_more_recipients_than_one_transaction_takes():
    count = 80
    with RemoteServer(address(0)) as remote, \
            sending({"relayHost": address(0), "relayPort": PORT},
                    more={"maxRecipientsPerTransaction": 30}) as server:
        submit(server, [f"r{number}@b.test" for number in range(count)])
        remote.wait_for(3)
        relay_empty(server)
        expect_equal(sorted(len(message[2]) for message in remote.messages), [20, 30, 30], "recipients")


@contextlib.contextmanager
def smtp_sink(*options):
    """Postfix's test server, with its misbehaviours (smtp-sink(1))."""
    package = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../.build/peers/postfix")
    program = shutil.which("smtp-sink", path=f"{package}/usr/sbin:{os.environ['PATH']}")
    if not program:
        raise Skip("needs postfix: packaging/dependencies peers")
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    sink = subprocess.Popen([program, *user, *options, f"{address(0)}:{PORT}", "100"],
                            env={**os.environ, "LD_LIBRARY_PATH": f"{package}/usr/lib/postfix"},
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        sink.terminate()
        sink.wait(10)


@timeout(90)
def test_the_misbehaviours_of_smtp_sink():
    """Hard errors come back to the sender; soft ones, and connections that end, are tried again and go."""
    with sending({"relayHost": address(0), "relayPort": PORT}) as server:
        for number, (options, event) in enumerate([
                (("-f", "rcpt"), "refused"), (("-f", "."), "refused"), (("-f", "data"), "refused"),
                (("-r", "connect"), "deferred"), (("-r", "mail"), "deferred"), (("-r", "rcpt"), "deferred"),
                (("-r", "."), "deferred"), (("-q", "ehlo"), "deferred"), (("-q", "data"), "deferred"),
                (("-q", "."), "deferred"), (("-Q", "mail"), "deferred"), (("-Q", "."), "deferred"),
                (("-w", "1"), "sent")]):
            to = f"r{number}@b.test"

            def seen(event, to=to):
                return any(f"event=relay.{event} " in line and f"to={to} " in line for line in server.log().splitlines())
            with smtp_sink(*options):
                time.sleep(0.2)
                submit(server, to)
                # An entry of before may have set the destination aside.
                flush(server)
                eventually(lambda: seen(event), f"relay.{event} with {options}", 15)
            if event == "deferred":
                expect(not seen("sent") and not seen("refused"), f"{options} is for a time")
                with smtp_sink():
                    time.sleep(0.2)
                    flush(server)
                    eventually(lambda: seen("sent"), f"sent after {options}", 15)
            relay_empty(server)
        eventually(lambda: len(server.mailbox("alice")) == 3, "a report for each that was refused")


@needs_root
@needs_tool("strace")
def test_nothing_comes_between_the_reply_and_the_removal():
    """Not even a line in the log, which comes next; so a kill has no time to make a message come twice."""
    with RemoteServer(address(0)) as remote, \
            sending({"relayHost": address(0), "relayPort": PORT}) as server:
        kind = subprocess.run(["stat", "-f", "-c", "%T", server.root], check=True, capture_output=True, text=True).stdout.strip()
        if kind not in ("ext2/ext3", "xfs", "btrfs", "tmpfs"):
            raise Skip(f"on {kind} threads do it")

        def send():
            submit(server, "bob@b.test")
            remote.wait_for(1)
            relay_empty(server)
        calls = [(call, rest) for program, call, rest in traced_calls(server, send, ["all"]) if program == "transmit"]
        # Waiting and waking of other threads may stand between in the list, as it is of all of them.
        calls = [(call, rest) for call, rest in calls if call not in ("futex", "epoll_wait", "epoll_pwait", "restart_syscall")]
        (reply,) = [index for index, (call, rest) in enumerate(calls)
                    if call in ("read", "recvfrom", "recvmsg") and "250 2.0.0 taken" in rest]
        after = [(call, rest.split('"')[1] if '"' in rest else "") for call, rest in calls[reply + 1:reply + 4]]
        expect_equal(after[0][0], "unlinkat", f"after the reply: {after}")
        expect(after[0][1].endswith(".env"), f"after the reply: {after}")
        expect(after[1][0] == "write" and "event=relay.sent" in after[1][1], f"after the reply: {after}")
        expect(after[2][0] == "unlinkat" and after[2][1].endswith(".msg"), f"after the reply: {after}")


def test_killed_between_the_transactions_of_a_message():
    """Who was in a transaction that was answered does not get the message again."""
    reached, killed = threading.Event(), threading.Event()

    def rule(session, stage, argument):
        if stage == "." and len(remote.messages) == 1 and not killed.is_set():
            reached.set()
            killed.wait(20)
            raise Close
    recipients = [f"r{number}@b.test" for number in range(80)]
    with RemoteServer(address(0), rule=rule) as remote, \
            sending({"relayHost": address(0), "relayPort": PORT},
                    more={"maxRecipientsPerTransaction": 30}, errors_allowed=True) as server:
        submit(server, recipients)
        expect(reached.wait(15), "the second transaction came to its end")
        server.kill_everything()
        killed.set()
        server.start()
        remote.wait_for(3)
        relay_empty(server)
        came = [recipient for message in remote.messages for recipient in addresses(message[2])]
        expect_equal(sorted(came), sorted(recipients), "recipients")


def test_what_one_of_several_processes_has_tried_the_others_leave_alone():
    """Each hears of a new entry; one attempt is enough, and its time counts for all."""
    def rule(session, stage, argument):
        return "450 4.2.1 later" if stage == "RCPT" else None
    with RemoteServer(address(0), rule=rule), \
            sending({"relayHost": address(0), "relayPort": PORT},
                    more={"retryMinutes": [60], "workers": 4}) as server:
        for number in range(5):
            submit(server, "bob@b.test", f"n{number}")
        eventually(lambda: server.log().count("event=relay.deferred") >= 5, "all are deferred")
        time.sleep(2)
        expect_equal(server.log().count("event=relay.deferred"), 5, "attempts")


def test_a_flush_tries_whatever_was_deferred():
    """One touch of the folder, also for entries that wait in a line; without a server each entry is made due."""
    count, are_refused = 300, threading.Event()

    def rule(session, stage, argument):
        return "450 4.2.1 later" if stage == "RCPT" and are_refused.is_set() else None

    def deferred():
        return server.log().count("event=relay.deferred")
    with RemoteServer(address(0), rule=rule) as remote, \
            sending({"relayHost": address(0), "relayPort": PORT}, more={"retryMinutes": [60]}) as server:
        are_refused.set()
        with server.smtp("submission", login="alice") as client:
            for number in range(count):
                client.sendmail("alice@example.test", "bob@b.test",
                                messages.simple(f"n{number}", sender="alice@example.test"))
        eventually(lambda: deferred() == count, "all are deferred", 30)
        # Soon after its start relayd may not be watching yet, and is not relied on.
        time.sleep(6)
        flush(server)
        eventually(lambda: deferred() == 2 * count, "all are deferred again", 30)
        expect_equal(server.log().count("event=relay.flush"), 1, "flushes in the log")
        server.stop()
        flush(server)
        are_refused.clear()
        server.start()
        remote.wait_for(count, 30)
        relay_empty(server)
        expect_equal(server.log().count("event=relay.flush"), 1, "flushes in the log")


def test_a_flush_tries_a_dead_destination_now():
    zone = {"dead.test": {"A": [address(7)]}}
    with NameServer(address(9), zone), sending(zone=zone, more={"retryMinutes": [60]}) as server:
        with server.smtp("submission", login="alice") as client:
            for number in range(100):
                client.sendmail("alice@example.test", "bob@dead.test",
                                messages.simple(f"n{number}", sender="alice@example.test"))
        server.wait_for_log("event=relay.destination-down")
        time.sleep(1.1)
        flush(server)
        server.wait_for_log("event=relay.destination-asked")
        time.sleep(1.1)
        tried = server.log().count("event=relay.host-failed")
        expect(1 < tried < 20, f"a hundred wishes made {tried} attempts")
        with RemoteServer(address(7)) as risen:
            flush(server)
            risen.wait_for(100, 10)
            relay_empty(server)


def test_an_edited_entry_is_tried_at_once_and_rerouted():
    """`touch` wakes relayd; what the first line says now counts."""
    zone = {"dead.test": "SERVFAIL", "b.test": {"A": [address(0)]}}
    with NameServer(address(9), zone), RemoteServer(address(0)) as remote, \
            sending(zone=zone, more={"retryMinutes": [60]}) as server:
        submit(server, "bob@dead.test")
        server.wait_for_log("event=relay.deferred")
        relay = f"{server.root}/queue/relay"
        (name,) = [name for name in os.listdir(relay) if name.endswith(".env")]
        with open(f"{relay}/{name}", "r+") as file:
            text = file.read().replace("bob@dead.test", "bobby@b.test")
            file.seek(0)
            file.write(text)
        os.utime(f"{relay}/{name}")
        (_, _, recipients, _), = remote.wait_for(1, 5)
        expect_equal(addresses(recipients), ["bobby@b.test"], "recipients")
        relay_empty(server)


def test_what_cannot_be_read_is_moved_aside():
    with sending({"relayHost": address(0), "relayPort": PORT}, errors_allowed=True) as server:
        relay = f"{server.root}/queue/relay"
        name = "000pgji8ot06r2fg4gfgse3ads"
        for end, text in ((".msg", "Subject: x\r\n\r\nx\r\n"), (".env", "not json\n")):
            with open(f"{relay}/{name}{end}", "w") as file:
                file.write(text)
            os.chmod(f"{relay}/{name}{end}", 0o660)
        if os.geteuid() == 0:
            for end in (".msg", ".env"):
                os.chown(f"{relay}/{name}{end}", os.stat(relay).st_uid, os.stat(relay).st_gid)
        os.utime(f"{relay}/{name}.env")
        eventually(lambda: "event=queue.suspect" in server.log(), "the log tells that it is looked at again")
        expect(f"relay/{name}.env" in server.queue(), "somebody may be mending it")
        time.sleep(1.1)
        os.utime(f"{relay}/{name}.env")
        eventually(lambda: f"corrupt/{name}.env" in server.queue() and f"corrupt/{name}.msg" in server.queue(),
                   "both are in queue/corrupt")
        expect("event=queue.corrupt" in server.log(), "the log says why")


# A server that misbehaves

class Misdeed:
    """What a server does, and what has to come of a message to bob@b.test."""

    def __init__(self, name, rule, outcome, says="", extensions=RemoteServer.EXTENSIONS, message=None, starttls=False,
                 to="bob@b.test", options=()):
        self.name, self.rule, self.outcome, self.says = name, rule, outcome, says
        self.extensions, self.starttls, self.to, self.options = extensions, starttls, to, options
        self.message = message or messages.simple("hello", sender="alice@example.test")


def on(stage, answer, times=99):
    """A rule: the stage gets this answer so many times; a callable is called with the session."""
    left = [times]

    def rule(session, at, argument):
        if at != stage or left[0] == 0:
            return None
        left[0] -= 1
        return answer(session) if callable(answer) else answer
    return rule


def hang_up(session):
    raise Close


def hang_up_saying(text):
    def hang(session):
        session.send(text.encode() + b"\r\n")
        raise Close
    return hang


def trickle(session):
    """One octet a second, for as long as anybody listens."""
    for _ in range(30):
        session.send(b"2")
        time.sleep(1)
    raise Close


def fall_silent(session):
    time.sleep(20)
    raise Close


EIGHT_BIT = messages.simple("Hello", "Grüße\r\n".encode(), sender="alice@example.test")
PLAIN = tuple(word for word in RemoteServer.EXTENSIONS if word not in ("8BITMIME", "SMTPUTF8"))
SLOWLY = tuple(word for word in RemoteServer.EXTENSIONS if word != "PIPELINING")

MISDEEDS = [
    Misdeed("421 in place of a greeting", on("greeting", "421 4.3.2 busy", 1), "sent", "relay.host-failed"),
    Misdeed("554 in place of a greeting", on("greeting", "554 5.7.1 not you", 1), "sent", "status=4.7.1"),
    Misdeed("521: this host takes no mail", on("greeting", "521 5.3.2 no mail here"), "bounced", "5.3.2"),
    Misdeed("hangs up before the greeting", on("greeting", hang_up, 1), "sent", "stage=greeting"),
    Misdeed("never greets", on("greeting", fall_silent, 1), "sent", "timed out"),
    Misdeed("trickles its greeting", on("greeting", trickle, 1), "sent", "stage=greeting"),
    Misdeed("megabytes of greeting", on("greeting", "220-" + "x" * 5_000_000, 1), "sent", "reply without end"),
    Misdeed("a thousand lines of greeting", on("greeting", "220-x\n" * 1000 + "220 x", 1), "sent",
            "reply without end"),
    Misdeed("a greeting of many lines", on("greeting", "220-one\n220-two\n220 three"), "sent"),
    Misdeed("speaks something else", on("greeting", "SSH-2.0-OpenSSH_9.2", 1), "sent", "malformed reply"),
    Misdeed("knows no EHLO", on("EHLO", "502 5.5.1 what?"), "sent"),
    Misdeed("hangs up at EHLO", on("EHLO", hang_up, 1), "sent", "stage=hello"),
    Misdeed("bare LF at the ends of its lines", on("EHLO", b"250-remote.test\n250 8BITMIME\n"), "sent"),
    Misdeed("codes that differ in one reply", on("EHLO", "250-a\n251 b", 1), "sent", "malformed reply"),
    Misdeed("replies to nothing", on("greeting", "220 hello\n250 and more", 1), "sent", "reply to no command"),
    Misdeed("STARTTLS that fails in the handshake", on("STARTTLS", lambda session: session.send(
        b"220 go\r\nthis is no TLS\r\n") or hang_up(session)), "sent", "relay.tls-failed", starttls=True),
    Misdeed("STARTTLS that is refused after all", on("STARTTLS", "454 4.7.0 not now"), "sent", starttls=True),
    Misdeed("hangs up at STARTTLS", on("STARTTLS", hang_up), "sent", "relay.tls-failed", starttls=True),
    Misdeed("STARTTLS that works", on("none", ""), "sent", "tls=\"TLSv1.3", starttls=True),
    Misdeed("421 at MAIL", on("MAIL", hang_up_saying("421 4.3.2 restarting"), 1), "sent", "421 4.3.2 restarting"),
    Misdeed("421 at RCPT", on("RCPT", hang_up_saying("421 4.3.2 restarting"), 1), "sent", "421 4.3.2 restarting"),
    Misdeed("421 at DATA", on("DATA", hang_up_saying("421 4.3.2 restarting"), 1), "sent", "421 4.3.2 restarting"),
    Misdeed("421 after the message", on(".", "421 4.3.2 restarting", 1), "sent", "421 4.3.2 restarting"),
    Misdeed("hangs up at MAIL", on("MAIL", hang_up, 1), "sent", "relay.deferred"),
    Misdeed("hangs up at DATA", on("DATA", hang_up, 1), "sent", "relay.deferred"),
    Misdeed("hangs up after the final dot", on(".", hang_up, 1), "sent", "relay.unanswered"),
    Misdeed("450 at MAIL", on("MAIL", "450 4.1.8 who?", 1), "sent", "4.1.8"),
    Misdeed("550 at MAIL", on("MAIL", "550 5.1.8 who?"), "bounced", "5.1.8"),
    Misdeed("450 at RCPT", on("RCPT", "450 4.2.1 full", 1), "sent", "4.2.1"),
    Misdeed("550 at RCPT without a code", on("RCPT", "550 nobody"), "bounced", "5.1.1"),
    Misdeed("552 at RCPT is too many recipients", on("RCPT", "552 too many", 1), "sent", "4.5.3"),
    Misdeed("452 at DATA", on("DATA", "452 4.3.1 no room", 1), "sent", "4.3.1"),
    Misdeed("554 at DATA", on("DATA", "554 5.6.0 no"), "bounced", "5.6.0"),
    Misdeed("451 after the message", on(".", "451 4.7.1 greylisted", 1), "sent", "relay.slowed"),
    Misdeed("554 after the message", on(".", "554 5.7.1 spam"), "bounced", "5.7.1"),
    Misdeed("354 to a refused MAIL", on("MAIL", "550 5.1.8 who?"), "bounced", "5.1.8"),
    Misdeed("a reply of no meaning to DATA", on("DATA", "250 what?", 1), "sent", "unexpected reply"),
    Misdeed("one command at a time", on("none", ""), "sent", extensions=SLOWLY),
    Misdeed("no extension at all", on("none", ""), "sent", extensions=()),
    Misdeed("the message is too large for it", on("none", ""), "bounced", "5.3.4", extensions=("SIZE 100",)),
    Misdeed("no 8BITMIME for what needs it", on("none", ""), "bounced", "5.6.3", extensions=PLAIN,
            message=EIGHT_BIT, options=["BODY=8BITMIME"]),
    Misdeed("no 8BITMIME for what only says that it needs it", on("none", ""), "sent", extensions=PLAIN,
            options=["BODY=8BITMIME"]),
    Misdeed("no SMTPUTF8 for what needs it", on("none", ""), "bounced", "5.6.7", extensions=PLAIN,
            to="grüße@b.test", options=["SMTPUTF8", "BODY=8BITMIME"]),
    Misdeed("dots", on("none", ""), "sent", message=messages.simple(
        "dots", b".\r\n..\r\n.hidden\r\n", sender="alice@example.test")),
]


@timeout(180)
def test_servers_that_misbehave():
    """Each at an address of its own, all at one time, one message each."""
    certificate = os.environ["WMAIL_TESTS_CERTIFICATE"]
    places = {misdeed: f"127.{150 + number}.{address(0).split('.', 2)[2]}" for number, misdeed in enumerate(MISDEEDS)}
    zone = {f"m{number}.test": {"A": [places[misdeed]]} for number, misdeed in enumerate(MISDEEDS)}
    domains = {misdeed: f"m{number}.test" for number, misdeed in enumerate(MISDEEDS)}
    servers = {
        misdeed: RemoteServer(places[misdeed], rule=misdeed.rule, extensions=misdeed.extensions,
                              certificate=certificate if misdeed.starttls else None)
        for misdeed in MISDEEDS}

    def quickly(config):
        config["SMTPServices"]["settings"]["ioTimeout"] = 5
    with contextlib.ExitStack() as stack:
        stack.enter_context(NameServer(address(9), zone))
        for each in servers.values():
            stack.enter_context(each)
        server = stack.enter_context(sending(zone=zone, change=quickly))
        for misdeed in MISDEEDS:
            to = misdeed.to.replace("b.test", domains[misdeed])
            with server.smtp("submission", login="alice") as client:
                client.sendmail("alice@example.test", to, misdeed.message, mail_options=list(misdeed.options))
        relay_empty(server, 90)
        log = server.log()
        reports = [open(path).read() for path in server.mailbox("alice")]
        wrong = []
        for misdeed in MISDEEDS:
            domain, remote = domains[misdeed], servers[misdeed]
            lines = "\n".join(line for line in log.splitlines() if domain in line)
            report = next((text for text in reports if f"@{domain}\n" in text), None)
            good = len(remote.messages) == 1 and not report
            if misdeed.outcome == "bounced":
                good = not remote.messages and report and misdeed.says in report
            elif misdeed.says not in lines:
                good = False
            if not good:
                wrong.append(f"{misdeed.name}: {len(remote.messages)} messages, "
                             f"{'a' if report else 'no'} report\n{lines}")
        expect(not wrong, "\n\n".join(wrong))
        dots = next(servers[misdeed] for misdeed in MISDEEDS if misdeed.name == "dots")
        expect(dots.messages[0][3].endswith(b"\r\n\r\n.\r\n..\r\n.hidden\r\n"), "dots arrive as they were")


def is_locked(path):
    """Whether somebody holds the lock of an entry."""
    write, unlocked, get = 1, 2, 36  # F_WRLCK, F_UNLCK, F_OFD_GETLK
    with open(path, "rb") as file:
        answer = fcntl.fcntl(file, get, struct.pack("hhqqi4x", write, 0, 0, 0, 0))
    return struct.unpack("hhqqi4x", answer)[0] != unlocked


def test_what_is_moved_to_hold_while_it_waits_for_a_connection_is_not_sent():
    goes_on = threading.Event()

    def slow(session, stage, argument):
        if stage == ".":
            goes_on.wait(20)
    with RemoteServer(address(0), rule=slow) as remote, sending(
            {"relayHost": address(0), "relayPort": PORT}, more={"maxConnectionsPerDestination": 1}) as server:
        submit(server, "first@b.test", "first")
        eventually(lambda: remote.messages or any(".env" in name for name in server.queue()), "the first is at work")
        submit(server, "second@b.test", "second")

        def held():
            """The second entry, once it is claimed."""
            for name in server.queue():
                path = f"{server.root}/queue/{name}"
                if name.startswith("relay/") and name.endswith(".env") and is_locked(path):
                    with open(path) as file:
                        if "second@b.test" in file.read():
                            return path[:-4]
        base = eventually(held, "the second is claimed")
        # Between lock and claim relayd looks at the name once more; this is about what comes after it.
        time.sleep(1)
        for end in (".env", ".msg"):
            os.rename(base + end, base.replace("/relay/", "/hold/") + end)
        goes_on.set()
        server.wait_for_log("event=relay.claim-lost")
        relay_empty(server)
        expect_equal([addresses(message[2]) for message in remote.messages], [["first@b.test"]], "messages sent")
