"""Ports of the loopback for servers that tests start."""

import secrets
import socket
from contextlib import suppress


def free_port() -> int:
    """Return a port that nobody uses, below those that the system hands out.

    A server of a cluster takes another one, 10,000 above.
    """
    while True:
        port = 20_000 + secrets.randbelow(10_000)
        with socket.socket() as one, suppress(OSError):
            one.bind(("127.0.0.1", port))
            return port
