# SPDX-License-Identifier: Apache-2.0
"""Who runs as whom, what each can reach, and how the processes start, reload and end."""

import os
import pwd
import signal
import socket
import ssl
import subprocess
import threading
import time

from harness import PASSWORD, Server, eventually, expect, expect_equal, make_certificate, needs_root, needs_tool
from harness import messages
from harness.processes import status
from harness.server import PROGRAMS

USERS = {"smtpd": "wmail-smtp", "pop3d": "wmail-pop", "authd": "wmail-auth", "relayd": "wmail-mail",
         "transmit": "wmail-relay"}


# Identities

@needs_root
def test_each_worker_runs_as_its_own_user_without_any_capability():
    with Server() as server:
        workers = server.workers()
        for program in PROGRAMS:
            expect(workers[program], f"{program} runs")
            for pid in workers[program]:
                facts = status(pid)
                user = str(pwd.getpwnam(USERS[program]).pw_uid)
                expect_equal(facts["Uid"].split(), [user] * 4, f"users of {program}")
                expect("0" not in facts["Gid"].split() + facts["Groups"].split(), f"{program} is in root's group")
                for kind in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
                    expect_equal(int(facts[kind], 16), 0, f"{kind} of {program}")
                expect_equal(facts["NoNewPrivs"], "1", f"NoNewPrivs of {program}")
                expect_equal(facts["Seccomp"], "2", f"Seccomp of {program}")
        users = [status(pid)["Uid"].split()[0] for pids in workers.values() for pid in pids]
        expect_equal(len({status(pids[0])["Uid"] for pids in workers.values()}), 5, f"different users {users}")


@needs_root
def test_master_keeps_three_capabilities():
    with Server() as server:
        facts = status(server.master.pid)
        expect_equal(facts["Uid"].split(), [str(pwd.getpwnam("wmail").pw_uid)] * 4, "master's users")
        setuid, setgid, kill = 1 << 7, 1 << 6, 1 << 5
        for kind in ("CapEff", "CapPrm"):
            extra = int(facts[kind], 16) & ~(setuid | setgid | kill)
            expect_equal(extra, 0, f"{kind} of master beyond CAP_SETUID, CAP_SETGID, CAP_KILL")


@needs_root
def test_no_worker_holds_a_descriptor_that_it_should_not_have():
    """No worker has inherited another's listening sockets, a configuration file or a terminal."""
    with Server() as server:
        for program, pids in server.workers().items():
            for pid in pids:
                for number in os.listdir(f"/proc/{pid}/fd"):
                    try:
                        target = os.readlink(f"/proc/{pid}/fd/{number}")
                    except FileNotFoundError:
                        continue
                    expect("config" not in target, f"{program} has {target} open")
                    expect("group.json" not in target or program == "authd", f"{program} has {target} open")


# What each can reach

def as_worker(pid, *words):
    """Runs a command with exactly the users and groups of a worker; returns whether it worked, and its words."""
    facts = status(pid)
    groups = facts["Groups"].split()
    done = subprocess.run(
        ["setpriv", "--reuid", facts["Uid"].split()[1], "--regid", facts["Gid"].split()[1],
         *(["--groups", ",".join(groups)] if groups else ["--clear-groups"]), "--no-new-privs",
         "--inh-caps=-all", "--bounding-set=-all", *words],
        capture_output=True, timeout=10, cwd="/")
    return done.returncode == 0, (done.stdout + done.stderr).decode(errors="replace")


def expect_refused(pid, *words):
    worked, output = as_worker(pid, *words)
    expect(not worked, f"{' '.join(words)} worked: {output[:200]}")
    expect("ermission denied" in output, f"{' '.join(words)} failed for another reason: {output}")


def expect_works(pid, *words):
    worked, output = as_worker(pid, *words)
    expect(worked, f"{' '.join(words)} was refused: {output}")


