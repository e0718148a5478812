# SPDX-License-Identifier: Apache-2.0
"""What senders hear of their mail: bounces, warnings, receipts; read with Python's own parser."""

import email
import email.policy
import glob
import os
import re
import time

from harness import Server, expect, expect_equal, eventually
from harness import messages
from harness.remote import PORT, RemoteServer, address, addresses

ALICE = "alice@example.test"
REFUSAL = "550 5.1.1 <bob@b.test>: no such <user>"
FAST = {"retryMinutes": [0.02], "retryJitterPercent": 0, "useIPv6": False}


def refusing(reply=REFUSAL):
    """A rule that answers every RCPT so."""
    return lambda session, stage, argument: reply if stage == "RCPT" else None


def sending(more=None, change=None, **how):
    """A server whose smarthost is the remote server at address(0)."""
    def config(config):
        config["SMTPServices"]["MailRelay"] = {
            "enable": True, "relayHost": address(0), "relayPort": PORT}
        config["DeliverySettings"] = {**FAST, **(more or {})}
        if change:
            change(config)
    return Server(config=config, **how)


def submit(server, to, notify=None, mail_options=(), message=None, sender=ALICE):
    """Sends a message with alice's login."""
    with server.smtp("submission", login="alice") as client:
        options = [f"NOTIFY={notify}"] if notify else []
        return client.sendmail(
            sender, to, message or messages.simple("Lunch", sender=sender),
            mail_options=list(mail_options), rcpt_options=options)


def relay_empty(server, seconds=15):
    eventually(lambda: not [n for n in server.queue() if n.startswith("relay/")], "queue/relay is empty", seconds)


class Report:
    """A report taken apart; whatever Python's parser or RFC 5322 complains about fails the test."""

    def __init__(self, content, eight_bit=False):
        self.content = content
        for line in content.split(b"\n")[:-1]:
            expect(line.endswith(b"\r") and b"\r" not in line[:-1], f"lines end with CRLF: {line[-50:]}")
            expect(len(line) <= 999, f"a line of {len(line)} octets")
        expect(content.endswith(b"\r\n"), "ends with a line end")
        expect(b"\0" not in content and (eight_bit or content.isascii()), "octets above 127, or NUL")
        # Python takes every message/… for a message in clear, where RFC 6533 lets those in UTF-8 be encoded.
        readable = content.replace(b"Content-Type: message/global", b"Content-Type: text/x-global")
        self.message = email.message_from_bytes(readable, policy=email.policy.SMTP)
        for part in self.message.walk():
            expect(not part.defects, f"{part.get_content_type()}: {part.defects}")
            for name, value in part.items():
                expect(not getattr(value, "defects", ()), f"{name}: {value}: {getattr(value, 'defects', ())}")
        expect_equal(self.message.get_content_type(), "multipart/report", "type")
        expect_equal(self.message.get_param("report-type"), "delivery-status", "report-type")
        self.words, self.status, self.returned = self.message.get_payload()
        expect_equal(self.words.get_content_type(), "multipart/alternative", "first part")
        plain, html = self.words.get_payload()
        self.text, self.html = plain.get_content(), html.get_content()
        expect_equal(self.message["Auto-Submitted"], "auto-replied", "Auto-Submitted")
        expect_equal(self.message["Return-Path"], "<>", "Return-Path")
        expect(self.message["Message-ID"] and self.message["Date"], "Message-ID and Date")
        if self.status.get_content_type() == "message/delivery-status":
            self.groups = self.status.get_payload()
        else:
            text = self.status.get_payload(decode=True).decode()
            self.groups = [email.message_from_string(group) for group in text.split("\r\n\r\n")]

    def recipients(self):
        """Of each recipient: address, action, status."""
        return [(group["Final-Recipient"], group["Action"], group["Status"]) for group in self.groups[1:]]


def report(server, user="alice", count=1, **how):
    """The newest of so many messages in a mailbox, which is a report."""
    path = server.wait_for_mail(user, count, 20)[-1]
    with open(path, "rb") as file:
        return Report(file.read(), **how)


