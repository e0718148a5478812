# SPDX-License-Identifier: Apache-2.0
"""A client on the other host: sends and fetches over TLS, and loads the server from several threads."""

import poplib
import random
import smtplib
import socket
import ssl
import threading
import time

from machine import Network

DOMAIN = "host.test"
PASSWORD = "correct horse battery"
USERS = ["alice", "bob"]


def message(subject, sender="probe@elsewhere.test", to=f"alice@{DOMAIN}", size=2000):
    line = "0123456789 " * 6 + "\r\n"
    return (f"From: <{sender}>\r\nTo: <{to}>\r\nSubject: {subject}\r\n\r\n" + line * (size // len(line))).encode()


def context(certificate):
    """Trusts that certificate alone, and looks at the name."""
    return ssl.create_default_context(cafile=certificate)


def connect(address, port, seconds=20):
    return socket.create_connection((address, port), timeout=seconds)


class SMTP(smtplib.SMTP):
    """To an address, with the certificate checked for the domain."""

    def __init__(self, address, port, tls=None, implicit=False, seconds=20):
        self._tls, self._implicit = tls, implicit
        super().__init__(timeout=seconds, local_hostname="client.test")
        self._host = DOMAIN
        self.connect(address, port)
        if tls and not implicit:
            self.starttls(context=tls)

    def _get_socket(self, host, port, timeout):
        plain = connect(host, port, timeout)
        return self._tls.wrap_socket(plain, server_hostname=DOMAIN) if self._implicit else plain


class POP3(poplib.POP3):
    def __init__(self, address, port, tls, implicit):
        self._tls, self._implicit = tls, implicit
        super().__init__(address, port, timeout=20)
        if not implicit:
            self.host = DOMAIN
            self.stls(context=tls)

    def _create_socket(self, timeout):
        plain = connect(self.host, self.port, timeout)
        return self._tls.wrap_socket(plain, server_hostname=DOMAIN) if self._implicit else plain


def fetch(address, port, tls, implicit, user):
    """All messages of a mailbox by unique id."""
    box = POP3(address, port, tls, implicit)
    box.user(user)
    box.pass_(PASSWORD)
    found = {}
    for line in box.uidl()[1]:
        number, uid = line.decode().split()
        found[uid] = b"\r\n".join(box.retr(number)[1])
    box.quit()
    return found


class Load:
    """Threads that send message after message until told to stop, each on sessions of some messages."""

    def __init__(self, address, threads=6, port=25, per_session=5, size=2000):
        self.address, self.port, self.per_session, self.size = address, port, per_session, size
        self.acknowledged, self.refused, self.cut, self.turned_away = [], [], [], []
        self._running = True
        self._lock = threading.Lock()
        self._mark = f"{random.getrandbits(32):08x}"
        self._threads = [threading.Thread(target=self._work, args=(n,), daemon=True) for n in range(threads)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self._running = False
        for thread in self._threads:
            thread.join(60)

    def abandon(self):
        """The other side is dead: do not wait for the threads."""
        self._running = False

    def _work(self, number):
        Network.enter()
        count = 0
        while self._running:
            try:
                link = SMTP(self.address, self.port, seconds=30)
            except ConnectionRefusedError as error:
                self._note(self.refused, error)
                time.sleep(0.05)
                continue
            except (OSError, smtplib.SMTPException) as error:
                self._note(self.cut, error)
                time.sleep(0.05)
                continue
            try:
                for _ in range(self.per_session):
                    if not self._running:
                        break
                    count += 1
                    subject = f"{self._mark}-{number}-{count}"
                    link.sendmail("probe@elsewhere.test", [f"alice@{DOMAIN}"], message(subject, size=self.size))
                    self._note(self.acknowledged, subject)
                link.quit()
            except smtplib.SMTPResponseException as error:
                self._note(self.turned_away if error.smtp_code == 421 else self.cut, error)
            except (OSError, smtplib.SMTPException) as error:
                self._note(self.cut, error)

    def _note(self, where, what):
        with self._lock:
            where.append(what)
