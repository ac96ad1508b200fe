"""Raw sockets that speak as no well-behaved client does."""

import http.client
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

HOST = "127.0.0.1"
SECONDS = 20.0
"""No socket waits longer for anything."""
JSON = "content-type: application/json"


def connect(port: int, receive: int | None = None) -> socket.socket:
    """Return a connection; with few bytes to receive, unread answers soon fill it."""
    made = socket.socket()
    made.settimeout(SECONDS)
    if receive is not None:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    made.connect((HOST, port))
    return made


@contextmanager
def several(port: int, count: int, receive: int | None = None) -> Iterator[list[socket.socket]]:
    """Hold so many connections."""
    with ExitStack() as held:
        yield [held.enter_context(connect(port, receive)) for _ in range(count)]


def head(path: str, *lines: str, method: str = "POST") -> bytes:
    """Return the head of a request, with lines of its own."""
    return "\r\n".join([f"{method} {path} HTTP/1.1", "host: a", *lines, "", ""]).encode("latin-1")


def request(path: str, body: bytes, *lines: str) -> bytes:
    """Return a request with a JSON body."""
    return head(path, JSON, f"content-length: {len(body)}", *lines) + body


def asked(path: str, body: object) -> bytes:
    """Return a request whose body is made of a value."""
    return request(path, json.dumps(body).encode())


def push(sock: socket.socket, data: bytes) -> bool:
    """Send all, or as much as the service takes before it hangs up; say whether all was taken."""
    try:
        sock.sendall(data)
    except (OSError, TimeoutError):
        return False
    return True


def fill(sock: socket.socket, data: bytes, seconds: float = 1.0) -> None:
    """Send until nothing more is taken."""
    sock.settimeout(seconds)
    push(sock, data)
    sock.settimeout(SECONDS)


def answer(sock: socket.socket) -> tuple[int, bytes]:
    """Read one answer; 0 where the service hangs up without one."""
    response = http.client.HTTPResponse(sock)
    try:
        response.begin()
        return response.status, response.read()
    except (OSError, http.client.HTTPException):
        return 0, b""


def ends(sock: socket.socket, seconds: float) -> bool:
    """Say whether the service ends a connection within some seconds, reading what it says."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        sock.settimeout(left)
        try:
            if not sock.recv(1 << 16):
                return True
        except TimeoutError:
            return False
        except OSError:
            return True
    return False


def reset(sock: socket.socket) -> None:
    """Break a connection off."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def break_off(port: int, sent: bytes) -> None:
    """Break connections off at several places of a request."""
    for length in (1, 30, len(sent) // 2, len(sent) - 1, len(sent)):
        with several(port, 30) as held:
            for one in held:
                push(one, sent[:length])
                reset(one)


@contextmanager
def meanwhile(attack: Callable[[], object], seconds: float = SECONDS) -> Iterator[None]:
    """Repeat an attack on a thread while the block runs; what it meets is no fault of the test."""
    over = threading.Event()
    deadline = time.monotonic() + seconds

    def go_on() -> None:
        while not over.is_set() and time.monotonic() < deadline:
            with suppress(OSError):
                attack()

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(2 * SECONDS)
        assert not thread.is_alive(), "the attack itself was held for ever"
