# SPDX-License-Identifier: Apache-2.0
"""What the integration tests are written with: a real server, real clients, and a look at what they leave."""

from .outcome import Skip, eventually, expect, expect_equal, needs_root, needs_tool, timeout
from .server import ALL_PERMISSIONS, DOMAIN, PASSWORD, Server, make_certificate

__all__ = [
    "ALL_PERMISSIONS", "DOMAIN", "PASSWORD", "Server", "Skip", "eventually", "expect", "expect_equal", "make_certificate",
    "needs_root", "needs_tool", "timeout",
]
