"""Where the service listens."""

import socket

from clickthrough.errors import ClickthroughError

ACCEPTED = 32
"""Connections accepted in a turn of the event loop. Uvloop accepts one for each socket that
listens: behind a flood of three hundred, health would wait for as many turns."""
_BACKLOG = 2_048


def listen(host: str, port: int) -> list[socket.socket]:
    """Return sockets that listen at one place, several of the same.

    Args:
        host: a name or an address.
        port: 0 takes one that is free.

    Raises:
        ClickthroughError: the place is taken, or is none of this machine's.
    """
    try:
        (family, *_, address), *_ = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        made = socket.create_server(address[:2], family=family, backlog=_BACKLOG)
    except (OSError, UnicodeError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ClickthroughError(f"cannot listen on {host}, port {port}: {reason}") from None
    return [made, *(made.dup() for _ in range(ACCEPTED - 1))]
