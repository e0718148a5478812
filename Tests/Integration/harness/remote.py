# SPDX-License-Identifier: Apache-2.0
"""Other hosts: a mail server that does as it is told, and a name server with a zone of names that do not exist."""

import base64
import os
import re
import socket
import socketserver
import ssl
import struct
import threading

from .outcome import eventually

PORT = 2626


def address(number):
    """A loopback address of this test process alone, the number from 0."""
    pid = os.getpid()
    return f"127.{128 + number}.{pid >> 8 & 255}.{pid & 255}"


class Session:
    """What a rule is told of a connection."""

    def __init__(self, server, connection, number):
        self.server = server
        self.connection = connection
        self.number = number
        self.secure = False
        self.login = None
        self.hello = None
        self.sender = None
        self.recipients = []
        self.commands = []
        self.file = connection.makefile("rb")

    def send(self, text):
        self.connection.sendall(text if isinstance(text, bytes) else text.encode())


class Close(Exception):
    """Raised by a rule: hang up at once."""


class RemoteServer:
    """
    An SMTP server on threads. As a context manager it serves.

    rule(session, stage, argument) is called before each reply; the stage is "greeting", a command's verb, or "." for
    the end of a message. It returns None for what a good server says, text to say instead, or raises Close.
    """

    EXTENSIONS = ("PIPELINING", "SIZE 20000000", "8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES")

    def __init__(self, address, port=PORT, rule=None, extensions=EXTENSIONS, certificate=None, implicit=False,
                 users=None, mechanisms="PLAIN LOGIN"):
        """
        certificate: the folder of cert.pem and key.pem; offers STARTTLS, or with implicit has TLS from the first octet.
        users: names with passwords; then AUTH is offered under TLS, and MAIL needs it.
        """
        self.address, self.port = address, port
        self.rule = rule or (lambda session, stage, argument: None)
        self.extensions = list(extensions)
        self.users, self.mechanisms = users, mechanisms
        self.implicit = implicit
        self.context = None
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(f"{certificate}/cert.pem", f"{certificate}/key.pem")
        # Of each message that was answered with 250: session, sender, recipients (with parameters), content.
        self.messages = []
        self.sessions = []
        self.open = 0
        self.most_open = 0
        self.lock = threading.Lock()
        self.listener = None

    def __enter__(self):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((self.address, self.port))
        self.listener.listen(200)
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()
        return self

    def __exit__(self, *_):
        if self.listener:
            # shutdown, because close alone does not wake who waits in accept.
            self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()
            self.listener = None

    def wait_for(self, count, seconds=15):
        """Waits for so many messages and returns them."""
        eventually(lambda: len(self.messages) >= count, f"{count} messages (there are {len(self.messages)})", seconds)
        return self.messages

    def _accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        connection.settimeout(60)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self.lock:
            self.open += 1
            self.most_open = max(self.most_open, self.open)
        session = None
        try:
            if self.implicit:
                connection = self.context.wrap_socket(connection, server_side=True)
            session = Session(self, connection, len(self.sessions))
            session.secure = self.implicit
            self.sessions.append(session)
            self._talk(session)
        except (Close, OSError, ValueError):
            pass
        finally:
            with self.lock:
                self.open -= 1
            try:
                # The session's file would keep the socket open.
                (session.connection if session else connection).shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            (session.connection if session else connection).close()

    def _say(self, session, stage, argument, good):
        said = self.rule(session, stage, argument)
        if said is None:
            said = good
        if isinstance(said, str):
            said = said.replace("\n", "\r\n") + "\r\n"
        session.send(said)
        return bytes(said[:1], "ascii") if isinstance(said, str) else said[:1]

    def _talk(self, session):
        self._say(session, "greeting", "", "220 remote.test ESMTP")
        while line := session.file.readline(65536):
            text = line.rstrip(b"\r\n").decode("utf-8", "surrogateescape")
            session.commands.append(text)
            verb, _, argument = text.partition(" ")
            verb = verb.upper()
            getattr(self, f"_{verb.lower()}", self._unknown)(session, verb, argument)
            if verb == "QUIT":
                return

    def _unknown(self, session, verb, argument):
        self._say(session, verb, argument, "502 5.5.1 what?")

    def _ehlo(self, session, verb, argument):
        session.hello = argument
        words = list(self.extensions)
        if self.context and not session.secure:
            words.append("STARTTLS")
        if self.users and session.secure:
            words.append(f"AUTH {self.mechanisms}")
        lines = ["remote.test", *words]
        reply = "\n".join(f"250{'-' if line is not lines[-1] else ' '}{line}" for line in lines)
        self._say(session, verb, argument, reply)

    def _helo(self, session, verb, argument):
        session.hello = argument
        self._say(session, verb, argument, "250 remote.test")

    def _starttls(self, session, verb, argument):
        if self._say(session, verb, argument, "220 2.0.0 go") == b"2":
            session.connection = self.context.wrap_socket(session.connection, server_side=True)
            session.file = session.connection.makefile("rb")
            session.secure = True

    def _auth(self, session, verb, argument):
        def ask(text):
            session.send(f"334 {text}\r\n")
            return base64.b64decode(session.file.readline().strip())
        mechanism, _, first = argument.partition(" ")
        if mechanism == "PLAIN":
            _, user, password = (base64.b64decode(first) if first else ask("")).split(b"\0")
        else:
            user, password = ask("VXNlcm5hbWU6"), ask("UGFzc3dvcmQ6")
        good = self.users.get(user.decode()) == password.decode()
        if good:
            session.login = user.decode()
        self._say(session, verb, argument, "235 2.7.0 welcome" if good else "535 5.7.8 no")

    def _mail(self, session, verb, argument):
        if self.users and not session.login:
            self._say(session, verb, argument, "530 5.7.0 log in first")
            return
        session.sender, session.recipients = None, []
        if self._say(session, verb, argument, "250 2.1.0 ok") == b"2":
            session.sender = argument

    def _rcpt(self, session, verb, argument):
        good = "250 2.1.5 ok" if session.sender else "503 5.5.1 MAIL first"
        if self._say(session, verb, argument, good) == b"2":
            session.recipients.append(argument)

    def _data(self, session, verb, argument):
        good = "354 go" if session.recipients else "503 5.5.1 nobody"
        if self._say(session, verb, argument, good) != b"3":
            return
        content = []
        while (line := session.file.readline(1 << 20)) != b".\r\n":
            if not line:
                raise Close
            content.append(line[1:] if line.startswith(b".") else line)
        message = (session, session.sender, list(session.recipients), b"".join(content))
        # Recorded before it is answered, as a server that takes responsibility must.
        said = self.rule(session, ".", message[3])
        if said is None or str(said).startswith("2"):
            with self.lock:
                self.messages.append(message)
        said = said or "250 2.0.0 taken"
        session.send(said.replace("\n", "\r\n") + "\r\n")

    def _rset(self, session, verb, argument):
        session.recipients = []
        self._say(session, verb, argument, "250 2.0.0 ok")

    def _noop(self, session, verb, argument):
        self._say(session, verb, argument, "250 2.0.0 ok")

    def _quit(self, session, verb, argument):
        self._say(session, verb, argument, "221 2.0.0 bye")


