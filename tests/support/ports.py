"""Ports for programs that cannot choose one by themselves and say which."""

from __future__ import annotations

import random
import socket
from contextlib import suppress

_LOWEST, _HIGHEST = 20_000, 32_767
"""Below those that Linux gives to whoever asks for any: between a look and its use, nobody else gets such a port."""


def free_port() -> int:
    """Return a port at which nobody listens."""
    chance = random.SystemRandom()  # the tests run in several processes
    for _ in range(100):
        port = chance.randint(_LOWEST, _HIGHEST)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise RuntimeError(f"no port is free between {_LOWEST} and {_HIGHEST}")
