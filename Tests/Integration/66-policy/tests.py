# SPDX-License-Identifier: Apache-2.0
"""Who gets what, from whom, through which door: aliases, groups, proxies, limits, and what the log tells of it."""

import base64
import json
import re
import socket
import struct
import subprocess

from harness import DOMAIN, PASSWORD, Server, eventually, expect, expect_equal, make_certificate
from harness import messages
from harness.server import ALL_PERMISSIONS, tls_context


def patient(config):
    config["wMailServerSettings"].update(maxCmdError=1000, ipMaxPwdTry=1000)


def codes(client, sender, *recipients):
    client.rset()
    expect_equal(client.mail(sender, ["SMTPUTF8"] if not (sender + "".join(recipients)).isascii() else [])[0], 250,
                 f"MAIL {sender}")
    return [client.rcpt(address)[0] for address in recipients]


# Addresses

def test_aliases_tags_and_catch_all():
    def group(contents):
        contents["bindDomains"] = [DOMAIN, "second.test"]
        contents["aliases"] = {
            "team": ["alice", "bob"], f"sales@{DOMAIN}": "alice", "all": ["team", f"sales@{DOMAIN}", "bob"],
            # An alias of a user's own name leads to the user, too.
            "bob": ["bob", "alice"],
        }
        contents["catchAll"] = []
    with Server(group=group, config=patient) as server:
        client = server.smtp()
        expect_equal(
            codes(client, "a@elsewhere.test", f"team@{DOMAIN}", "TEAM@Second.Test", f"sales@{DOMAIN}", f"alice+x@{DOMAIN}",
                  f"alice+a+b@{DOMAIN}", f"team+x@{DOMAIN}", f"postmaster@{DOMAIN}", "postmaster", f'"alice"@{DOMAIN}'),
            [250] * 9, "addresses that are somebody's")
        expect_equal(
            codes(client, "a@elsewhere.test", "sales@second.test", f"alice-x@{DOMAIN}", f"+x@{DOMAIN}", f"alic@{DOMAIN}",
                  f"alice@sub.{DOMAIN}"),
            [550] * 4 + [530], "addresses that are nobody's")
        client.rset()
        server.send(messages.simple("round"), to=[f"all@{DOMAIN}", f"team@{DOMAIN}", f"bob@{DOMAIN}"])
        server.wait_for_mail("bob")
        server.wait_for_mail("alice")
        server.drained()
        expect_equal([len(server.mailbox(user)) for user in ("alice", "bob")], [1, 1], "each once")
        client.quit()

    def catching(contents):
        contents["catchAll"] = ["bob"]
        contents["subaddressSeparator"] = "-"
    with Server(group=catching) as server:
        server.send(messages.simple("caught"), to="anybody@example.test")
        server.wait_for_mail("bob")
        server.send(messages.simple("tagged"), to="alice-list@example.test")
        server.wait_for_mail("alice")


def test_alias_loops_are_refused():
    def looping(contents):
        contents["aliases"] = {"loop": "pool", "pool": ["bob", "loop"]}
    server = Server(group=looping, start=False)
    done = subprocess.run(server.command, capture_output=True, timeout=20)
    expect(done.returncode == 1 and b"aliases.loop" in done.stderr and b"loop \xe2\x86\x92 pool" in done.stderr,
           f"{done.returncode}: {done.stderr!r}")
    with Server(config=patient, errors_allowed=True) as server:
        # What is wrong while the server runs does not count: the accounts before it do.
        server.group["aliases"] = {"loop": "pool", "pool": "loop", "new": "alice"}
        server.write("usermanager/default/group.json", server.group)
        client = server.smtp()
        eventually(lambda: codes(client, "a@elsewhere.test", "alice@example.test") and
                   "leads back to itself" in server.log(), "the mistake is told when somebody asks")
        expect_equal(codes(client, "a@elsewhere.test", "new@example.test", "loop@example.test", "alice@example.test"),
                     [550, 550, 250], "replies")
        client.quit()


