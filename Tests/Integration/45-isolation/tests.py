# SPDX-License-Identifier: Apache-2.0
"""What code that has taken a worker over could do: each forbidden thing, tried from inside the worker that is shipped.

The table in docs/security.md, "A worker that was taken over", says the same in words.
"""

import errno
import os
import struct

from harness import Server, Skip, expect, messages, needs_root
from harness.injection import Possessed, supported

READ, WRITE, LIST = os.O_RDONLY, os.O_WRONLY, os.O_RDONLY | os.O_DIRECTORY
REFUSED = {-errno.EPERM, -errno.EACCES}
# Beyond what every worker may: nothing. Each name is a thing that `attempts` tries.
ALLOWED = {
    "smtpd": set(),
    "pop3d": {"read a message in a mailbox", "list a mailbox"},
    "relayd": {"read a message in a mailbox", "list a mailbox", "list the queue", "read a held message"},
    "transmit": {"list what waits for other servers", "make a socket", "read a held message"},
    "authd": {"read password hashes"},
}


def attempts(server, mail, entry, sibling):
    """Names of things and the calls that do them."""
    root, programs = server.root, os.environ["WMAIL_BIN"]
    ip = struct.pack("!HH4s8x", 2, 25, bytes([127, 0, 0, 1]))
    yield "read a message in a mailbox", ("open", mail, READ)
    yield "list a mailbox", ("open", os.path.dirname(mail), LIST)
    yield "read password hashes", ("open", f"{root}/usermanager/default/group.json", READ)
    yield "list the queue", ("open", f"{root}/queue/local", LIST)
    yield "read a held message", ("open", entry, READ)
    yield "list what waits for other servers", ("open", f"{root}/queue/relay", LIST)
    yield "read the configuration", ("open", f"{root}/config/config.json", READ)
    yield "read a private key", ("open", f"{root}/config/ssl/key.pem", READ)
    yield "read /etc/passwd", ("open", "/etc/passwd", READ)
    yield "read /etc/shadow", ("open", "/etc/shadow", READ)
    yield "list the folder above", ("open", root, LIST)
    yield "write its own program", ("open", f"{programs}/smtpd", WRITE)
    yield "write the configuration", ("open", f"{root}/config/config.json", WRITE)
    yield "make a file elsewhere", ("open", "/tmp/taken-over", WRITE | os.O_CREAT, 0o600)
    yield "make a set-user program", ("open", f"{root}/queue/tmp/taken-over", WRITE | os.O_CREAT, 0o4755)
    yield "make a socket", ("socket", 2, 1, 0)
    yield "connect its control socket elsewhere", ("connect", 3, ip, len(ip))
    yield "start a shell", ("execve", "/bin/sh", 0, 0)
    yield "start a process", ("fork",)
    yield "trace a sibling", ("ptrace", 16, sibling, 0, 0)
    yield "read a sibling's memory", ("process_vm_readv", sibling, 0, 0, 0, 0, 0)
    yield "kill a sibling", ("kill", sibling, 9)
    yield "find a sibling", ("pidfd_open", sibling, 0)
    yield "become root", ("setuid", 0)
    yield "map memory that can be executed", ("mmap", 0, 4096, 7, 0x22, -1, 0)
    yield "leave its namespaces", ("unshare", 0x10000000)
    yield "mount", ("mount", "none", "/tmp", "tmpfs", 0, 0)
    yield "load a filter program", ("bpf", 0, 0, 0)
    yield "go around by io_uring", ("io_uring_setup", 1, 0)


@needs_root
def test_a_worker_that_was_taken_over():
    if not supported():
        raise Skip("needs x86-64")
    with Server() as server:
        server.send(messages.simple("secret"))
        (mail,) = server.wait_for_mail("alice")
        workers = {name: pids[0] for name, pids in server.workers().items() if pids}
        expect(set(ALLOWED) >= set(workers), f"a worker that the table does not know: {workers}")
        # An entry that the operator holds back stands for those that wait, as nobody delivers it meanwhile.
        held = f"{server.root}/queue/hold/waiting"
        os.link(mail, held)
        wrong = []
        for name, pid in workers.items():
            sibling = next(other for other in workers.values() if other != pid)
            with Possessed(pid) as worker:
                # The method itself works, or every refusal below would mean nothing.
                expect(worker.call("getpid") == pid, "calls are made in the worker")
                for thing, call in attempts(server, mail, held, sibling):
                    if name == "transmit" and call[0] == "connect":
                        continue  # Sockets are its trade.
                    result = worker.call(*call)
                    worked = result >= 0
                    if worked and call[0] in ("open", "socket"):
                        worker.call("close", result)
                    if worked != (thing in ALLOWED[name]):
                        wrong.append(f"{name}: {thing}: {result}")
                    elif not worked and result not in REFUSED:
                        wrong.append(f"{name}: {thing}: failed for another reason: {os.strerror(-result)}")
        expect(not wrong, "\n".join(wrong))
        expect(not os.path.exists("/tmp/taken-over"), "a file was made outside")
        # They have not noticed, and serve on.
        server.send(messages.simple("after"))
        server.wait_for_mail("alice", 2)
        expect({name: pids[0] for name, pids in server.workers().items() if pids} == workers, "a worker has died")
