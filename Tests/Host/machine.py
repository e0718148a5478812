# SPDX-License-Identifier: Apache-2.0
"""A Debian host with systemd as PID 1, in a container with a disk image of its own, whose power can be cut.

Needs root, mmdebstrap or debootstrap, systemd-nspawn, and Debian's package archive for the first image. The network
exists only inside two namespaces: the host's, and that of a client (Network.enter).
"""

import ctypes
import fcntl
import glob
import hashlib
import os
import shutil
import signal
import struct
import subprocess
import time

FOLDER = os.environ.get("WMAIL_HOSTS", "/var/tmp/wmailserver-hosts")
PACKAGES = ["systemd", "systemd-sysv", "dbus", "libpam-systemd", "debconf", "openssl", "ca-certificates", "libssl3",
            "libcrypt1", "libidn12", "libsystemd0", "libstdc++6", "iproute2", "procps", "e2fsprogs"]
MASKED = ["getty.target", "console-getty.service", "systemd-networkd-wait-online.service", "apt-daily.timer",
          "apt-daily-upgrade.timer", "e2scrub_reap.service", "e2scrub_all.timer", "dpkg-db-backup.timer",
          "fstrim.timer", "modprobe@.service"]
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8",
               "HOME": "/root", "DEBIAN_FRONTEND": "noninteractive"}
# Nothing is flushed by itself for so many seconds: what survives a power cut is what the server has flushed.
COMMIT_SECONDS = 300
EXT4_IOC_SHUTDOWN = 0x8004587D
WITHOUT_FLUSHING = 2
CLONE_NEWNET = 0x40000000


def run(*words, **more):
    return subprocess.run(words, check=True, **{"capture_output": True, "text": True, "timeout": 900, **more}).stdout


def base_image(packages=()):
    """The path of an ext4 image with Debian 12 on it; made once for each list of packages."""
    wanted = PACKAGES + list(packages)
    name = hashlib.sha256(" ".join(wanted).encode()).hexdigest()[:12]
    path = f"{FOLDER}/base-{name}.img"
    if os.path.exists(path):
        return path
    os.makedirs(FOLDER, exist_ok=True)
    root = f"{FOLDER}/base-{name}"
    shutil.rmtree(root, ignore_errors=True)
    sources = [path for path in ["/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list"]
               if os.path.exists(path)][:1]
    run("mmdebstrap", "--variant=minbase", "--quiet", "--format=directory", f"--include={','.join(wanted)}",
        "--aptopt=Acquire::Check-Valid-Until \"false\"", "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/doc/*", "bookworm", root, *sources)
    for pattern in ["var/lib/apt/lists/*", "etc/apt/sources.list", "etc/apt/sources.list.d/*"]:
        for found in glob.glob(f"{root}/{pattern}"):
            shutil.rmtree(found) if os.path.isdir(found) else os.remove(found)
    os.makedirs(f"{root}/var/log/journal", exist_ok=True)
    run("chroot", root, "systemctl", "-q", "mask", *MASKED)
    for name, text in (("resolv.conf", "# no network\n"), ("hosts", "127.0.0.1 localhost\n::1 localhost\n")):
        with open(f"{root}/etc/{name}", "w") as file:
            file.write(text)
    run("mke2fs", "-q", "-t", "ext4", "-L", "root", "-m", "1", "-J", "size=32", "-d", root, f"{path}.new", "3G")
    shutil.rmtree(root)
    os.rename(f"{path}.new", path)
    return path


