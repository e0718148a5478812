# SPDX-License-Identifier: Apache-2.0
"""A command on a terminal of its own, with a person at the keys."""

import os
import pty
import re
import select
import termios
import time

from .outcome import expect


class Terminal:
    """Runs a command whose standard input, output and error are one terminal; ends it at the end of `with`."""

    def __init__(self, *words, directory="/"):
        self.shown = ""
        self.status = None
        self.process, self.keys = pty.fork()
        if self.process == 0:
            os.chdir(directory)
            os.environ.update(TERM="xterm", NO_COLOR="1")
            os.execv(words[0], words)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.status is None:
            os.kill(self.process, 9)
            os.waitpid(self.process, 0)
        os.close(self.keys)

    def _read(self, seconds):
        """Whether there was something; at the end of the command it raises OSError or returns nothing."""
        if not select.select([self.keys], [], [], seconds)[0]:
            return False
        self.shown += os.read(self.keys, 65536).decode(errors="replace")
        return True

    def wait_for(self, text, seconds=20):
        """Waits until the terminal shows the text; what follows it is looked at by the next call."""
        deadline = time.monotonic() + seconds
        while text not in self.shown:
            expect(time.monotonic() < deadline, f"the terminal does not show {text!r}, but {self.shown!r}")
            self._read(0.1)
        before, self.shown = self.shown.split(text, 1)
        return before

    def type(self, text):
        os.write(self.keys, text.encode())

    def answer(self, question, text):
        """Waits for the question and types a line."""
        before = self.wait_for(question)
        self.type(f"{text}\n")
        return before

    @property
    def echoes(self):
        """Whether typed letters are shown."""
        return bool(termios.tcgetattr(self.keys)[3] & termios.ECHO)

    def end(self):
        """Waits for the command's end; returns its exit status, negative for a signal, and what it showed."""
        try:
            while self._read(20):
                pass
            raise AssertionError(f"the command does not end; it shows {self.shown!r}")
        except OSError:
            # EIO: nobody has the terminal open any more.
            pass
        self.status = os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])
        return self.status, re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", self.shown).replace("\r\n", "\n")
