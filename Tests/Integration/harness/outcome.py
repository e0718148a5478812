# SPDX-License-Identifier: Apache-2.0
"""How a test says what it needs, expects and allows."""

import os
import shutil
import time


class Skip(Exception):
    """The test cannot run here; the reason is shown."""


def expect(condition, message):
    """Fails with the message unless the condition holds."""
    if not condition:
        raise AssertionError(message)


def expect_equal(actual, expected, what):
    """Fails unless both are the same; long values are shown where they part."""
    if actual == expected:
        return
    if isinstance(actual, bytes) and isinstance(expected, bytes) and len(actual) + len(expected) > 400:
        where = next(
            (i for i, (a, b) in enumerate(zip(actual, expected)) if a != b), min(len(actual), len(expected)))
        start = max(0, where - 60)
        raise AssertionError(
            f"{what}: differs at octet {where} of {len(expected)} (got {len(actual)})\n"
            f"  got      {actual[start:where + 60]!r}\n  expected {expected[start:where + 60]!r}")
    raise AssertionError(f"{what}:\n  got      {actual!r}\n  expected {expected!r}")


def eventually(condition, what, seconds=10):
    """Waits until the condition returns something true, and returns that."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.02)


def needs_root(test):
    """For tests of what only root can set up."""
    return _needing(test, lambda: None if os.geteuid() == 0 else "needs root")


def needs_tool(*names):
    """For tests that drive other programs."""
    def decorate(test):
        def missing():
            absent = [name for name in names if not shutil.which(name)]
            return f"needs {', '.join(absent)}" if absent else None
        return _needing(test, missing)
    return decorate


def timeout(seconds):
    """Gives a test another bound than the usual 60 s."""
    def decorate(test):
        test.timeout = seconds
        return test
    return decorate


def _needing(test, reason):
    earlier = getattr(test, "why_not", lambda: None)
    test.why_not = lambda: earlier() or reason()
    return test
