# SPDX-License-Identifier: Apache-2.0
"""Mail for other servers: by smarthost, by MX, by localMX; retried, and never lost."""

import os
import time

from harness import Server, eventually, expect, expect_equal, make_certificate
from harness import messages
from harness.remote import PORT, NameServer, RemoteServer, address, addresses

RETRY_SOON = {"retryMinutes": [0.02], "retryJitterPercent": 0, "useIPv6": False}


def sending(smarthost=None, local_mx=None, zone=None, more=None, ports=(PORT,), **how):
    """A server that sends: through a smarthost, by localMX.json, or by the MX records of a zone."""
    def change(config):
        config["SMTPServices"]["MailRelay"] = {"enable": True, **smarthost} if smarthost else {"enable": False}
        config["mailTry"] = ["relay"] if smarthost else ["direct"]
        settings = config["SMTPServices"].setdefault("settings", {})
        settings["directPorts"] = list(ports)
        config["DeliverySettings"] = {**RETRY_SOON, **(more or {})}
        if zone is not None:
            config["DeliverySettings"]["nameservers"] = [f"{address(9)}:5353"]

    def prepare(server):
        if local_mx:
            server.write("config/localMX.json", local_mx)
    return Server(config=change, prepare=prepare, **how)


def submit(server, to, text="hello", sender="alice@example.test"):
    """Sends a message with alice's login."""
    with server.smtp("submission", login="alice") as client:
        return client.sendmail(sender, to, messages.simple(text, sender=sender))


def relay_empty(server, seconds=15):
    """Waits until nothing is left for other servers."""
    eventually(lambda: not [n for n in server.queue() if n.startswith("relay/")],
               "queue/relay is empty", seconds)


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
            relay_empty(server, 40)
            seen = [addresses(message[2])[0] for message in remote.messages]
    lost = {f"r{number}@b.test" for number in range(count)} - set(seen)
    expect_equal(lost, set(), "lost")
    # Each kill may catch each of the five connections between the server's answer and our reading it.
    expect(len(seen) - count <= 4 * 5, f"{len(seen) - count} came twice")


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
        eventually(lambda: f"corrupt/{name}.env" in server.queue() and f"corrupt/{name}.msg" in server.queue(),
                   "both are in queue/corrupt")
        expect("event=queue.corrupt" in server.log(), "the log says why")