@needs_root
@needs_tool("setpriv")
def test_what_each_worker_can_reach():
    with Server() as server:
        server.send(messages.simple("secret"))
        (mail,) = server.wait_for_mail("alice")
        server.wait_for_log("ready")
        workers = {program: pids[0] for program, pids in server.workers().items()}
        group = f"{server.root}/usermanager/default/group.json"
        key = f"{server.root}/config/ssl/key.pem"
        # Somebody's message that waits in the queue.
        os.kill(workers["relayd"], signal.SIGSTOP)
        server.send(messages.simple("waiting"), to="bob@example.test")
        local = f"{server.root}/queue/local"
        (entry,) = [f"{local}/{name}" for name in os.listdir(local)]

        # Nobody but authd reads passwords, and nobody at all writes the configuration or reads keys.
        for program in ("smtpd", "pop3d", "relayd", "transmit"):
            expect_refused(workers[program], "cat", group)
        expect_works(workers["authd"], "cat", group)
        for program, pid in workers.items():
            expect_refused(pid, "cat", key)
            expect_refused(pid, "cat", f"{server.root}/config/config.json")
            expect_refused(pid, "touch", f"{server.root}/config/new")
            expect_refused(pid, "touch", f"{server.root}/new")

        # smtpd reaches no mailbox, and in the queue neither lists nor removes.
        expect_refused(workers["smtpd"], "cat", mail)
        expect_refused(workers["smtpd"], "ls", server.maildir("alice"))
        expect_refused(workers["smtpd"], "ls", local)
        expect_refused(workers["smtpd"], "ls", f"{server.root}/queue/tmp")
        # pop3d and authd cannot enter the queue at all.
        for program in ("pop3d", "authd"):
            expect_refused(workers[program], "ls", f"{server.root}/queue")
            expect_refused(workers[program], "ls", local)
            expect_refused(workers[program], "cat", entry)
            expect_refused(workers[program], "touch", f"{local}/new")
        expect_works(workers["pop3d"], "cat", mail)
        # relayd transmit reaches no mailbox, and makes entries for local accounts without seeing those of others.
        for path in (server.maildir("alice"), local, f"{server.root}/queue/tmp"):
            expect_refused(workers["transmit"], "ls", path)
        expect_refused(workers["transmit"], "cat", mail)
        expect_works(workers["transmit"], "ls", f"{server.root}/queue/relay")
        expect_refused(workers["smtpd"], "ls", f"{server.root}/queue/relay")
        for program in ("pop3d", "authd"):
            expect_refused(workers[program], "ls", f"{server.root}/queue/relay")
        # authd has nothing to do with mail.
        expect_refused(workers["authd"], "cat", mail)
        expect_refused(workers["authd"], "ls", server.maildir("alice"))
        # Nobody but authd gets into the folder of the passwords to put another file there.
        for program in ("smtpd", "pop3d", "relayd", "transmit"):
            expect_refused(workers[program], "touch", f"{server.root}/usermanager/default/new")
        os.kill(workers["relayd"], signal.SIGCONT)
        server.wait_for_mail("bob")


@needs_root
@needs_tool("setpriv")
def test_other_users_of_the_host_reach_nothing():
    with Server() as server:
        server.send(messages.simple("secret"))
        (mail,) = server.wait_for_mail("alice")
        for path in (mail, f"{server.root}/usermanager/default/group.json", f"{server.root}/config/ssl/key.pem",
                     f"{server.root}/config/config.json"):
            done = subprocess.run(
                ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "cat", path],
                capture_output=True, timeout=10)
            expect(done.returncode != 0, f"nobody can read {path}")


def test_passwords_are_hashed_at_first_start():
    with Server() as server:
        def hashed():
            with open(f"{server.root}/usermanager/default/group.json") as file:
                text = file.read()
            return PASSWORD not in text and text
        text = eventually(hashed, "the passwords in group.json are hashed")
        expect_equal(text.count('"$y$'), 2, "yescrypt hashes in group.json")
        mode = os.stat(f"{server.root}/usermanager/default/group.json").st_mode & 0o777
        expect_equal(oct(mode), oct(0o600), "rights of group.json")
        server.pop("alice").quit()


# Start, reload, end

def test_sigterm_ends_within_five_seconds():
    with Server() as server:
        idle = server.smtp()
        with server.connect("pop3s"), server.connect("smtps"):
            idle.noop()
            workers = [pid for pids in server.workers().values() for pid in pids]
            started = time.monotonic()
            expect_equal(server.stop(6), 0, "master's exit status")
            seconds = time.monotonic() - started
            expect(seconds < 5, f"it took {seconds:.1f} s")
            expect(not any(os.path.exists(f"/proc/{pid}") for pid in workers), "all workers are gone")
        expect_equal(idle.getreply()[0], 421, "what the idle session hears")
        idle.close()


