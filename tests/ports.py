"""Ports for parties that a test starts later, in processes of their own."""

from __future__ import annotations

import random
import socket

# Below the ports that Linux, as it comes, gives to whoever asks for any: there none of these is taken between
# now and then by a connection, or by a listener at port 0. No port is returned twice.
_CANDIDATES = iter(random.SystemRandom().sample(range(10_000, 32_000), 22_000))


def free_port() -> int:
    """Return a port at which nothing listens."""
    for port in _CANDIDATES:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("every port is taken")