class Network:
    """Two namespaces joined by a cable: `host` is 10.78.0.2 and fd78::2, the client .1."""

    HOST, CLIENT = "wmailtest-host", "wmailtest-client"
    ADDRESS, ADDRESS6 = "10.78.0.2", "fd78::2"

    def __enter__(self):
        self.remove()
        for name in (self.HOST, self.CLIENT):
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        run("ip", "-n", self.CLIENT, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", self.HOST)
        for name, number in ((self.HOST, 2), (self.CLIENT, 1)):
            run("ip", "-n", name, "addr", "add", f"10.78.0.{number}/24", "dev", "eth0")
            run("ip", "-n", name, "addr", "add", f"fd78::{number}/64", "dev", "eth0", "nodad")
            run("ip", "-n", name, "link", "set", "eth0", "up")
        return self

    def __exit__(self, *_):
        self.remove()

    def remove(self):
        for name in (self.HOST, self.CLIENT):
            if os.path.exists(f"/run/netns/{name}"):
                run("ip", "netns", "del", name)

    def cable(self, plugged):
        run("ip", "-n", self.CLIENT, "link", "set", "eth0", "up" if plugged else "down")

    @staticmethod
    def enter():
        """From now on the sockets of this thread are the client's."""
        libc = ctypes.CDLL(None, use_errno=True)
        descriptor = os.open(f"/run/netns/{Network.CLIENT}", os.O_RDONLY)
        if libc.setns(descriptor, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        os.close(descriptor)


class Machine:
    """One host; `with Machine(network) as host` boots it and at the end switches it off.

    `packages` are installed on it, those of `download` are at hand for its apt.
    """

    def __init__(self, network, packages=(), name="host", download=()):
        self.network = network
        self.folder = f"{FOLDER}/{name}"
        self.image, self.root = f"{self.folder}/disk.img", f"{self.folder}/root"
        self.console = f"{self.folder}/console.log"
        self.name = f"wmailtest-{name}"
        self.process = None
        os.makedirs(self.root, exist_ok=True)
        run("cp", "--sparse=always", base_image(packages), self.image)
        if download:
            self.download(*download)

    def __enter__(self):
        self.boot()
        return self

    def __exit__(self, *_):
        if self.process:
            self.cut_power()
        os.remove(self.image)

    def download(self, *packages):
        """Puts packages, with what they need, into apt's cache of the disk; before the first boot."""
        script = f"""
            set -e
            mount -o loop {self.image} {self.root}
            mkdir -p {self.root}/etc/apt/sources.list.d
            cp /etc/resolv.conf {self.root}/etc/resolv.conf
            cp /etc/apt/sources.list.d/debian.sources {self.root}/etc/apt/sources.list.d/ 2>/dev/null \\
                || cp /etc/apt/sources.list {self.root}/etc/apt/
            chroot {self.root} apt-get update -qq
            chroot {self.root} apt-get install -qq -y --no-install-recommends --download-only {' '.join(packages)}
            umount {self.root}
        """
        run("unshare", "-m", "--propagation", "slave", "bash", "-c", script)

    def boot(self):
        # The disk is mounted in a mount namespace of this host alone, so it is unmounted with its last process.
        script = f"""
            set -e
            for c in systemd unified; do
                [ ! -d /sys/fs/cgroup/unified ] || {{ mkdir -p /sys/fs/cgroup/$c/{self.name}
                    echo $$ >/sys/fs/cgroup/$c/{self.name}/cgroup.procs; }}
            done
            mount -o loop,commit={COMMIT_SECONDS} {self.image} {self.root}
            [ -d /run/systemd/system ] || keep=--keep-unit
            UNIFIED_CGROUP_HIERARCHY=1 exec nsenter --net=/run/netns/{self.network.HOST} \\
                systemd-nspawn --quiet --register=no $keep --boot --directory={self.root} --machine={self.name} \\
                --network-namespace-path=/run/netns/{self.network.HOST} --resolv-conf=off --timezone=off \\
                --link-journal=no --console=pipe \\
                --system-call-filter="landlock_create_ruleset landlock_add_rule landlock_restrict_self"
        """
        log = open(self.console, "w")
        self.process = subprocess.Popen(["unshare", "-m", "--propagation", "slave", "bash", "-c", script],
                                        stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        self.network.cable(True)
        for _ in range(600):
            time.sleep(0.1)
            if self.process.poll() is not None:
                raise RuntimeError(f"the host died: {open(self.console).read()[-2000:]}")
            if self.leader() and self.run("systemctl", "is-system-running", check=False).strip() in (
                    "running", "degraded"):
                return
        raise RuntimeError(f"the host is not up: {open(self.console).read()[-2000:]}")

    def leader(self):
        """The host's PID 1 as this machine sees it; None before it is there."""
        found = subprocess.run(["pgrep", "-P", str(self.process.pid), "-x", "systemd"], capture_output=True, text=True)
        return int(found.stdout.split()[0]) if found.stdout.split() else None

    def run(self, *words, check=True, input=None, timeout=300):
        """Runs a command in the host and returns its output; standard error is in the exception."""
        done = subprocess.run(
            ["nsenter", "-t", str(self.leader()), "-m", "-u", "-i", "-n", "-p", "-C", "--", *words], cwd="/",
            env=ENVIRONMENT, input=input, capture_output=True, text=True, timeout=timeout)
        if check and done.returncode != 0:
            raise RuntimeError(f"{' '.join(words)}: exit {done.returncode}: {done.stdout[-1500:]}{done.stderr[-1500:]}")
        return done.stdout

    def shell(self, script, **more):
        return self.run("bash", "-euo", "pipefail", "-c", script, **more)

    def write(self, path, text, mode="644"):
        self.run("sh", "-c", f"cat >'{path}' && chmod {mode} '{path}'", input=text)

    def put(self, source, path):
        """Copies a file of this machine into the host."""
        with open(source, "rb") as file:
            subprocess.run(["nsenter", "-t", str(self.leader()), "-m", "--", "sh", "-c", f"cat >'{path}'"],
                           stdin=file, check=True, cwd="/")

    def cut_power(self):
        """From one moment on nothing reaches the disk, not even what is dirty in memory; then every process dies."""
        leader = self.leader()
        self.network.cable(False)
        base = "/sys/fs/cgroup/unified" if os.path.isdir("/sys/fs/cgroup/unified") else "/sys/fs/cgroup"
        group = next(line for line in open(f"/proc/{leader}/cgroup") if line.startswith("0::")).strip()[3:]
        payload = base + os.path.dirname(group)
        # Stand still first, so that no process sees the errors of the disk and acts on them.
        with open(f"{payload}/cgroup.freeze", "w") as file:
            file.write("1")
        for _ in range(100):
            if "frozen 1" in open(f"{payload}/cgroup.events").read():
                break
            time.sleep(0.02)
        descriptor = os.open(f"/proc/{self.process.pid}/root{self.root}", os.O_RDONLY)
        fcntl.ioctl(descriptor, EXT4_IOC_SHUTDOWN, struct.pack("I", WITHOUT_FLUSHING))
        os.close(descriptor)
        os.kill(leader, signal.SIGKILL)
        self.process.wait(60)
        self.process = None
        for _ in range(200):
            if not subprocess.run(["losetup", "-j", self.image], capture_output=True, text=True).stdout.strip():
                break
            time.sleep(0.05)
        else:
            raise RuntimeError("the disk is still mounted")
        for kind in ("systemd", "unified"):
            subprocess.run(["find", f"/sys/fs/cgroup/{kind}/{self.name}", "-depth", "-type", "d", "-exec", "rmdir",
                            "{}", "+"], capture_output=True)
        shutil.rmtree(f"/run/systemd/nspawn/propagate/{self.name}", ignore_errors=True)

    def check_disk(self):
        """What fsck does at a boot; raises if it could not repair everything by itself."""
        done = subprocess.run(["e2fsck", "-f", "-p", self.image], capture_output=True, text=True)
        if done.returncode > 1:
            raise RuntimeError(f"e2fsck: {done.returncode}: {done.stdout}")
