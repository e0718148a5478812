# SPDX-License-Identifier: Apache-2.0
"""Senders that go on whatever happens to the server, and remember what was acknowledged."""

import hashlib
import smtplib
import threading
import time

from . import messages


class Load:
    """Some threads that send numbered, checksummed messages until told to stop."""

    def __init__(self, server, threads=4, to=("alice@example.test",), name="load", octets=4096, **how):
        self.server = server
        self.to = list(to)
        self.name = name
        self.octets = octets
        self.how = how
        self.acknowledged = []
        self.refused = []
        self.failures = 0
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._send, args=(number,), daemon=True) for number in range(threads)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def _send(self, thread):
        number = 0
        client = None
        while not self._stop.is_set():
            tag = f"{self.name}-{thread}-{number}"
            number += 1
            try:
                if client is None:
                    client = self.server.smtp(timeout=20, **self.how)
                client.sendmail("outside@elsewhere.test", self.to, message(tag, self.octets))
                with self._lock:
                    self.acknowledged.append(tag)
            except (smtplib.SMTPDataError, smtplib.SMTPSenderRefused, smtplib.SMTPRecipientsRefused) as refusal:
                with self._lock:
                    self.refused.append(refusal)
                time.sleep(0.05)
            except (OSError, smtplib.SMTPException):
                client = None
                with self._lock:
                    self.failures += 1
                time.sleep(0.01)

    def wait_for(self, count, seconds=30):
        """Waits until so many more messages are acknowledged."""
        goal = len(self.acknowledged) + count
        deadline = time.monotonic() + seconds
        while len(self.acknowledged) < goal:
            if time.monotonic() > deadline:
                raise AssertionError(
                    f"{len(self.acknowledged)} messages acknowledged, not {goal}; {self.failures} connections "
                    f"failed; refused: {self.refused[-1:]}")
            time.sleep(0.01)


def message(tag, octets=4096):
    """A message whose subject names it and the checksum of its body."""
    line = hashlib.sha256(tag.encode()).hexdigest().encode() + b"\r\n"
    body = line * max(1, octets // len(line))
    return messages.simple(f"{tag} {hashlib.sha256(body).hexdigest()}", body)


def whole_tag(stored):
    """The tag of a stored message, once its body has proved whole."""
    header, _, body = stored.partition(b"\r\n\r\n")
    subject = next(line for line in header.split(b"\r\n") if line.startswith(b"Subject: "))
    _, tag, checksum = subject.split(b" ")
    if hashlib.sha256(body).hexdigest().encode() != checksum:
        raise AssertionError(f"{tag.decode()} is not whole: {len(body)} octets of body")
    return tag.decode()


def expect_all_there(server, acknowledged, user="alice"):
    """Each acknowledged message lies once in the mailbox; every message there is whole, none is there twice."""
    found = []
    for path in server.mailbox(user):
        with open(path, "rb") as file:
            found.append(whole_tag(file.read()))
    missing = sorted(set(acknowledged) - set(found))
    if missing:
        raise AssertionError(f"{len(missing)} of {len(acknowledged)} acknowledged messages are lost: {missing[:5]}")
    twice = sorted({tag for tag in found if found.count(tag) > 1}) if len(set(found)) < len(found) else []
    if twice:
        raise AssertionError(f"{len(twice)} messages came twice: {twice[:5]}")