def test_a_refusal_comes_back_with_all_its_parts():
    with RemoteServer(address(0), rule=refusing()), sending() as server:
        submit(server, "bob@b.test", mail_options=["ENVID=QQ+2B1"])
        found = report(server)
        expect_equal(found.message["Subject"], "Delivery report: failed", "subject")
        expect_equal(found.message["To"], ALICE, "To")
        expect("MAILER-DAEMON@example.test" in found.message["From"], found.message["From"])
        expect_equal(found.message["References"], "<Lunch@client.test>", "References")
        expect_equal(found.recipients(), [("rfc822; bob@b.test", "failed", "5.1.1")], "recipients")
        first, second = found.groups[:2]
        expect_equal(first["Reporting-MTA"], "dns; mail.example.test", "Reporting-MTA")
        expect_equal(first["Original-Envelope-Id"], "QQ+1", "Original-Envelope-Id")
        expect(email.utils.parsedate_to_datetime(first["Arrival-Date"]), "Arrival-Date")
        expect(email.utils.parsedate_to_datetime(second["Last-Attempt-Date"]), "Last-Attempt-Date")
        expect_equal(second["Diagnostic-Code"], f"smtp; {REFUSAL}", "Diagnostic-Code")
        expect_equal(found.returned.get_content_type(), "message/rfc822", "third part")
        original = found.returned.get_payload()[0]
        expect_equal(original["Subject"], "Lunch", "the message that came back")
        expect_equal(original.get_payload(), "Hello.\r\n", "its body")
        expect("could not be delivered" in found.text and "bob@b.test" in found.text, found.text)
        expect("no such &lt;user&gt;" in found.html and "<user>" not in found.html, found.html)
        relay_empty(server)
        time.sleep(1)
        expect_equal(len(server.mailbox()), 1, "reports")


def test_who_asked_for_headers_gets_no_body_and_a_big_message_comes_back_as_its_header():
    big = messages.simple("Big", b"0123456789\r\n" * 20_000, ALICE)
    with RemoteServer(address(0), rule=refusing()), sending() as server:
        submit(server, "bob@b.test", mail_options=["RET=HDRS"])
        found = report(server)
        expect_equal(found.returned.get_content_type(), "text/rfc822-headers", "third part")
        expect("Subject: Lunch" in found.returned.get_content(), "the header")
        expect(b"Hello." not in found.content, "no body")
        submit(server, "bob@b.test", message=big)
        found = report(server, count=2)
        expect_equal(found.returned.get_content_type(), "text/rfc822-headers", "third part of the big one")
        expect(len(found.content) < 20_000, f"{len(found.content)} octets")
        submit(server, "bob@b.test", mail_options=["RET=FULL"], message=big)
        found = report(server, count=3)
        expect(found.content.count(b"0123456789\r\n") == 20_000, "all of the body")


def test_eight_bits_come_back_whole_in_the_mailbox():
    message = messages.simple("Eight", "Grüße\r\n".encode(), ALICE)
    with RemoteServer(address(0), rule=refusing()), sending() as server:
        submit(server, "bob@b.test", mail_options=["BODY=8BITMIME"], message=message)
        found = report(server, eight_bit=True)
        expect_equal(found.message["Content-Transfer-Encoding"], "8bit", "encoding")
        expect(found.content.count("Grüße\r\n".encode()) == 1, "the body")


def test_some_go_and_some_come_back():
    def rule(session, stage, argument):
        return "550 5.2.1 closed" if stage == "RCPT" and "bad" in argument else None
    with RemoteServer(address(0), rule=rule) as remote, sending() as server:
        submit(server, ["good@b.test", "bad1@b.test", "bad2@c.test"])
        (_, _, recipients, _), = remote.wait_for(1)
        expect_equal(addresses(recipients), ["good@b.test"], "delivered")
        found = report(server)
        expect_equal(sorted(found.recipients()), [
            ("rfc822; bad1@b.test", "failed", "5.2.1"), ("rfc822; bad2@c.test", "failed", "5.2.1")], "recipients")
        relay_empty(server)


def test_nobody_hears_who_did_not_want_to():
    with RemoteServer(address(0), rule=refusing()), sending() as server:
        submit(server, "bob@b.test", notify="NEVER")
        submit(server, "bob@b.test", notify="SUCCESS,DELAY")
        relay_empty(server)
        time.sleep(1)
        expect_equal(server.mailbox(), [], "reports")
        submit(server, "bob@b.test", notify="FAILURE")
        report(server)


def test_a_server_without_dsn_makes_us_report_success():
    with RemoteServer(address(0), extensions=["PIPELINING", "8BITMIME"]) as remote, sending() as server:
        submit(server, "bob@b.test", notify="SUCCESS")
        found = report(server)
        expect_equal(found.message["Subject"], "Delivery report: succeeded", "subject")
        expect_equal(found.recipients(), [("rfc822; bob@b.test", "relayed", "2.0.0")], "recipients")
        expect("fail" not in found.text.lower() and "fail" not in found.html.lower(), found.text)
        expect_equal(found.returned.get_content_type(), "text/rfc822-headers", "third part")
        expect("NOTIFY" not in remote.messages[0][2][0], "no parameters that the server does not know")


