# SPDX-License-Identifier: Apache-2.0
"""System calls made by another process: what code could do that has taken a worker over.

The worker's main thread is stopped (ptrace(2), as root), made to execute one `syscall` instruction with chosen
registers, and put back. The kernel sees the worker itself: its users, its Landlock domain, its seccomp filter, in the
program that is shipped.
"""

import ctypes
import os
import platform
import time

ATTACH, DETACH, GETREGS, SETREGS, SINGLESTEP = 16, 17, 12, 13, 9
ALL_THREADS = 0x40000000
NAMES = ("r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss fs_base gs_base "
         "ds es fs gs").split()
SYSCALL = b"\x0f\x05"
CALLS = {"open": 2, "mmap": 9, "socket": 41, "connect": 42, "fork": 57, "execve": 59, "kill": 62, "rename": 82,
         "chmod": 90, "ptrace": 101, "setuid": 105, "getpid": 39, "close": 3, "mkdir": 83, "unlink": 87,
         "process_vm_readv": 310, "bpf": 321, "unshare": 272, "mount": 165, "pidfd_open": 434, "io_uring_setup": 425}

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


class Registers(ctypes.Structure):
    _fields_ = [(name, ctypes.c_ulong) for name in NAMES]


def _ptrace(request, pid, data=None):
    if _libc.ptrace(request, pid, None, data) < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"ptrace {request}: {os.strerror(code)}")


def supported():
    return platform.machine() == "x86_64" and os.geteuid() == 0


class Possessed:
    """`with Possessed(pid) as worker: worker.call("open", path, flags)`."""

    def __init__(self, pid):
        self.pid = pid

    def __enter__(self):
        # It may be in the middle of its own code: wait until it stands in a system call, as an idle worker does.
        for _ in range(200):
            _ptrace(ATTACH, self.pid)
            os.waitpid(self.pid, ALL_THREADS)
            self.saved = Registers()
            _ptrace(GETREGS, self.pid, ctypes.byref(self.saved))
            self.memory = open(f"/proc/{self.pid}/mem", "r+b", buffering=0)
            self.memory.seek(self.saved.rip - 2)
            if self.memory.read(2) == SYSCALL:
                return self
            self.memory.close()
            _ptrace(DETACH, self.pid)
            time.sleep(0.02)
        raise AssertionError(f"process {self.pid} never waits")

    def __exit__(self, *_):
        _ptrace(SETREGS, self.pid, ctypes.byref(self.saved))
        self.memory.close()
        _ptrace(DETACH, self.pid)

    def call(self, name, *arguments):
        """What the call returns to the worker: a number, or minus an errno. Texts go onto its stack, far below."""
        place = self.saved.rsp - 65536
        values = []
        for argument in arguments:
            if isinstance(argument, (str, bytes)):
                text = argument.encode() + b"\0" if isinstance(argument, str) else argument
                self.memory.seek(place)
                self.memory.write(text)
                values.append(place)
                place += (len(text) + 63) // 64 * 64
            else:
                values.append(argument)
        registers = Registers.from_buffer_copy(self.saved)
        registers.rip = self.saved.rip - 2
        registers.rax = CALLS[name]
        # No system call of its own is to be begun again.
        registers.orig_rax = ctypes.c_ulong(-1).value
        for register, value in zip(("rdi", "rsi", "rdx", "r10", "r8", "r9"), values):
            setattr(registers, register, ctypes.c_ulong(value).value)
        _ptrace(SETREGS, self.pid, ctypes.byref(registers))
        _ptrace(SINGLESTEP, self.pid)
        os.waitpid(self.pid, ALL_THREADS)
        _ptrace(GETREGS, self.pid, ctypes.byref(registers))
        return ctypes.c_long(registers.rax).value
