# SPDX-License-Identifier: Apache-2.0
"""What the workers ask of the kernel, by strace."""

import os
import re
import signal
import subprocess
import time

from .outcome import eventually


def traced_calls(server, action, calls):
    """
    What the workers do while the action runs, in its order: a list of (program, system call, the rest of the line).

    calls: the system calls to look at; of what others a worker makes nothing is told.
    """
    names = {pid: name for name, pids in server.workers().items() for pid in pids}
    output = f"{server.root}.strace"
    # Each thread is a process to strace, and /proc says whose thread it is.
    threads = {thread: name for pid, name in names.items() for thread in map(int, os.listdir(f"/proc/{pid}/task"))}
    words = ["strace", "-f", "-q", "-s", "200", "-o", output, "-e", "trace=" + ",".join(calls)]
    for pid in names:
        words += ["-p", str(pid)]
    tracer = subprocess.Popen(words, stderr=subprocess.DEVNULL)
    try:
        def attached():
            for thread in threads:
                with open(f"/proc/{thread}/status") as file:
                    if f"TracerPid:\t{tracer.pid}\n" not in file.read():
                        return False
            return True
        eventually(attached, "strace is attached")
        action()
        # What a thread does last is written when it does something else.
        time.sleep(1)
        for pid, name in names.items():
            for thread in map(int, os.listdir(f"/proc/{pid}/task")):
                threads[thread] = name
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait(10)
    found = []
    with open(output, errors="replace") as file:
        for line in file:
            match = re.match(r"(\d+) +(\w+)\((.*)", line)
            if match and int(match[1]) in threads:
                found.append((threads[int(match[1])], match[2], match[3]))
    return found
