# SPDX-License-Identifier: Apache-2.0
"""Messages to send, and what of a fetched one is the server's and what the sender's."""

import glob
import re

CORPUS = "/usr/lib/python3.11/test/test_email/data/msg_*.txt"


def crlf(data):
    """With CRLF at the end of every line, as SMTP sends it."""
    data = re.sub(rb"\r\n|\r|\n", b"\r\n", data)
    return data if data.endswith(b"\r\n") else data + b"\r\n"


def simple(subject="test", body=b"Hello.\r\n", sender="outside@elsewhere.test", to="alice@example.test"):
    """A short message."""
    head = (f"From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\nDate: Tue, 24 Nov 2026 10:00:00 +0000\r\n"
            f"Message-ID: <{subject.replace(' ', '.')}@client.test>\r\n\r\n")
    return head.encode() + body


def corpus():
    """Name and contents of CPython's own e-mail test data."""
    found = []
    for path in sorted(glob.glob(CORPUS)):
        with open(path, "rb") as file:
            found.append((path.rsplit("/", 1)[1], crlf(file.read())))
    return found


def nasty():
    """Name and contents of messages that servers have stumbled over."""
    every_octet = bytes(octet for octet in range(1, 256) if octet not in b"\r\n")
    return [
        ("eight bits", simple("eight bits", "Grüße, 你好\r\n".encode() + b"\xff\xfe\x80\r\n")),
        ("latin 1 in the header", b"From: a@elsewhere.test\r\nSubject: \xe4\xf6\xfc\r\n\r\nx\r\n"),
        ("every octet", simple("every octet", every_octet + b"\r\n")),
        ("leading dots", simple("dots", b".\r\n..\r\n...\r\n.hidden\r\n.\r\n\r\n.\r\n")),
        ("only a dot", simple("dot", b".\r\n")),
        ("dot after a long line", simple("long dot", b"x" * 998 + b"\r\n.\r\n" + b"." * 998 + b"\r\n")),
        ("lines of 998 octets", simple("long lines", (b"y" * 998 + b"\r\n") * 50)),
        ("no line break at the end", simple("no end", b"the last line has no end")),
        ("no body", b"From: a@elsewhere.test\r\nSubject: no body\r\n\r\n"),
        ("no blank line", b"From: a@elsewhere.test\r\nSubject: no blank line\r\n"),
        ("no header", b"\r\nonly a body\r\n"),
        ("body that looks like a header", b"this is no header\r\nReceived: not a trace field\r\n\r\nx\r\n"),
        ("mbox lines", simple("mbox", b"From someone else\r\n>From quoted\r\nFrom \r\n")),
        ("many short lines", simple("short", b"\r\n" * 20_000)),
        ("16 KiB without a line end at a buffer's edge", simple("edge", (b"z" * 990 + b"\r\n") * 70)),
        ("ends with empty lines", simple("empty lines", b"x\r\n\r\n\r\n\r\n")),
        ("tabs and spaces at line ends", simple("spaces", b"x \t \r\n \r\n\t\r\n")),
        ("NUL in the body", simple("nul", b"a\x00b\r\n")),
        ("its own trace fields", b"Return-Path: <x@y.test>\r\nReceived: from a by b; Tue, 24 Nov 2026 10:00:00 +0000"
         b"\r\nFrom: a@elsewhere.test\r\n\r\nx\r\n"),
    ]


def big(megabytes=20):
    """A message of so many MiB, each line another."""
    line = 0
    parts = [simple("big", b"")]
    size = len(parts[0])
    while size < megabytes << 20:
        text = b"%08d %s\r\n" % (line, b"0123456789abcdef" * 4)
        parts.append(text)
        size += len(text)
        line += 1
    return b"".join(parts)


_FIELD = rb"%s:[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*"


def split_trace(stored):
    """The trace fields that the server wrote first, and the rest."""
    match = re.match(_FIELD % rb"Return-Path" + _FIELD % rb"Received", stored)
    if not match:
        raise AssertionError(f"no trace fields: {stored[:300]!r}")
    return stored[:match.end()], stored[match.end():]


def without_trace(stored):
    return split_trace(stored)[1]