def test_international_addresses_are_compared_right():
    def group(contents):
        contents["bindDomains"] = [DOMAIN, "bücher.test"]
        contents["users"]["jörg"] = {"password": PASSWORD, "permissions": ALL_PERMISSIONS}
    with Server(group=group, config=patient) as server:
        client = server.smtp()
        expect("smtputf8" in client.esmtp_features, "SMTPUTF8 is offered")
        for domain in ("bücher.test", "BÜCHER.test", "xn--bcher-kva.test", "XN--BCHER-KVA.Test",
                       "bu\u0308cher.test"):
            client.rset()
            say(client, "MAIL FROM:<ä@elsewhere.test> SMTPUTF8 BODY=8BITMIME", 250)
            say(client, f"RCPT TO:<alice@{domain}>", 250)
            say(client, f"RCPT TO:<jörg@{domain}>", 250)
        client.rset()
        # Without SMTPUTF8 such an address is refused, and the A-label is not.
        say(client, "MAIL FROM:<ä@elsewhere.test>", 553)
        say(client, "MAIL FROM:<a@elsewhere.test>", 250)
        say(client, "RCPT TO:<alice@bücher.test>", 553)
        say(client, "RCPT TO:<alice@xn--bcher-kva.test>", 250)
        client.rset()
        say(client, "MAIL FROM:<ä@elsewhere.test> SMTPUTF8 BODY=8BITMIME", 250)
        say(client, "RCPT TO:<jörg@bücher.test>", 250)
        expect_equal(client.data("Subject: Grüße\r\n\r\nä\r\n".encode())[0], 250, "end of data")
        client.quit()
        server.wait_for_mail("jörg")
        with open(server.mailbox("jörg")[0], "rb") as file:
            stored = file.read()
        expect(b" with UTF8SMTP" in stored and "for <jörg@bücher.test>".encode() in stored, f"trace: {stored[:400]!r}")


def say(client, line, code):
    """A command in UTF-8, which smtplib cannot say."""
    client.sock.sendall(line.encode() + b"\r\n")
    got, text = client.getreply()
    expect_equal(got, code, f"{line}: {text!r}")


# Groups and doors

def test_groups_by_port_know_only_their_own():
    def second(server):
        make_certificate(f"{server.root}/config/ssl/second", ("second.test",))
        server.config["UserGroups"]["second"] = {
            "sslCert": {"cert": "./config/ssl/second/cert.pem", "key": "./config/ssl/second/key.pem"}}
        server.ports["smtp2"] = server.ports["smtp"] + 50
        server.config["SMTPServices"]["services"][str(server.ports["smtp2"])] = {
            "bindIP": server.address, "ssl": False, "userGroup": "second", "hostname": "mx.second.test"}
        server.write("config/config.json", server.config)
        server.write("usermanager/second/group.json", {
            "users": {"alice": {"password": "another one", "permissions": ALL_PERMISSIONS}},
            "bindDomains": ["second.test"]})
    with Server(prepare=second, config=patient) as server:
        first, other = server.smtp(), server.smtp(service="smtp2")
        expect_equal(codes(first, "a@elsewhere.test", "alice@example.test", "alice@second.test"), [250, 530], "default")
        expect_equal(codes(other, "a@elsewhere.test", "alice@example.test", "alice@second.test"), [530, 250], "second")
        expect_equal(other.ehlo()[1].split(b"\n")[0], b"mx.second.test", "EHLO name")
        other.starttls(context=tls_context())
        other.ehlo()
        plain = base64.b64encode(f"\0alice\0{PASSWORD}".encode()).decode()
        expect_equal(other.docmd("AUTH", f"PLAIN {plain}")[0], 535, "the first group's password at the second's door")
        plain = base64.b64encode(b"\0alice@second.test\0another one").decode()
        expect_equal(other.docmd("AUTH", f"PLAIN {plain}")[0], 235, "the second's own, with its domain")
        first.close()
        other.close()
        server.send(messages.simple("second"), to="alice@second.test", service="smtp2")
        eventually(lambda: server.mailbox("alice", "second"), "mail in the second group")
        expect_equal(server.mailbox("alice"), [], "mail in the first group")


