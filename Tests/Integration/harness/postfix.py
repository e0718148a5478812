# SPDX-License-Identifier: Apache-2.0
"""Postfix, where it is not installed: what its master runs."""

# Of master.cf, all but those that listen.
SERVICES = "".join(line + "\n" for line in (
    "pickup unix n - n 60 1 pickup", "cleanup unix n - n - 0 cleanup", "qmgr unix n - n 300 1 qmgr",
    "tlsmgr unix - - n 1000? 1 tlsmgr", "rewrite unix - - n - - trivial-rewrite", "bounce unix - - n - 0 bounce",
    "defer unix - - n - 0 bounce", "trace unix - - n - 0 bounce", "verify unix - - n - 1 verify",
    "proxymap unix - - n - - proxymap", "smtp unix - - n - - smtp", "relay unix - - n - - smtp",
    "error unix - - n - - error", "retry unix - - n - - error", "anvil unix - - n - 1 anvil",
    "virtual unix - n n - - virtual", "scache unix - - n - 1 scache", "postlog unix-dgram n - n - 1 postlogd"))
