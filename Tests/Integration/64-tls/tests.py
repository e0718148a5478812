# SPDX-License-Identifier: Apache-2.0
"""TLS as clients see it: versions, ciphers, names, and tickets that are good in one place only."""

import os
import re
import socket
import ssl
import subprocess
import time

from harness import PASSWORD, Server, expect, expect_equal, make_certificate
from harness import messages
from harness.server import tls_context


def s_client(server, service, *words, port=None):
    """What `openssl s_client` prints of a session at a service."""
    port = port or server.ports[service]
    start = {"smtp": ["-starttls", "smtp"], "submission": ["-starttls", "smtp"], "pop3": ["-starttls", "pop3"]}
    quit = b"QUIT\n"
    client = subprocess.Popen(
        ["openssl", "s_client", "-connect", f"{server.address}:{port}", *start.get(service, []), "-crlf", "-ign_eof",
         *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    out, _ = client.communicate(quit, timeout=20)
    return out.decode(errors="replace")


def resumed(server, service, session, *words, **how):
    """Whether a session is resumed from the ticket in a file."""
    text = s_client(server, service, "-sess_in", session, *words, **how)
    expect("New, " in text or "Reused, " in text, f"no handshake at {service}:\n{text[-1500:]}")
    return "Reused, " in text


def two_groups(server):
    """A second group on ports of its own, with its own certificate."""
    make_certificate(f"{server.root}/config/ssl/second", ("second.test",))
    server.config["UserGroups"]["second"] = {
        "sslCert": {"cert": "./config/ssl/second/cert.pem", "key": "./config/ssl/second/key.pem"}}
    server.second = server.ports["smtps"] + 50
    server.config["SMTPServices"]["services"][str(server.second)] = {
        "bindIP": server.address, "ssl": True, "userGroup": "second"}
    server.config["SMTPServices"]["settings"] = {"workers": 3}
    server.write("config/config.json", server.config)
    server.write("usermanager/second/group.json", {
        "users": {"carol": {"password": PASSWORD, "permissions": ["receive", "sendlocal"]}},
        "bindDomains": ["second.test"]})


def test_tickets_are_good_in_all_workers_of_a_service_and_nowhere_else():
    with Server(prepare=two_groups) as server:
        expect_equal(len(server.workers()["smtpd"]), 3, "smtpd processes")
        for version in ("-tls1_3", "-tls1_2"):
            session = f"{server.root}.session{version}"
            s_client(server, "smtps", version, "-sess_out", session)
            expect(os.path.getsize(session) > 100, f"{version}: a ticket was given")
            # Twelve connections meet every worker, or one is very unlucky.
            reused = [resumed(server, "smtps", session, version) for _ in range(12)]
            expect(all(reused), f"{version}: {reused.count(False)} of 12 sessions were not resumed")
            for other in ("submission", "smtp", "pop3s", "pop3"):
                expect(not resumed(server, other, session, version), f"{version}: a ticket of smtps is good at {other}")
            expect(not resumed(server, "smtps", session, version, port=server.second),
                   f"{version}: a ticket of one group is good in another")


def test_tickets_end_with_a_reload():
    with Server() as server:
        session = f"{server.root}.session"
        s_client(server, "smtps", "-sess_out", session)
        expect(resumed(server, "smtps", session), "the ticket is good")
        old = set(server.workers()["smtpd"])
        server.reload()
        deadline = time.monotonic() + 20
        while set(server.workers()["smtpd"]) & old and time.monotonic() < deadline:
            time.sleep(0.05)
        expect(not resumed(server, "smtps", session), "the key of the tickets is another")


def test_old_versions_and_weak_ciphers_are_refused():
    with Server() as server:
        for service in ("smtp", "smtps", "submission", "pop3", "pop3s"):
            for words in (["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], ["-tls1", "-cipher", "ALL:@SECLEVEL=0"],
                          ["-tls1_2", "-cipher", "AES128-SHA:@SECLEVEL=0"],
                          ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES256-SHA:@SECLEVEL=0"],
                          ["-tls1_2", "-cipher", "aNULL:eNULL:@SECLEVEL=0"]):
                text = s_client(server, service, *words)
                expect(re.search(r"Cipher is \(NONE\)|Cipher    : 0000", text) or "no ciphers available" in text
                       or "no cipher match" in text, f"{service} takes {words}:\n{text[-1500:]}")
            expect("TLSv1.3" in s_client(server, service, "-tls1_3"), f"{service}: TLS 1.3")
            expect("ECDHE-ECDSA" in s_client(server, service, "-tls1_2"), f"{service}: TLS 1.2")


def test_a_certificate_is_chosen_by_name():
    def more(server):
        make_certificate(f"{server.root}/config/ssl/other", ("mx.other.test", "*.wild.test"))
        server.config["UserGroups"]["default"]["moreCerts"] = [
            {"cert": "./config/ssl/other/cert.pem", "key": "./config/ssl/other/key.pem"}]
        server.write("config/config.json", server.config)

    def names(server, asked):
        context = tls_context()
        with socket.create_connection((server.address, server.ports["smtps"]), timeout=10) as plain:
            with context.wrap_socket(plain, server_hostname=asked) as connection:
                pem = ssl.DER_cert_to_PEM_cert(connection.getpeercert(binary_form=True))
        return subprocess.run(["openssl", "x509", "-noout", "-subject"], input=pem.encode(), capture_output=True,
                              timeout=10).stdout.decode()

    with Server(prepare=more) as server:
        for asked, expected in (("example.test", "example.test"), ("mx.other.test", "mx.other.test"),
                                ("MX.Other.Test", "mx.other.test"), ("a.wild.test", "mx.other.test"),
                                ("a.b.wild.test", "CN = example.test"), ("unknown.test", "CN = example.test"),
                                (None, "CN = example.test")):
            expect(expected in names(server, asked), f"asked for {asked}: {names(server, asked)}")


def test_a_connection_that_ends_within_a_chunk_leaves_nothing():
    """With a TLS close_notify in the midst of BDAT, and without."""
    with Server() as server:
        for is_orderly in (True, False):
            with socket.create_connection((server.address, server.ports["smtp"]), timeout=10) as plain:
                replies = plain.makefile("rb")
                replies.readline()
                plain.sendall(b"EHLO c.test\r\n")
                while not replies.readline().startswith(b"250 "):
                    pass
                plain.sendall(b"STARTTLS\r\n")
                expect_equal(replies.readline()[:3], b"220", "STARTTLS")
                tls = tls_context().wrap_socket(plain)
                tls.sendall(b"EHLO c.test\r\nMAIL FROM:<a@elsewhere.test>\r\nRCPT TO:<alice@example.test>\r\n"
                            b"BDAT 200000 LAST\r\nSubject: half\r\n\r\n" + b"x" * 150_000)
                time.sleep(0.3)
                if is_orderly:
                    try:
                        tls.unwrap()
                    except (OSError, ssl.SSLError):
                        pass
                tls.close()
        server.send(messages.simple("after"))
        server.wait_for_mail("alice")
        time.sleep(0.3)
        expect_equal(len(server.mailbox("alice")), 1, "messages")
        expect_equal([name for name in server.queue() if not name.startswith("corrupt")], [], "left in the queue")


def test_silence_in_the_handshake_is_bounded():
    def hurried(config):
        config["SMTPServices"]["settings"] = {"handshakeTimeout": 1}
    with Server(config=hurried) as server:
        with server.connect("smtps") as connection:
            started = time.monotonic()
            connection.settimeout(10)
            expect_equal(connection.recv(100), b"", "what a silent client hears")
            expect(time.monotonic() - started < 6, "the time until then")
        with server.connect("smtp") as connection:
            replies = connection.makefile("rb")
            replies.readline()
            connection.sendall(b"EHLO c\r\n")
            while not replies.readline().startswith(b"250 "):
                pass
            connection.sendall(b"STARTTLS\r\n")
            replies.readline()
            started = time.monotonic()
            # A handshake in single octets takes no longer than one in silence.
            try:
                for octet in b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 40:
                    connection.sendall(bytes([octet]))
                    time.sleep(0.1)
            except OSError:
                pass
            expect(time.monotonic() - started < 4.5, "a trickled handshake goes on and on")


def chain_of(folder, newkey):
    """cert.pem with a leaf and two authorities above it, each with keys of that kind, and key.pem."""
    made = f"{folder}/made"
    os.makedirs(made, exist_ok=True)

    def openssl(*words):
        subprocess.run(["openssl", *words], check=True, capture_output=True, timeout=60, cwd=made)

    with open(f"{made}/authority", "w") as file:
        file.write("basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\n")
    openssl("req", "-x509", *newkey, "-nodes", "-days", "30", "-subj", "/CN=Root", "-keyout", "0.key", "-out", "0.pem")
    for number, subject in (1, "/CN=Intermediate"), (2, "/CN=mail.example.test"):
        openssl("req", *newkey, "-nodes", "-subj", subject, "-keyout", f"{number}.key", "-out", "request")
        extensions = ["-extfile", "authority"] if number == 1 else []
        openssl("x509", "-req", "-in", "request", "-CA", f"{number - 1}.pem", "-CAkey", f"{number - 1}.key",
                "-CAcreateserial", "-days", "30", "-out", f"{number}.pem", *extensions)
    with open(f"{folder}/cert.pem", "w") as file:
        file.write("".join(open(f"{made}/{number}.pem").read() for number in (2, 1, 0)))
    os.replace(f"{made}/2.key", f"{folder}/key.pem")


def test_a_chain_as_an_authority_gives_it():
    kinds = {"RSA": ["-newkey", "rsa:2048"], "RSA 4096": ["-newkey", "rsa:4096"],
             "EC": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]}
    for kind, newkey in kinds.items():
        with Server(prepare=lambda server: chain_of(f"{server.root}/config/ssl", newkey)) as server:
            for service in ("smtps", "pop3s"):
                text = s_client(server, service, "-showcerts")
                expect_equal(re.findall(r"(?m)^ *\d s:CN = (.*)$", text),
                             ["mail.example.test", "Intermediate", "Root"], f"{kind} at {service}")