def test_a_message_under_way_is_finished_before_the_end():
    with Server() as server:
        client = server.smtp()
        client.mail("outside@elsewhere.test")
        client.rcpt("alice@example.test")
        client.putcmd("DATA")
        expect_equal(client.getreply()[0], 354, "reply to DATA")
        server.master.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        client.send(messages.simple("last") + b".\r\n")
        code = client.getreply()[0]
        expect_equal(server.master.wait(6), 0, "master's exit status")
        entries = [name for name in server.queue() if name.startswith("local/")] + server.mailbox()
        if code == 250:
            expect_equal(len(entries), 1, "where the acknowledged message lies")


def test_reload_cuts_no_session_and_refuses_no_connection():
    with Server() as server:
        old = server.smtp()
        old.mail("outside@elsewhere.test")
        mailbox = server.pop("bob")
        refused, greeted, stop = [], [0], threading.Event()

        def connect_again_and_again():
            while not stop.is_set():
                try:
                    with server.connect("smtp", timeout=5) as connection:
                        if connection.recv(3) == b"220":
                            greeted[0] += 1
                        else:
                            refused.append("no greeting")
                except OSError as error:
                    refused.append(repr(error))
                # Each connection leaves a port in TIME_WAIT.
                time.sleep(0.005)
        thread = threading.Thread(target=connect_again_and_again)
        thread.start()
        generations = [set(server.workers()["smtpd"])]
        try:
            for _ in range(3):
                server.reload()
                eventually(lambda: set(server.workers()["smtpd"]) - generations[-1], "new workers", 15)
                time.sleep(0.5)
                generations.append(set(server.workers()["smtpd"]))
        finally:
            stop.set()
            thread.join()
        expect(greeted[0] > 50, f"only {greeted[0]} connections were greeted")
        expect_equal(refused, [], f"refused, besides {greeted[0]} that were greeted")
        # The sessions from before go on where they were.
        expect_equal(old.rcpt("alice@example.test")[0], 250, "RCPT in the old session")
        expect_equal(old.data(messages.simple("after reload"))[0], 250, "end of data in the old session")
        old.quit()
        server.wait_for_mail("alice")
        expect_equal(mailbox.stat(), (0, 0), "STAT in the old session")
        mailbox.quit()
        # Those whose sessions have ended go.
        eventually(lambda: not generations[0] & set(server.workers()["smtpd"]), "the oldest workers are gone", 15)


def test_reload_takes_new_accounts_and_certificates():
    with Server() as server:
        def certificate():
            with server.connect("smtps") as connection:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                with context.wrap_socket(connection) as tls:
                    return tls.getpeercert(binary_form=True)
        before, older = certificate(), set(server.workers()["smtpd"])
        make_certificate(f"{server.root}.ssl")
        for name in ("cert.pem", "key.pem"):
            with open(f"{server.root}.ssl/{name}", "rb") as file:
                server.write(f"config/ssl/{name}", file.read())
        users = {name: {"password": PASSWORD, "permissions": ["receive"]} for name in ("alice", "carol")}
        server.write("usermanager/default/group.json", {"users": users, "bindDomains": ["example.test"]})
        server.reload()
        eventually(lambda: certificate() != before, "the new certificate is served", 15)
        # Until the new workers are all ready, the older ones accept beside them.
        eventually(lambda: not older & set(server.workers()["smtpd"]), "the older workers are gone", 15)
        server.send(messages.simple("to a new user"), to="carol@example.test")
        server.wait_for_mail("carol")


def test_reload_with_a_mistake_keeps_the_old_configuration():
    with Server(errors_allowed=True) as server:
        workers = server.workers()
        with open(f"{server.root}/config/config.json", "rb") as file:
            good = file.read()
        server.write("config/config.json", good.replace(b"SMTPServices", b"SMTPServises"))
        server.reload()
        server.wait_for_log("SMTPServises")
        time.sleep(0.5)
        expect_equal(server.workers(), workers, "the workers")
        server.send(messages.simple("still here"))
        server.wait_for_mail("alice")


def test_workers_end_when_master_is_killed():
    with Server(errors_allowed=True) as server:
        workers = [pid for pids in server.workers().values() for pid in pids]
        server.master.kill()
        server.master.wait(5)
        eventually(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in workers), "all workers are gone")
        server.start()
        server.send(messages.simple("again"))
        server.wait_for_mail("alice")