def test_bind_address_is_kept():
    with Server() as server:
        octets = server.address.split(".")
        octets[3] = str((int(octets[3]) + 1) % 256)
        try:
            with socket.create_connection((".".join(octets), server.ports["smtp"]), timeout=3):
                raise AssertionError("another address answers")
        except ConnectionRefusedError:
            pass


def test_logins_by_name_and_address():
    with Server(config=patient) as server:
        for user, code in (("alice", 235), ("alice@example.test", 235), ("ALICE@EXAMPLE.TEST", 235),
                           ("alice@elsewhere.test", 535), ("alice@", 535), ("@example.test", 535), ("nobody", 535)):
            client = server.smtp(starttls=True)
            client.ehlo()
            plain = base64.b64encode(f"\0{user}\0{PASSWORD}".encode()).decode()
            expect_equal(client.docmd("AUTH", f"PLAIN {plain}")[0], code, f"login as {user}")
            client.close()


def test_known_users_are_not_locked_out_with_the_attacker():
    def strict(config):
        config["wMailServerSettings"].update(ipMaxPwdTry=3, ipBlockSeconds=60, maxCmdError=1000)
    with Server(config=strict) as server:
        def login(user, password, source):
            client = server.smtp(starttls=True, source=source)
            plain = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
            code, _ = client.docmd("AUTH", f"PLAIN {plain}")
            client.close()
            return code
        expect_equal(login("alice", PASSWORD, "127.9.9.9"), 235, "alice at first")
        for number in range(6):
            login("bob", f"wrong {number}", "127.9.9.9")
        expect(login("bob", PASSWORD, "127.9.9.9") != 235, "bob's password can still be guessed")
        expect_equal(login("alice", PASSWORD, "127.9.9.9"), 235, "alice, whose network an attacker shares")


def test_own_domains_from_outside():
    def lax(config):
        patient(config)
        config["SMTPServices"]["settings"] = {"rejectOwnDomainsFromOutside": False}
    with Server(config=patient) as server:
        client = server.smtp()
        expect_equal(client.mail("alice@example.test")[0], 550, "alice without login")
        expect_equal(client.mail("alice@EXAMPLE.test")[0], 550, "in other letters")
        client.quit()
    with Server(config=lax) as server:
        client = server.smtp()
        expect_equal(client.mail("alice@example.test")[0], 250, "where the setting allows it")
        expect_equal(client.rcpt("victim@foreign.test")[0], 530, "still no relay")
        client.quit()


def test_anonymous_relaying_needs_a_listed_network():
    """The Python program's keys for it open nothing by themselves."""
    def config(contents, networks=()):
        patient(contents)
        contents["SMTPSettings"] = {"allowAnonymousRelay": True}
        contents["SMTPServices"]["SMTPWhiteList"] = {
            "mode": "whitelist", "whitelist": ["*.good.test", "x@one.test"], "blacklist": ["bad.good.test"]}
        if networks:
            next(iter(contents["SMTPServices"]["services"].values()))["allowRelayFrom"] = list(networks)
    wanted = ["a@mx.good.test", "x@one.test", "y@one.test", "a@bad.good.test", "a@foreign.test"]
    with Server(config=config) as server:
        client = server.smtp(starttls=True)
        expect_equal(codes(client, "a@elsewhere.test", *wanted), [530] * 5, "without allowRelayFrom")
        client.quit()
    with Server(config=lambda contents: config(contents, ["127.7.7.0/24"])) as server:
        client = server.smtp(source="127.7.7.7")
        expect_equal(codes(client, "a@elsewhere.test", *wanted), [250, 250, 530, 530, 530], "from a listed network")
        client.quit()
        client = server.smtp(source="127.7.8.7")
        expect_equal(codes(client, "a@elsewhere.test", *wanted), [530] * 5, "from another network")
        client.quit()


# Proxies

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def version2(command, family, body):
    return SIGNATURE + bytes([0x20 | command, family]) + struct.pack(">H", len(body)) + body


def proxied(server, header, service="smtp", source="127.5.5.5"):
    """The connection and its first line after a header."""
    connection = server.connect(service, source=source)
    connection.sendall(header)
    connection.settimeout(10)
    return connection, connection.makefile("rb")


