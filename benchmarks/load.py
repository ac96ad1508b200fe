"""A load generator: raw HTTP/1.1 over keep-alive connections.

One thread that polls sockets and never sleeps: it needs a core of its own, and then sends what is
due within microseconds and some tens of thousands of requests a second.
"""

import gc
import select
import socket
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from exchange import OK, Asked, Load, Request

_LENGTH, _END, _CLOSES = b"content-length: ", b"\r\n\r\n", b"\r\nconnection: close\r\n"
_KEPT = 1_000
"""Bytes of an answer that are kept: enough for a receipt or a fault."""
_BUFFER = 1 << 20
"""Bytes: a large body must not hold up the one thread that sends."""


class Connections:
    """Connections to a server, each with one request at a time; one that ends is replaced."""

    def __init__(self, port: int, count: int) -> None:
        self._port = port
        self._poll = select.epoll()
        self._open: dict[int, socket.socket] = {}
        self._asked: dict[int, Asked] = {}
        self._free: deque[int] = deque()  # in turn: the server hangs up on who is silent for long
        for _ in range(count):
            self._connect()

    @property
    def idle(self) -> bool:
        """Whether nothing is on its way."""
        return not self._asked

    @property
    def free(self) -> bool:
        """Whether a request can be sent."""
        return bool(self._free)

    def send(self, request: Request, due: float) -> None:
        """Send a request on a free connection."""
        number = self._free.popleft()
        if not request.leaves:
            self._asked[number] = Asked(due, time.perf_counter(), request)
        with suppress(OSError):  # the server hung up: the next look at the connection tells
            self._open[number].sendall(request.raw)
        if request.leaves:
            self._replace(number)

    def answers(self) -> Iterator[Asked]:
        """Give what has been answered by now; waits for nothing."""
        for number, _ in self._poll.poll(0):
            asked = self._asked.get(number)
            if part := self._received(number):
                if asked is None:
                    raise ConnectionError(f"nothing was asked, yet the server said {part[:300]!r}")
                asked.answer += part
                asked.needed = asked.needed or _size(asked.answer)
                if not asked.needed or len(asked.answer) < asked.needed:
                    continue
                if _CLOSES in asked.answer[:_KEPT]:
                    self._replace(number)
                else:
                    self._free.append(number)
            else:
                if asked is None:
                    self._free.remove(number)
                else:
                    asked.needed = 0
                self._replace(number)
            if asked is not None:
                del self._asked[number]
                asked.answered, asked.answer = time.perf_counter(), asked.answer[:_KEPT]
                yield asked

    def close(self) -> None:
        self._poll.close()
        for one in self._open.values():
            one.close()

    def _received(self, number: int) -> bytes:
        """Return what came, nothing where the server hung up."""
        try:
            return self._open[number].recv(1 << 20)
        except OSError:
            return b""

    def _connect(self) -> None:
        one = socket.create_connection(("127.0.0.1", self._port))
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        self._open[one.fileno()] = one
        self._poll.register(one, select.EPOLLIN)
        self._free.append(one.fileno())

    def _replace(self, number: int) -> None:
        self._open.pop(number).close()
        self._connect()


def _size(answer: bytes) -> int:
    """Return the bytes of a whole answer, 0 while its head is not whole."""
    end = answer.find(_END)
    if end < 0:
        return 0
    start = answer.index(_LENGTH) + len(_LENGTH)
    return end + len(_END) + int(answer[start : answer.index(b"\r", start)])


@contextmanager
def _connected(port: int, count: int) -> Iterator[Connections]:
    """Open connections; meanwhile no garbage is collected: that would be a pause of 100 ms."""
    connections = Connections(port, count)
    gc.disable()
    try:
        yield connections
    finally:
        gc.enable()
        connections.close()


def capacity(
    port: int, requests: Iterable[Request], seconds: float, at_once: int = 6, most: int = 1 << 60
) -> Load:
    """Ask again as soon as an answer comes, so many requests in flight; at most so many."""
    load, waiting = Load(), islice(requests, most)
    with _connected(port, at_once) as connections:
        began = now = time.perf_counter()
        following = next(waiting, None)
        while following is not None or not connections.idle:
            while connections.free and following is not None:
                connections.send(following, now)
                following = next(waiting, None) if now - began < seconds else None
            load.asked += connections.answers()
            now = time.perf_counter()
            if now - began >= seconds:
                following = None
    load.seconds = now - began
    return load


Due = tuple[float, Request]
"""When a request is to be sent (seconds from the start)."""


def at_random(requests: Iterable[Request], seconds: float, rate: float, seed: int = 3) -> list[Due]:
    """Draw moments beforehand, whatever will have been answered by then."""
    gaps = np.random.default_rng(seed).exponential(1 / rate, int(rate * seconds))
    return list(zip(np.cumsum(gaps).tolist(), requests, strict=False))


def every(request: Request, seconds: float, gap: float) -> list[Due]:
    """Return the same request again and again."""
    return [(due, request) for due in np.arange(gap, seconds, gap).tolist()]


@dataclass
class Backlog:
    """Requests that are sent one after another, each as soon as a connection is free.

    Attributes:
        left: what is still to be sent; what was refused is sent again.
        done: what was answered, refusals included.
        until: when the last of it was answered, in seconds from the start.
    """

    left: deque[Request]
    connections: int = 4
    done: list[Asked] = field(default_factory=list)
    until: float = 0.0

    def send(self, connections: Connections, now: float) -> None:
        """Send what can be sent, and take what was answered."""
        while self.left and connections.free:
            connections.send(self.left.popleft(), now)
        for one in connections.answers():
            self.done.append(one)
            if one.status != OK:
                self.left.append(one.request)


def arrivals(port: int, due: Iterable[Due], at_once: int) -> Load:
    """Send each request when it is due, or as soon after as one of so many connections is free."""
    return beside(port, due, at_once, None)


def beside(port: int, due: Iterable[Due], at_once: int, backlog: Backlog | None) -> Load:
    """Send requests when they are due, and beside them a backlog; with its end all ends."""
    load, waiting = Load(), iter(sorted(due, key=lambda one: one[0]))
    following = next(waiting, None)
    count = backlog.connections if backlog else 0
    with _connected(port, at_once) as connections, _connected(port, count) as senders:
        began = now = time.perf_counter()
        while following is not None or not (connections.idle and senders.idle):
            while following is not None and connections.free and now - began >= following[0]:
                connections.send(following[1], began + following[0])
                following = next(waiting, None)
                now = time.perf_counter()
            load.asked += connections.answers()
            now = time.perf_counter()
            if backlog is not None:
                if following is not None:  # else the time is over
                    backlog.send(senders, now)
                else:
                    backlog.done += senders.answers()
                if backlog.left or not senders.idle:
                    backlog.until = now - began
                else:
                    following = None
    load.seconds = now - began
    return load


def in_turn(requests: Sequence[Request]) -> Iterator[Request]:
    """Give the same requests again and again."""
    while True:
        yield from requests