def test_a_worker_that_hangs_is_replaced():
    with Server(errors_allowed=True) as server:
        (pid,) = server.workers()["authd"]
        os.kill(pid, signal.SIGSTOP)
        eventually(lambda: server.workers()["authd"] not in ([pid], []), "a new authd", 45)
        server.pop("alice").quit()


def test_inherited_sockets_are_used():
    """As systemd passes them: descriptors from 3 on, LISTEN_PID and LISTEN_FDS."""
    with Server(start=False) as server:
        sockets = []
        for port in server.ports.values():
            listener = socket.socket()
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((server.address, port))
            listener.listen(64)
            sockets.append(listener)
        log = open(server.log_path, "ab")
        pid = os.fork()
        if pid == 0:
            # Above all targets first, so that none is overwritten.
            high = [os.dup2(listener.fileno(), 100 + index) for index, listener in enumerate(sockets)]
            for index, number in enumerate(high):
                os.dup2(number, 3 + index, inheritable=True)
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
            os.closerange(3 + len(sockets), 200)
            os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(sockets)))
            os.execv(server.command[0], server.command)
        for listener in sockets:
            listener.close()
        server.master = Adopted(pid)
        server.wait_until_ready()
        server.send(messages.simple("through an inherited socket"))
        server.wait_for_mail("alice")


class Adopted:
    """A process that was forked by hand, with what the harness needs of subprocess.Popen."""

    def __init__(self, pid):
        self.pid = pid
        self.returncode = None

    def poll(self):
        if self.returncode is None:
            pid, result = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(result)
        return self.returncode

    def wait(self, seconds=10):
        eventually(lambda: self.poll() is not None, "master ends", seconds)
        return self.returncode

    def send_signal(self, number):
        os.kill(self.pid, number)


def test_readiness_is_told_to_systemd():
    with Server(start=False) as server:
        path = f"{server.root}.notify"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
            listener.bind(path)
            os.chmod(path, 0o777)
            listener.settimeout(15)
            with open(server.log_path, "ab") as log:
                server.master = subprocess.Popen(
                    server.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    env={**os.environ, "NOTIFY_SOCKET": path})

            def told(word):
                try:
                    while word not in listener.recv(4096).decode().split("\n"):
                        pass
                except TimeoutError:
                    raise AssertionError(f"systemd was not told {word}") from None
            told("READY=1")
            server.reload()
            told("RELOADING=1")
            told("READY=1")
            server.master.send_signal(signal.SIGTERM)
            told("STOPPING=1")
            expect_equal(server.master.wait(6), 0, "master's exit status")


def test_a_second_master_on_the_same_ports_says_so():
    with Server() as server:
        done = subprocess.run(server.command, capture_output=True, timeout=20)
        expect(done.returncode not in (0, -6, -4), f"the second one ended with {done.returncode}")
        expect("in use" in done.stderr.decode(), f"it said: {done.stderr.decode()}")
        server.send(messages.simple("the first goes on"))
        server.wait_for_mail("alice")


@needs_tool("setpriv")
def test_without_root_everything_runs_as_one_user():
    wrapper = ()
    if os.geteuid() == 0:
        wrapper = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps=-all")

    with Server(start=False) as server:
        if wrapper:
            for folder, _, files in os.walk(server.root):
                for path in (folder, *(f"{folder}/{name}" for name in files)):
                    os.chown(path, 65534, 65534)
        server.start(wrapper=wrapper)
        server.send(messages.simple("as one user"))
        server.wait_for_mail("alice")
        expect_equal(len(server.fetch_all("alice")), 1, "messages")
        own = status(server.master.pid)["Uid"]
        for program, pids in server.workers().items():
            for pid in pids:
                facts = status(pid)
                expect_equal(facts["Uid"], own, f"users of {program}")
                # The sandboxes apply all the same.
                expect_equal(facts["NoNewPrivs"], "1", f"NoNewPrivs of {program}")
                expect_equal(facts["Seccomp"], "2", f"Seccomp of {program}")
        mode = os.stat(f"{server.root}/usermanager/default/users/alice").st_mode & 0o777
        expect_equal(oct(mode & 0o077), "0o0", "rights of others to the mail")