def behind_proxy(config):
    patient(config)
    config["wMailServerSettings"].update(unlimitedConnectionsFrom=[])
    for service in config["SMTPServices"]["services"].values():
        service["proxyProtocol"] = ["127.5.5.0/24"]


def test_a_proxys_word_counts_only_from_listed_proxies():
    four = socket.inet_aton("192.0.2.77") + socket.inet_aton("192.0.2.1") + struct.pack(">HH", 40000, 25)
    six = (socket.inet_pton(socket.AF_INET6, "2001:db8::77") + socket.inet_pton(socket.AF_INET6, "2001:db8::1")
           + struct.pack(">HH", 40000, 25))
    good = [
        (b"PROXY TCP4 192.0.2.77 192.0.2.1 40000 25\r\n", "[192.0.2.77]"),
        (b"PROXY TCP6 2001:db8::77 2001:db8::1 40000 25\r\n", "[IPv6:2001:db8::77]"),
        (b"PROXY UNKNOWN\r\n", "[127.5.5.5]"),
        (version2(1, 0x11, four), "[192.0.2.77]"), (version2(1, 0x21, six + b"\x03\0\4abcd"), "[IPv6:2001:db8::77]"),
        (version2(0, 0, b""), "[127.5.5.5]"),
    ]
    with Server(config=behind_proxy) as server:
        for number, (header, address) in enumerate(good, 1):
            connection, replies = proxied(server, header + b"HELO client.test\r\n")
            expect(replies.readline().startswith(b"220"), f"greeting after {header!r}")
            connection.sendall(b"MAIL FROM:<a@elsewhere.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n"
                               b"Subject: x\r\n\r\n.\r\nQUIT\r\n")
            text = replies.read()
            expect(b"Queued" in text, f"after {header!r}: {text!r}")
            connection.close()
            with open(server.wait_for_mail("alice", number)[-1], "rb") as file:
                expect(address.encode() in file.read(1000), f"Received after {header!r} names {address}")
        bad = [b"EHLO client.test\r\n", b"PROXY TCP4 192.0.2.77\r\n", version2(1, 0x31, bytes(216)),
               b"PROXY TCP4 192.0.2.77 192.0.2.1 40000 25\n", version2(1, 0x11, b"short")]
        for header in bad:
            connection, replies = proxied(server, header)
            try:
                expect_equal(replies.read(), b"", f"what a listed proxy hears after {header!r}")
            except ConnectionResetError:
                pass
            connection.close()
        # From anybody else it is no command.
        connection, replies = proxied(server, good[0][0], source="127.6.6.6")
        expect(replies.readline().startswith(b"220"), "greeting")
        expect(replies.readline().startswith(b"500"), "a header from a stranger is an unknown command")
        connection.close()


def test_behind_a_proxy_clients_are_told_apart():
    def config(contents):
        behind_proxy(contents)
        contents["wMailServerSettings"].update(maxCmdError=3, cmdBlockSeconds=60, maxConnectionsPerClient=3)

    def header(address):
        return f"PROXY TCP4 {address} 192.0.2.1 40000 25\r\n".encode()
    with Server(config=config) as server:
        connection, replies = proxied(server, header("192.0.2.66") + b"NONSENSE\r\n" * 6)
        expect(b"421" in replies.read(), "an attacker is sent away")
        connection.close()

        def greeting(address):
            connection, replies = proxied(server, header(address))
            line = replies.readline()
            return connection, line[:3]
        eventually(lambda: greeting("192.0.2.66")[1] == b"421", "the attacker is blocked")
        held = [greeting("192.0.2.67") for _ in range(3)]
        expect_equal([code for _, code in held], [b"220"] * 3, "another client of the proxy")
        expect_equal(greeting("192.0.2.67")[1], b"421", "its fourth connection")
        expect_equal(greeting("192.0.2.68")[1], b"220", "a third client")
        for connection, _ in held:
            connection.close()
        # The header comes before TLS, too.
        with server.connect("smtps", source="127.5.5.5") as plain:
            plain.sendall(header("192.0.2.69"))
            with tls_context().wrap_socket(plain) as connection:
                expect_equal(connection.recv(3), b"220", "greeting under TLS")


# Submission