def addresses(words):
    """The addresses in RCPT arguments."""
    return [re.search("<(.*?)>", word).group(1) for word in words]


class NameServer:
    """
    A name server over UDP and TCP. The zone has for each name a dictionary of records by type, such as
    {"MX": [(10, "mx.b.test")], "A": ["127.0.0.2"], "CNAME": "c.test"}, or "SERVFAIL", or "silent"; names that
    are not there do not exist.
    """

    TYPES = {1: "A", 5: "CNAME", 12: "PTR", 15: "MX", 16: "TXT", 28: "AAAA"}

    def __init__(self, address, zone, port=5353):
        self.address, self.port, self.zone = address, port, zone
        self.questions = []

    def __enter__(self):
        server = self

        class OverUDP(socketserver.BaseRequestHandler):
            def handle(self):
                query, sock = self.request
                answer = server.answer(query)
                if answer:
                    if len(answer) > 1232:
                        answer = answer[:2] + bytes([answer[2] | 2]) + answer[3:12]
                        answer = answer[:6] + bytes(6) + query[12:]
                        answer = answer[:4] + query[4:6] + answer[6:]
                    sock.sendto(answer, self.client_address)

        class OverTCP(socketserver.StreamRequestHandler):
            def handle(self):
                size = struct.unpack("!H", self.rfile.read(2))[0]
                answer = server.answer(self.rfile.read(size))
                self.wfile.write(struct.pack("!H", len(answer)) + answer)

        socketserver.ThreadingTCPServer.allow_reuse_address = True
        self.servers = [
            socketserver.ThreadingUDPServer((self.address, self.port), OverUDP),
            socketserver.ThreadingTCPServer((self.address, self.port), OverTCP),
        ]
        for each in self.servers:
            each.daemon_threads = True
            threading.Thread(target=each.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        for each in self.servers:
            each.shutdown()
            each.server_close()

    def answer(self, query):
        """The octets of an answer; None for none."""
        number, = struct.unpack("!H", query[:2])
        labels, position = [], 12
        while query[position]:
            labels.append(query[position + 1:position + 1 + query[position]].decode().lower())
            position += 1 + query[position]
        kind, = struct.unpack("!H", query[position + 1:position + 3])
        question = query[12:position + 5]
        name, kind = ".".join(labels), self.TYPES.get(kind, "?")
        self.questions.append((name, kind))
        code, records = 0, []
        entry = self.zone.get(name)
        if entry == "silent":
            return None
        if entry == "SERVFAIL":
            code = 2
        elif entry is None:
            code = 3
        else:
            while "CNAME" in entry:
                records.append((name, "CNAME", entry["CNAME"]))
                name = entry["CNAME"]
                entry = self.zone.get(name, {})
            records += [(name, kind, value) for value in entry.get(kind, [])]
        body = b"".join(self._record(*record) for record in records)
        return struct.pack("!6H", number, 0x8180 | code, 1, len(records), 0, 0) + question + body

    @staticmethod
    def _name(name):
        labels = [label for label in name.split(".") if label]
        return b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"

    def _record(self, name, kind, value):
        if kind == "MX":
            data = struct.pack("!H", value[0]) + self._name(value[1])
        elif kind in ("CNAME", "PTR"):
            data = self._name(value)
        elif kind == "TXT":
            data = bytes([len(value)]) + value.encode()
        else:
            data = socket.inet_pton(socket.AF_INET if kind == "A" else socket.AF_INET6, value)
        number = {name: number for number, name in self.TYPES.items()}[kind]
        return self._name(name) + struct.pack("!HHIH", number, 1, 60, len(data)) + data
