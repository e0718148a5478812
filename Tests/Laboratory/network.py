# SPDX-License-Identifier: Apache-2.0
"""A network of hosts on this machine: each has network, mount and process namespaces of its own; nothing leads out."""

import ctypes
import fcntl
import os
import signal
import struct
import subprocess
import time

CLONE_NEWNET = 0x40000000
PREFIX = "wmaillab"
SWITCH = f"{PREFIX}-switch"


def run(*words, **more):
    done = subprocess.run(words, **{"capture_output": True, "text": True, "timeout": 120, **more})
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: exit {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def address4(number):
    return f"10.79.0.{number}"


def address6(number):
    return f"fd79::{number}"


class Network:
    """A switch, which this process enters as number 1, and hosts on it. Removes at its end what it has made."""

    def __init__(self):
        self.numbers = {}

    def __enter__(self):
        for line in run("ip", "netns", "list").splitlines():
            # Left by a laboratory that was killed.
            if line.split()[0].startswith(f"{PREFIX}-"):
                run("ip", "netns", "del", line.split()[0])
        run("ip", "netns", "add", SWITCH)
        run("ip", "-n", SWITCH, "link", "set", "lo", "up")
        run("ip", "-n", SWITCH, "link", "add", "br0", "type", "bridge", "forward_delay", "0")
        self._number(SWITCH, "br0", 1)
        self.outside = os.open("/proc/self/ns/net", os.O_RDONLY)
        descriptor = os.open(f"/run/netns/{SWITCH}", os.O_RDONLY)
        self._enter(descriptor)
        os.close(descriptor)
        return self

    def __exit__(self, *_):
        self._enter(self.outside)
        os.close(self.outside)
        for name in [*(self.namespace(name) for name in self.numbers), SWITCH]:
            run("ip", "netns", "del", name)

    @staticmethod
    def _enter(descriptor):
        """From now on the sockets of this thread, and of those it starts, are in that namespace."""
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(descriptor, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")

    @staticmethod
    def namespace(name):
        return f"{PREFIX}-{name}"

    @staticmethod
    def _number(namespace, device, number):
        run("ip", "-n", namespace, "addr", "add", f"{address4(number)}/24", "dev", device)
        run("ip", "-n", namespace, "addr", "add", f"{address6(number)}/64", "dev", device, "nodad")
        run("ip", "-n", namespace, "link", "set", device, "up")

    def add(self, name):
        """Plugs a host in, and returns its number."""
        number = self.numbers[name] = 10 + len(self.numbers)
        namespace = self.namespace(name)
        run("ip", "netns", "add", namespace)
        run("ip", "-n", namespace, "link", "set", "lo", "up")
        run("ip", "-n", SWITCH, "link", "add", f"v-{name}", "type", "veth", "peer", "name", "eth0", "netns", namespace)
        run("ip", "-n", SWITCH, "link", "set", f"v-{name}", "master", "br0", "up")
        self._number(namespace, "eth0", number)
        return number

    def cable(self, name, plugged):
        """Pulls a host's cable out of the switch, or plugs it in."""
        run("ip", "-n", SWITCH, "link", "set", f"v-{name}", "up" if plugged else "down")


class Host:
    """A host without programs of its own: it sees this machine's files, and others in place of some of them."""

    def __init__(self, network, name, folder, names=()):
        """
        folder: where its own files lie.
        names: what else the hosts file says, as lines.
        """
        self.network, self.name, self.folder = network, name, folder
        self.number = network.add(name)
        self.address, self.address6 = address4(self.number), address6(self.number)
        os.makedirs(folder)
        os.chmod(folder, 0o755)
        self.log = open(f"{folder}/output", "wb")
        self.binds, self.processes = [], []
        self.place(self.write("resolv.conf", f"nameserver {address4(1)}\noptions timeout:2\n"), "/etc/resolv.conf")
        self.place(self.write("hosts", "127.0.0.1 localhost\n::1 localhost\n" + "".join(f"{line}\n" for line in names)),
                   "/etc/hosts")

    def place(self, source, target):
        """Shows a file or folder at another path, to this host only."""
        self.binds.append((source, target))

    def write(self, name, text, mode=0o644):
        path = f"{self.folder}/{name}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def make(self, name, owner=0, mode=0o755):
        """A folder of this host."""
        path = f"{self.folder}/{name}"
        os.makedirs(path)
        os.chmod(path, mode)
        os.chown(path, owner, owner)
        return path

    @property
    def wrapper(self):
        """What to put before a command so that it runs on this host, as this very process."""
        script = "set -e; mount --make-rprivate /;"
        for source, target in self.binds:
            make = f'mkdir -p "{target}"; ' if os.path.isdir(source) else ""
            script += f' {make}mount --bind "{source}" "{target}";'
        script += ' cd /; exec "$@"'
        return ["ip", "netns", "exec", self.network.namespace(self.name), "unshare", "-m", "sh", "-c", script, "sh"]

    def start(self, *command):
        """Starts a program that runs until the host ends."""
        process = subprocess.Popen([*self.wrapper, *command], stdin=subprocess.DEVNULL, stdout=self.log,
                                   stderr=subprocess.STDOUT, start_new_session=True)
        self.processes.append(process)
        return process

    def run(self, *command, **more):
        return run(*self.wrapper, *command, **more)

    def said(self):
        with open(f"{self.folder}/output", errors="replace") as file:
            return file.read()

    def end(self):
        """Ends its programs, with all that they have started."""
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                pass
        # Whoever is left in this network namespace is of this host.
        for _ in range(50):
            left = run("ip", "netns", "pids", self.network.namespace(self.name)).split()
            if not left:
                break
            for pid in left:
                try:
                    os.kill(int(pid), signal.SIGKILL)
                except ProcessLookupError:
                    pass
            time.sleep(0.1)
        for process in self.processes:
            process.wait(10)


class Computer(Host):
    """A host with a disk of its own and processes that die with it; its power can be cut.

    What no process of it has flushed is lost then: nothing else writes to the disk in the meantime.
    """

    EXT4_IOC_SHUTDOWN = 0x8004587D
    WITHOUT_FLUSHING = 2

    def __init__(self, network, name, folder, megabytes=2048):
        super().__init__(network, name, folder)
        self.image, self.disk = f"{folder}/disk.img", self.make("disk")
        # Folders of this machine in whose place the host has some of its disk.
        self.own = []
        with open(self.image, "wb") as file:
            file.truncate(megabytes << 20)
        run("mke2fs", "-q", "-t", "ext4", "-m", "0", "-E", "lazy_itable_init=1", self.image)
        self.first = None

    def power_on(self):
        """Mounts the disk, and starts a process 1 in which all others will end."""
        lines = "".join(f'mount --bind "{source}" "{target}"; ' for source, target in self.binds)
        for path in self.own:
            os.makedirs(path, exist_ok=True)
            lines += f'mkdir -p "{self.disk}{path}"; mount --bind "{self.disk}{path}" "{path}"; '
        script = f"""
            set -e
            mount --make-rprivate /
            mount -o loop,commit=300 {self.image} {self.disk}
            {lines}
            mount -t proc proc /proc
            mount -t tmpfs tmpfs /run
            touch {self.folder}/on
            while :; do wait || true; sleep 1; done"""
        ready = f"{self.folder}/on"
        if os.path.exists(ready):
            os.remove(ready)
        self.outer = subprocess.Popen(
            ["ip", "netns", "exec", self.network.namespace(self.name), "unshare", "-m", "-p", "-f", "bash", "-c",
             script], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, start_new_session=True)
        deadline = time.monotonic() + 10
        while not os.path.exists(ready):
            if self.outer.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} does not start: {self.said()}")
            time.sleep(0.05)
        self.first = int(run("pgrep", "-P", str(self.outer.pid)).split()[0])

    @property
    def wrapper(self):
        return ["nsenter", "-t", str(self.first), "-m", "-p", "-n", "--"]

    def cut_power(self):
        """From one moment on nothing reaches the disk or the network; then every process dies."""
        self.network.cable(self.name, False)
        descriptor = os.open(f"/proc/{self.first}/root{self.disk}", os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, self.EXT4_IOC_SHUTDOWN, struct.pack("I", self.WITHOUT_FLUSHING))
        finally:
            os.close(descriptor)
        self.power_off()

    def power_off(self):
        """Kills every process of the host at once."""
        os.kill(self.first, signal.SIGKILL)
        self.outer.wait(30)
        for _ in range(100):
            if not run("losetup", "-j", self.image).strip():
                break
            time.sleep(0.1)
        self.first = None

    def end(self):
        if self.first:
            self.power_off()
        super().end()