def test_a_server_with_dsn_takes_the_duty_over():
    with RemoteServer(address(0)) as remote, sending() as server:
        submit(server, "bob@b.test", notify="SUCCESS,FAILURE", mail_options=["RET=HDRS", "ENVID=e1"])
        (_, sender, recipients, _), = remote.wait_for(1)
        expect("RET=HDRS" in sender and "ENVID=e1" in sender, sender)
        expect("NOTIFY=SUCCESS,FAILURE" in recipients[0], recipients)
        relay_empty(server)
        time.sleep(1)
        expect_equal(server.mailbox(), [], "reports")


def test_delivery_to_our_own_is_reported_if_asked():
    with RemoteServer(address(0)), sending() as server:
        submit(server, "bob@example.test", notify="SUCCESS")
        server.wait_for_mail("bob")
        found = report(server)
        expect_equal(found.recipients(), [("rfc822; bob@example.test", "delivered", "2.1.5")], "recipients")
        relay_empty(server)
        submit(server, "bob@example.test")
        server.wait_for_mail("bob", 2)
        time.sleep(1)
        expect_equal(len(server.mailbox()), 1, "reports")


def test_a_stranger_hears_over_the_network_and_its_refusal_ends_there():
    with RemoteServer(address(0)) as remote, sending() as server:
        with server.smtp() as client:
            client.sendmail(
                "outside@elsewhere.test", "bob@example.test", messages.simple("hi"), rcpt_options=["NOTIFY=SUCCESS"])
        (_, sender, recipients, content), = remote.wait_for(1)
        expect(sender.startswith("FROM:<>"), sender)
        expect_equal(addresses(recipients), ["outside@elsewhere.test"], "to")
        expect("NOTIFY=NEVER" in recipients[0], recipients)
        found = Report(b"Return-Path: <>\r\n" + content)
        expect("MAILER-DAEMON@mail.example.test" in found.message["From"], found.message["From"])
        remote.rule = refusing()
        with server.smtp() as client:
            client.sendmail(
                "outside@elsewhere.test", "bob@example.test", messages.simple("hi"), rcpt_options=["NOTIFY=SUCCESS"])
        eventually(lambda: "event=relay.refused" in server.log(), "the report is refused")
        relay_empty(server)
        expect_equal(server.log().count("event=relay.reported"), 2, "reports")


def test_the_null_sender_never_hears():
    def group(group):
        group["aliases"] = {"away": "bob@b.test"}
    with RemoteServer(address(0), rule=refusing()) as remote, sending(group=group) as server:
        with server.smtp() as client:
            client.sendmail("", "away@example.test", messages.simple("a report"))
        eventually(lambda: "event=relay.refused" in server.log(), "it is refused")
        relay_empty(server)
        expect("event=relay.reported" not in server.log(), "no report on a report")
        expect_equal(remote.messages, [], "messages")
        expect_equal(server.mailbox(), [], "mail")


def test_a_late_message_is_told_of_once_and_goes_in_the_end():
    later = {"still": True}

    def rule(session, stage, argument):
        return "450 4.2.0 not now" if stage == "RCPT" and later["still"] else None
    with RemoteServer(address(0), rule=rule) as remote, sending({"warnAfterHours": 2 / 3600}) as server:
        submit(server, "bob@b.test")
        submit(server, "carol@b.test", notify="FAILURE")
        found = report(server)
        expect_equal(found.message["Subject"], "Delivery report: delayed", "subject")
        expect_equal(found.recipients(), [("rfc822; bob@b.test", "delayed", "4.2.0")], "recipients")
        until = email.utils.parsedate_to_datetime(found.groups[1]["Will-Retry-Until"])
        expect(4.9 * 86_400 < until.timestamp() - time.time() < 5.1 * 86_400, found.groups[1]["Will-Retry-Until"])
        expect("goes on trying" in found.text and "fail" not in found.html.lower(), found.text)
        time.sleep(3)
        later["still"] = False
        remote.wait_for(2)
        relay_empty(server)
        expect_equal(len(server.mailbox()), 1, "reports")


def older(server, seconds):
    """Makes the entries for other servers that much older: when a message arrived is in its name."""
    digits = "0123456789abcdefghijklmnopqrstuv"
    paths = sorted(glob.glob(f"{server.root}/queue/relay/*"))
    expect(paths, "entries wait")
    for path in paths:
        name, suffix = os.path.basename(path).split(".")
        value = 0
        for character in name:
            value = value * 32 + digits.index(character)
        value -= seconds * 1_000_000 << 64
        name = "".join(digits[value >> 5 * place & 31] for place in range(25, -1, -1))
        os.rename(path, f"{os.path.dirname(path)}/{name}.{suffix}")