def test_hourly_limits_of_a_login():
    def group(contents):
        contents["users"]["alice"]["limits"] = {"messagesPerHour": 3, "recipientsPerHour": 4}
    with Server(group=group, config=patient) as server:
        def send(recipients):
            # Another session, and so often another process, each time.
            client = server.smtp(service="submission", login="alice")
            client.mail("alice@example.test")
            for number in range(recipients):
                expect_equal(client.rcpt(f"bob+{number}@example.test")[0], 250, "RCPT")
            code, text = client.data(messages.simple("counted", sender="alice@example.test"))
            client.quit()
            return code
        expect_equal([send(1), send(1), send(3), send(2), send(1)], [250, 250, 452, 250, 452], "replies")
        server.send(messages.simple("other", sender="bob@example.test"), sender="bob@example.test",
                    service="submission", login="bob")


def test_what_submission_adds_hides_and_checks():
    def hide(config):
        patient(config)
        config["SMTPServices"]["settings"] = {"hideClientAddress": True}
    with Server(config=hide) as server:
        client = server.smtp(service="submission", login="alice", source="127.3.3.3")
        client.sendmail("alice@example.test", "bob@example.test", b"From: alice@example.test\r\n\r\nx\r\n")
        (path,) = server.wait_for_mail("bob")
        with open(path, "rb") as file:
            stored = file.read()
        expect(b"127.3.3.3" not in stored and b"client.test" not in stored, f"the client shows: {stored!r}")
        expect(re.search(rb"with ESMTPSA \(TLSv1.[23] [A-Z0-9_-]+ \d+ bits\)", stored.replace(b"\r\n ", b" ")),
               f"TLS facts: {stored!r}")
        long = messages.simple("long", b"x" * 999 + b"\r\n", sender="alice@example.test")
        client.mail("alice@example.test")
        client.rcpt("bob@example.test")
        expect_equal(client.data(long)[0], 550, "a line of 999 octets")
        client.sendmail("alice@example.test", "bob@example.test",
                        messages.simple("fine", b"x" * 998 + b"\r\n", sender="alice@example.test"))
        for header, what in ((b"From: alice@example.test, bob@example.test\r\n", "two authors"), (b"", "no author"),
                             (b"From: alice@example.test\r\nFrom: bob@example.test\r\n", "two From fields"),
                             (b"From : bob@example.test\r\n", "an obsolete spelling"),
                             (b"From: alice@example.test <bob@example.test>\r\n", "a name that looks like an address")):
            client.mail("alice@example.test")
            client.rcpt("bob@example.test")
            expect_equal(client.data(header + b"Subject: x\r\n\r\nx\r\n")[0], 550, what)
        client.quit()


# The log

def test_the_log_has_a_line_for_each_event_and_no_secret():
    with Server(config=patient) as server:
        secret = "wrong-Zahnbürste-17"
        client = server.smtp(service="submission", starttls=True)
        client.docmd("AUTH", "PLAIN " + base64.b64encode(f"\0alice\0{secret}".encode()).decode())
        client.docmd("AUTH", "LOGIN " + base64.b64encode(b"alice").decode())
        client.docmd(base64.b64encode(secret.encode()).decode())
        client.login("alice", PASSWORD)
        client.sendmail("alice@example.test", ["bob@example.test"],
                        messages.simple("logged", b"text-of-the-body\r\n", sender="alice@example.test"))
        queued = client.noop() and re.search(r"id=([0-9a-v]{26})", server.log())
        client.quit()
        client = server.smtp()
        client.mail("a@elsewhere.test", ["SIZE=99999999999"])
        client.rset()
        client.mail("a@elsewhere.test")
        client.rcpt("nobody@example.test")
        client.rcpt("victim@foreign.test")
        client.rcpt("alice@example.test")
        expect_equal(client.data(b"Subject: x\r\n\r\nx\r\n")[0], 250, "a message")
        client.mail("alice@example.test")
        client.rset()
        client.mail("a@elsewhere.test")
        client.rcpt("alice@example.test")
        client.docmd("DATA")
        client.send(b"Subject: bare\n\r\n\r\n.\r\n")
        expect_equal(client.getreply()[0], 550, "a bare LF")
        client.docmd("NONSENSE", "secret-argument")
        client.quit()
        eventually(lambda: server.log().count("event=session.closed") >= 2, "both sessions are told of")
        log = server.log()
        for event in (r"login.refused .*user=alice", r"login.accepted .*user=default/alice", r"message.queued id=",
                      r"recipient.refused .*to=nobody@example.test",
                      r"recipient.refused .*to=victim@foreign.test", r"sender.refused .*from=<alice@example.test>",
                      r"message.refused .*from=<a@elsewhere.test> .*5.6.11", r"command.refused .*552 5.3.4",
                      r"command.refused .*500 5.5.1", r"session.closed .*messages=1 .*seconds="):
            expect(re.search("event=" + event, log), f"no line for {event} in\n{log}")
        expect(queued, "the queue id is told")
        for word in (secret, PASSWORD, "text-of-the-body", "secret-argument",
                     base64.b64encode(secret.encode()).decode(),
                     base64.b64encode(f"\0alice\0{secret}".encode()).decode(),
                     base64.b64encode(f"\0alice\0{PASSWORD}".encode()).decode()):
            expect(word not in log, f"{word!r} is in the log")


