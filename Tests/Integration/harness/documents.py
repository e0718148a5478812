# SPDX-License-Identifier: Apache-2.0
"""The commands that documents tell people to type."""

import re
from dataclasses import dataclass

# What a command begins with; only these are looked for in running text.
PROGRAMS = ("wmail", "master", "systemctl", "journalctl", "apt-get", "curl", "swaks", "smtp-source", "make", "doveadm",
            "rsync", "printf", "sendmail", "mailq")


@dataclass(frozen=True)
class Command:
    """One command, which may be several lines."""

    file: str
    line: int
    text: str
    # A code block's commands are typed as they stand; running text may only name a command.
    is_block: bool


def _joined(lines, first):
    """Commands of a block: a line that ends with a backslash or a pipe goes on; comments go away."""
    text, start = "", first
    for number, line in enumerate(lines, first):
        if not text:
            start = number
        text = f"{text} {line.strip()}".strip()
        if text.endswith("\\"):
            text = text[:-1].rstrip()
            continue
        if text.endswith("|"):
            continue
        text = re.sub(r"\s+#\s.*$", "", text)
        if text and not text.startswith("#"):
            yield start, text
        text = ""
    if text:
        yield start, text


def commands(path, section=None):
    """Those of a Markdown file in the order of their lines, or of one section of it."""
    found, stray = [], []
    heading, block, language, start, indent = "", None, "", 0, 0
    with open(path) as file:
        lines = file.read().splitlines()
    for number, line in enumerate(lines, 1):
        fence = re.match(r"( *)```(\w*)\s*$", line)
        if fence and block is None:
            block, language, start, indent = [], fence.group(2), number + 1, len(fence.group(1))
            continue
        if fence:
            if language == "sh" and section in (None, heading):
                found += [Command(path, at, text, True) for at, text in _joined(block, start)]
            elif language == "":
                stray += [(path, at, text) for at, text in _joined(block, start) if text.startswith(tuple(f"{p} " for p in PROGRAMS))]
            block = None
            continue
        if block is not None:
            block.append(line[indent:])
            continue
        if line.startswith("#"):
            heading = line.lstrip("# ")
        if re.match(r"    +(%s) " % "|".join(PROGRAMS), line):
            stray.append((path, number, line.strip()))
        if section is None:
            for span in re.findall(r"`([^`]+)`", line):
                # A program's name alone is no command.
                if span.split()[0] in PROGRAMS and " " in span:
                    found.append(Command(path, number, span, False))
    if stray:
        raise AssertionError(f"commands outside of a ```sh block: {stray}")
    return found


def manual_commands(path):
    """Those of the examples of a manual page: blocks between .nf and .fi."""
    found, block, start = [], None, 0
    with open(path) as file:
        for number, line in enumerate(file.read().splitlines(), 1):
            if line == ".nf":
                block, start = [], number + 1
            elif line == ".fi":
                found += [Command(path, at, text, True) for at, text in _joined(block, start)
                          if text.startswith(tuple(f"{p} " for p in PROGRAMS))]
                block = None
            elif block is not None:
                block.append(line.replace("\\-", "-").replace("\\e", "\\"))
    return found