def test_what_is_too_old_comes_back():
    def rule(session, stage, argument):
        return "450 4.2.0 not now" if stage == "RCPT" else None
    with RemoteServer(address(0), rule=rule), sending({"warnAfterHours": 0, "retryMinutes": [0.05]}) as server:
        submit(server, ["bob@b.test", "carol@c.test"])
        submit(server, "dave@b.test", notify="NEVER")
        eventually(lambda: server.log().count("event=relay.deferred") >= 3, "all were tried")
        server.stop()
        older(server, 5 * 86_400 + 60)
        server.start()
        found = report(server)
        expect_equal(sorted(found.recipients()), [
            ("rfc822; bob@b.test", "failed", "4.4.7"), ("rfc822; carol@c.test", "failed", "4.4.7")], "recipients")
        expect("smtp; 450 4.2.0 not now" in found.groups[1]["Diagnostic-Code"], "the last words")
        relay_empty(server)
        time.sleep(1)
        expect_equal(len(server.mailbox()), 1, "reports")


def test_addresses_in_utf8_are_reported_in_utf8():
    with RemoteServer(address(0), rule=refusing("550 5.1.1 nobody")), sending() as server:
        message = messages.simple("utf8", sender=ALICE).replace(b"Subject: utf8", "Subject: Grüße".encode())
        submit(server, "用户@b.test", mail_options=["SMTPUTF8", "BODY=8BITMIME"], message=message)
        found = report(server)
        expect(b"Content-Type: message/global\r\n" in found.content, "third part")
        expect_equal(found.status.get_content_type(), "text/x-global-delivery-status", "second part")
        expect_equal(found.recipients(), [("utf-8; 用户@b.test", "failed", "5.1.1")], "recipients")
        expect("Subject: Grüße\r\n".encode() in found.returned.get_payload(decode=True), "the message")
        expect("用户@b.test" in found.text and "Grüße" in found.text, found.text)


def test_the_operators_template_is_used_and_values_stay_values():
    template = "From: Post <post@example.test>\nSubject: [x] $TITLE\n\n<p class='own'>$SUBJECT|$RECIPIENT|$ORIGINAL</p>"

    def prepare(server):
        server.write("config/own.txt", template)

    def change(config):
        config["UserGroups"]["default"]["errorPath"] = "./config/own.txt"
    message = messages.simple("x", sender=ALICE).replace(b"Subject: x", b"Subject: <i>$DETAIL</i>")
    with RemoteServer(address(0), rule=refusing()), sending(change=change, prepare=prepare) as server:
        submit(server, "bob@b.test", message=message)
        found = report(server)
        expect_equal(found.message["Subject"], "[x] Delivery report: failed", "subject")
        expect_equal(found.message["From"], "Post <post@example.test>", "From")
        expect(found.html.startswith("<p class='own'>&lt;i&gt;$DETAIL&lt;/i&gt;|bob@b.test|"), found.html)


def test_success_is_told_like_the_python_program_did_if_wanted():
    with RemoteServer(address(0)), sending({"deliveryReports": True}) as server:
        submit(server, "bob@b.test")
        found = report(server)
        expect_equal(found.message["Subject"], "Delivery report: succeeded", "subject")
        submit(server, "bob@b.test", notify="NEVER")
        relay_empty(server)
        time.sleep(1)
        expect_equal(len(server.mailbox()), 1, "reports")


def test_a_known_refusal_is_explained():
    reply = "550 5.7.25 The IP address sending this message does not have a PTR record"
    with RemoteServer(address(0), rule=refusing(reply)), sending() as server:
        submit(server, "bob@b.test")
        found = report(server)
        expect("set its PTR record" in re.sub(r"\s+", " ", found.text), found.text)
        expect("PTR record" in server.log(), "the log explains it too")


def test_an_account_whose_mail_is_refused_is_held_until_the_operator_judges():
    with RemoteServer(address(0), rule=refusing()) as remote, sending({"holdAfterRefusals": 3}) as server:
        submit(server, [f"r{number}@b.test" for number in range(3)], notify="NEVER")
        server.wait_for_log("event=relay.account-held")
        relay_empty(server)
        submit(server, "later@b.test")
        server.wait_for_log("event=relay.held")
        held = sorted(name for name in server.queue() if name.startswith("hold/"))
        expect_equal([name[-4:] for name in held], [".env", ".msg"], "held")
        remote.rule = lambda session, stage, argument: None
        for name in (held[1], held[0]):
            os.rename(f"{server.root}/queue/{name}", f"{server.root}/queue/relay/{name.split('/')[1]}")
        os.utime(f"{server.root}/queue/relay/{held[0].split('/')[1]}")
        (_, _, recipients, _), = remote.wait_for(1)
        expect_equal(addresses(recipients), ["later@b.test"], "delivered")
        submit(server, "more@b.test")
        remote.wait_for(2)
        relay_empty(server)
