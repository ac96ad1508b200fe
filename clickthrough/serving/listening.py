"""Where the service listens."""

import socket

from clickthrough.errors import ClickthroughError

ACCEPTED = 32
"""Connections accepted in a turn of the event loop. Uvloop accepts one for each socket that
listens: behind a flood of three hundred, health would wait for as many turns."""
_BACKLOG = 2_048


_LAST_PORT = 65_535


def port_of(given: object, name: str) -> int:
    """Read a port.

    Args:
        given: a number, or a text of one, as the environment has it.
        name: how errors call it.

    Raises:
        ClickthroughError: it is none.

    >>> port_of("8000", "CTR_PORT")
    8000
    """
    try:
        port = int(given) if isinstance(given, int | str) else -1
    except ValueError:
        port = -1
    if not 0 <= port <= _LAST_PORT:
        raise ClickthroughError(
            f"{name}: expected a port from 0 to {_LAST_PORT}, found {given!r:.100}"
        )
    return port


def listen(host: str, port: int) -> list[socket.socket]:
    """Return sockets that listen at one place, several of the same.

    Args:
        host: a name or an address.
        port: 0 takes one that is free.

    Raises:
        ClickthroughError: the place is taken, or is none of this machine's, or it is no port.
    """
    port = port_of(port, "port")
    try:
        (family, *_, address), *_ = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        made = socket.create_server(address[:2], family=family, backlog=_BACKLOG)
    except (OSError, UnicodeError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ClickthroughError(f"cannot listen on {host}, port {port}: {reason}") from None
    return [made, *(made.dup() for _ in range(ACCEPTED - 1))]
