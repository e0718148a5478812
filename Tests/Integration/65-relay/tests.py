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
        config["mailTry"] = ["relay", "direct"]
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
