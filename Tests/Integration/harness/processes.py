# SPDX-License-Identifier: Apache-2.0
"""What /proc tells of a process."""

import os


def children(pid):
    """The process ids of the direct children."""
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as file:
                found += [int(word) for word in file.read().split()]
    except (FileNotFoundError, ProcessLookupError):
        pass
    return found


def program_of(pid):
    """The name of the program that a process runs; "transmit" for "relayd transmit"."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read().decode(errors="replace").split("\0")
            return "transmit" if words[1:2] == ["transmit"] else os.path.basename(words[0])
    except (FileNotFoundError, ProcessLookupError):
        return ""


def status(pid):
    """The fields of /proc/PID/status."""
    with open(f"/proc/{pid}/status") as file:
        return {name: value.strip() for name, _, value in (line.partition(":") for line in file)}


def pss(pids):
    """The memory of some processes in KiB, what they share counted once."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            total += next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
    return total


def cpu(pids):
    """The seconds of processor time that some processes have taken."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat") as file:
            total += sum(map(int, file.read().rpartition(")")[2].split()[11:13]))
    return total / os.sysconf("SC_CLK_TCK")
