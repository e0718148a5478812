# SPDX-License-Identifier: Apache-2.0
"""Names and passwords beyond ASCII, typed on different keyboards (SASLprep: RFC 4013, RFC 4616 §2, RFC 6856 §2.2)."""

import base64
import crypt
import os
import poplib
import smtplib
import subprocess
import unicodedata

from harness import ALL_PERMISSIONS, Server, eventually, expect, expect_equal
from harness.server import tls_context

NAME, WORD = "jürgen", "grüße 100%"
# The same as a Macintosh composes it, and as somebody types it who sees no difference.
COMPOSED = unicodedata.normalize("NFC", NAME), unicodedata.normalize("NFC", WORD)
DECOMPOSED = unicodedata.normalize("NFD", NAME), unicodedata.normalize("NFD", WORD)
WIDE = "ｊürgen", "grüße\u00a0１００%"
# A private-use character; letters from right to left beside a digit at the end.
PROHIBITED = ["grüße 100%\ue000", "\u06271"]


def user(password):
    return {"password": password, "permissions": ALL_PERMISSIONS}


def pop(server, name, password):
    """A poplib client in UTF-8 mode; poplib.error_proto when the login is refused."""
    client = poplib.POP3_SSL(server.address, server.ports["pop3s"], context=tls_context(), timeout=60)
    try:
        client.utf8()
        client.user(name)
        client.pass_(password)
    except poplib.error_proto:
        client.close()
        raise
    return client


def refused(server, name, password):
    """Why a login by POP3 is refused."""
    try:
        pop(server, name, password).quit()
    except poplib.error_proto as error:
        return error.args[0]
    raise AssertionError(f"{name!r} logged in with {password!r}")


def plain(server, name, password, prefix=""):
    """The code of AUTH PLAIN by SMTP; smtplib's own login() sends ASCII only."""
    response = base64.b64encode(f"{prefix}\0{name}\0{password}".encode()).decode()
    with smtplib.SMTP_SSL(server.address, server.ports["smtps"], "client.test", context=tls_context()) as client:
        client.ehlo()
        return client.docmd("AUTH", f"PLAIN {response}")[0]


def wmail(server, *words, input, status=0):
    result = subprocess.run(
        [f"{os.environ['WMAIL_BIN']}/wmail", *words, "--root", server.root], input=input.encode(),
        capture_output=True, timeout=60)
    expect_equal(result.returncode, status, f"wmail {words}: {result.stdout} {result.stderr}")
    return (result.stdout + result.stderr).decode()


def never_blocked(config):
    config["wMailServerSettings"]["ipMaxPwdTry"] = 1000


def test_spellings_by_pop3_and_smtp():
    # Kept composed and plain, kept decomposed and plain, kept as the hash of what is composed.
    users = {
        COMPOSED[0]: user(COMPOSED[1]), "plain": user(DECOMPOSED[1]),
        "hashed": user(crypt.crypt(COMPOSED[1], crypt.METHOD_SHA512)),
    }
    with Server(users=users, config=never_blocked) as server:
        for name in (COMPOSED[0], DECOMPOSED[0], WIDE[0], NAME.upper(), f"{DECOMPOSED[0]}@EXAMPLE.test"):
            for word in (COMPOSED[1], DECOMPOSED[1], WIDE[1]):
                expect_equal(pop(server, name, word).stat()[0], 0, f"messages of {name!r} with {word!r}")
                expect_equal(plain(server, name, word), 235, f"AUTH PLAIN of {name!r} with {word!r}")
        for name in ("plain", "hashed"):
            for word in (COMPOSED[1], DECOMPOSED[1], WIDE[1]):
                pop(server, name, word).quit()
        expect_equal(plain(server, *DECOMPOSED, prefix=DECOMPOSED[0]), 235, "with an identity to act as")
        for name, word in ((COMPOSED[0], "gruße 100%"), ("jurgen", COMPOSED[1])):
            expect(b"[AUTH]" in refused(server, name, word), f"{name} with {word}")
            expect_equal(plain(server, name, word), 535, f"AUTH PLAIN of {name} with {word}")


def test_what_another_program_hashed_as_it_was_typed():
    with Server(users={"old": user(crypt.crypt(DECOMPOSED[1], crypt.METHOD_SHA512))}, config=never_blocked) as server:
        # What is prepared alike was not what was hashed; that it was refused must not be remembered of the other.
        refused(server, "old", COMPOSED[1])
        pop(server, "old", DECOMPOSED[1]).quit()
        expect_equal(plain(server, "old", DECOMPOSED[1]), 235, "AUTH PLAIN")
        refused(server, "old", WIDE[1])


def test_what_can_be_no_password_is_a_wrong_one():
    users = {COMPOSED[0]: user(COMPOSED[1]), "bell\ue000": user("secret"), "dora": user(PROHIBITED[0])}
    with Server(users=users, config=never_blocked) as server:
        server.wait_for_log("event=accounts.name-unusable")
        server.wait_for_log("event=accounts.password-unhashed group=default user=dora")
        expect_equal(plain(server, "bell\ue000", "secret"), 535, "a name that nobody can have")
        expect_equal(plain(server, "dora", PROHIBITED[0]), 535, "a password that nobody can have")
        usual = refused(server, COMPOSED[0], "wrong")
        authd = server.workers()["authd"]
        for word in (*PROHIBITED, "\u00ad", "ü" * 300):
            for name in (COMPOSED[0], "nemo", "nemo\ue000"):
                # A line of POP3 has 255 octets (RFC 2449 §4).
                if len(word) < 100:
                    expect_equal(refused(server, name, word), usual, f"{name!r} with {word!r}")
                expect_equal(plain(server, name, word), 535, f"AUTH PLAIN of {name!r} with {word!r}")
        pop(server, *COMPOSED).quit()
        expect_equal(server.workers()["authd"], authd, "authd")


def test_wmail_keeps_what_is_prepared():
    with Server() as server:
        wmail(server, "user", "add", DECOMPOSED[0], "--password-stdin", input=DECOMPOSED[1] + "\n")
        with open(f"{server.root}/usermanager/default/group.json") as file:
            expect(f'"{COMPOSED[0]}"' in file.read(), "the name is kept composed")
        # The file is looked at once a second.
        eventually(lambda: plain(server, *COMPOSED) == 235, "the new user logs in")
        pop(server, *COMPOSED).quit()
        wmail(server, "user", "passwd", COMPOSED[0], "--password-stdin", input="anders, ü\u0308ber\n")
        said = wmail(
            server, "user", "passwd", COMPOSED[0], "--password-stdin", input=f"anderes {PROHIBITED[0]}\n", status=1)
        expect("private use" in said, said)
        said = wmail(server, "user", "add", "nemo\ue000", "--generate", input="", status=1)
        expect("a user's name cannot have" in said, said)
