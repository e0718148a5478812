# SPDX-License-Identifier: Apache-2.0
"""What the laboratories have in common: one at a time, as root, in a folder of its own, with the tests' harness."""

import contextlib
import fcntl
import os
import shutil
import signal
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, f"{ROOT}/Tests/Integration")
os.environ["WMAIL_BIN"] = os.path.abspath(os.environ.get("WMAIL_BIN", f"{ROOT}/.build/release"))

from harness import make_certificate  # noqa: E402
from network import run  # noqa: E402


@contextlib.contextmanager
def laboratory(keep):
    """A folder for the hosts' files, removed at the end unless it is to be kept."""
    if os.geteuid() != 0:
        sys.exit("error: namespaces need root")
    lock = os.open("/run/lock/wmail-laboratory", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit("error: a laboratory is at work")
    # So that its end tidies up.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    run(f"{ROOT}/packaging/users")
    folder = tempfile.mkdtemp(prefix="wmail-laboratory-", dir="/var/tmp")
    os.chmod(folder, 0o755)
    os.environ["WMAIL_TESTS_FOLDER"] = folder
    os.environ["WMAIL_TESTS_CERTIFICATE"] = f"{folder}/certificate"
    make_certificate(f"{folder}/certificate")
    try:
        yield folder
    finally:
        if keep:
            print(f"files: {folder}")
        else:
            shutil.rmtree(folder)
        os.close(lock)