# Other commands

def test_the_rest_of_the_commands():
    with Server(config=patient) as server:
        client = server.smtp()
        for keyword in ("pipelining", "size", "8bitmime", "smtputf8", "enhancedstatuscodes", "dsn", "chunking", "limits",
                        "starttls", "help"):
            expect(keyword in client.esmtp_features, f"{keyword} in {client.esmtp_features}")
        expect_equal(client.esmtp_features["limits"], "RCPTMAX=100", "LIMITS")
        for line, code in (("VRFY alice", 252), ("VRFY", 501), ("EXPN team", 502), ("HELP", 214), ("NOOP whatever", 250),
                           ("RSET", 250), ("ETRN x", 502), ("AUTH PLAIN AAAA", 538), ("MAIL FROM:<a@b.test> BODY=9BIT", 501),
                           ("MAIL FROM:<a@b.test> FOO=BAR", 555), ("MAIL FROM:<a@b.test> ENVID=a+00b", 501),
                           ("MAIL FROM:<a@b.test> RET=HDRS ENVID=x+2By AUTH=<>", 250),
                           ("RCPT TO:<alice@example.test> NOTIFY=NEVER,DELAY", 501),
                           ("RCPT TO:<alice@example.test> ORCPT=rfc822;a+00b", 501),
                           ("RCPT TO:<@a.test,@b.test:alice@example.test> NOTIFY=FAILURE ORCPT=rfc822;x@y.test", 250)):
            expect_equal(client.docmd(line)[0], code, line)
        # BDAT, the last of it with the end of the session, in one packet.
        body = b"Subject: chunks\r\n\r\n.\r\n..x\r\n"
        client.sock.sendall(b"BDAT 10\r\n" + body[:10] + b"BDAT 0\r\nBDAT %d LAST\r\n" % (len(body) - 10) + body[10:]
                            + b"QUIT\r\n")
        expect_equal([client.getreply()[0] for _ in range(4)], [250, 250, 250, 221], "replies to the chunks")
        server.wait_for_mail("alice")
        expect_equal(messages.without_trace(server.fetch_all("alice")[0]), body, "the message")


def test_eight_bits_are_declared_to_the_next_server():
    """Whatever the client said of its message, what leaves here is declared as what it is."""
    def lonely(config):
        patient(config)
        config["nodirect"] = []
    with Server(config=lonely) as server:
        client = server.smtp(service="submission", login="alice")
        client.mail("alice@example.test")
        expect_equal(client.rcpt("x@nowhere.invalid")[0], 250, "RCPT")
        eight = messages.simple("eight", "ä\r\n".encode(), sender="alice@example.test")
        expect_equal(client.data(eight)[0], 250, "end of data")
        client.quit()
        names = [name for name in server.queue() if name.endswith(".env")]
        expect_equal(len(names), 1, "envelopes")
        with open(f"{server.root}/queue/{names[0]}") as file:
            expect_equal(json.loads(file.readline())["body"], "8BITMIME", "body")
