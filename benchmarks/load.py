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
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

OK = b"HTTP/1.1 200"
_LENGTH, _END = b"content-length: ", b"\r\n\r\n"


def raw_request(path: str, body: bytes | None = None) -> bytes:
    """Return a request as it goes over the wire."""
    if body is None:
        return f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode()
    length = f"content-type: application/json\r\ncontent-length: {len(body)}"
    return f"POST {path} HTTP/1.1\r\nhost: x\r\n{length}\r\n\r\n".encode() + body


@dataclass(slots=True)
class Asked:
    """A request on its way, and what came of it.

    Attributes:
        due: the moment at which it was to be sent, ``sent`` that at which it was, ``answered`` that
            at which its answer was whole (seconds).
        kind: what the caller calls it.
    """

    due: float
    sent: float
    kind: int
    answered: float = 0.0
    answer: bytes = b""
    needed: int = 0

    @property
    def ok(self) -> bool:
        return self.answer.startswith(OK)

    @property
    def wait(self) -> float:
        """From the moment at which it was due to the answer, in ms."""
        return (self.answered - self.due) * 1e3

    @property
    def late(self) -> float:
        """How much of that went by before it was sent: the generator's own lag, in ms."""
        return (self.sent - self.due) * 1e3


class Connections:
    """Connections to a server, each with one request at a time."""

    def __init__(self, port: int, count: int) -> None:
        self._poll = select.epoll()
        self._open: dict[int, socket.socket] = {}
        self._asked: dict[int, Asked] = {}
        for _ in range(count):
            one = socket.create_connection(("127.0.0.1", port))
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open[one.fileno()] = one
            self._poll.register(one, select.EPOLLIN)
        # in turn: the server hangs up on who is silent for five seconds
        self._free = deque(self._open)

    @property
    def idle(self) -> bool:
        """Whether nothing is on its way."""
        return not self._asked

    @property
    def free(self) -> bool:
        """Whether a request can be sent."""
        return bool(self._free)

    def send(self, request: bytes, due: float, kind: int = 0) -> None:
        """Send a request on a free connection."""
        number = self._free.popleft()
        self._asked[number] = Asked(due, time.perf_counter(), kind)
        self._open[number].sendall(request)

    def answers(self) -> Iterator[Asked]:
        """Give what has been answered by now; waits for nothing."""
        for number, _ in self._poll.poll(0):
            asked = self._asked[number]
            part = self._open[number].recv(1 << 20)
            if not part:
                raise ConnectionError(f"the server hung up; it had said {asked.answer[:300]!r}")
            asked.answer += part
            asked.needed = asked.needed or _size(asked.answer)
            if asked.needed and len(asked.answer) >= asked.needed:
                asked.answered = time.perf_counter()
                del self._asked[number]
                self._free.append(number)
                yield asked

    def close(self) -> None:
        self._poll.close()
        for one in self._open.values():
            one.close()


def _size(answer: bytes) -> int:
    """Return the bytes of a whole answer, 0 while its head is not whole."""
    end = answer.find(_END)
    if end < 0:
        return 0
    start = answer.index(_LENGTH) + len(_LENGTH)
    return end + len(_END) + int(answer[start : answer.index(b"\r", start)])


@dataclass
class Load:
    """What was answered, and in how many seconds."""

    seconds: float = 0.0
    asked: list[Asked] = field(default_factory=list)

    def of(self, *, ok: bool, kind: int = 0) -> "Load":
        """Return the requests of a kind that were answered, or those that were refused."""
        chosen = [one for one in self.asked if one.kind == kind and one.ok == ok]
        return Load(self.seconds, chosen)

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.asked) / self.seconds

    def wait(self, share: float) -> float:
        """Return a percentile of the waits in ms, NaN where there are none."""
        return _percentile([one.wait for one in self.asked], share)

    def late(self, share: float) -> float:
        """Return a percentile of the generator's own lag in ms."""
        return _percentile([one.late for one in self.asked], share)


def _percentile(values: Sequence[float], share: float) -> float:
    return float(np.percentile(values, share)) if values else float("nan")


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
    port: int, requests: Sequence[bytes], seconds: float, at_once: int = 6, most: int = 1 << 60
) -> Load:
    """Ask again as soon as an answer comes, so many requests in flight; at most so many."""
    load, sent = Load(), 0
    with _connected(port, at_once) as connections:
        began = now = time.perf_counter()
        while now - began < seconds or not connections.idle:
            while connections.free and sent < most and now - began < seconds:
                connections.send(requests[sent % len(requests)], now)
                sent += 1
            load.asked += connections.answers()
            now = time.perf_counter()
            if sent == most and connections.idle:
                break
    load.seconds = now - began
    return load


Due = tuple[float, bytes, int]
"""When a request is to be sent (seconds from the start), and of which kind it is."""


def at_random(requests: Sequence[bytes], seconds: float, rate: float, kind: int = 0) -> list[Due]:
    """Draw moments beforehand, whatever will have been answered by then."""
    gaps = np.random.default_rng(3).exponential(1 / rate, int(rate * seconds))
    moments = np.cumsum(gaps).tolist()
    return [(due, requests[place % len(requests)], kind) for place, due in enumerate(moments)]


def every(request: bytes, seconds: float, gap: float, kind: int) -> list[Due]:
    """Return the same request again and again."""
    return [(due, request, kind) for due in np.arange(gap, seconds, gap).tolist()]


def arrivals(port: int, due: Iterable[Due], at_once: int) -> Load:
    """Send each request when it is due, or as soon after as one of so many connections is free."""
    load, waiting = Load(), iter(sorted(due, key=lambda one: one[0]))
    following = next(waiting, None)
    with _connected(port, at_once) as connections:
        began = now = time.perf_counter()
        while following is not None or not connections.idle:
            while following is not None and connections.free and now - began >= following[0]:
                connections.send(following[1], began + following[0], following[2])
                following = next(waiting, None)
                now = time.perf_counter()
            load.asked += connections.answers()
            now = time.perf_counter()
    load.seconds = now - began
    return load
