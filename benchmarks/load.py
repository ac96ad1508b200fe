"""A load generator: raw HTTP/1.1 over keep-alive connections, in one event loop."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import numpy as np

OK = b"HTTP/1.1 200"


@dataclass(frozen=True)
class Load:
    """What was answered: requests a second, and the waits in ms; how many were refused."""

    rate: float
    waits: list[float]
    refused: int = 0

    def wait(self, share: float) -> float:
        """Return a percentile of the waits in ms."""
        return float(np.percentile(self.waits, share))


def raw_request(path: str, body: bytes | None = None) -> bytes:
    """Return a request as it goes over the wire."""
    if body is None:
        return f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode()
    length = f"content-type: application/json\r\ncontent-length: {len(body)}"
    return f"POST {path} HTTP/1.1\r\nhost: x\r\n{length}\r\n\r\n".encode() + body


class Connection(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._needed = 0
        self._answered: asyncio.Future[bytes] | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._needed:
            end = self._received.find(b"\r\n\r\n")
            if end < 0:
                return
            head = bytes(self._received[:end]).lower()
            start = head.index(b"content-length:") + len(b"content-length:")
            self._needed = end + 4 + int(head[start:].split(b"\r\n", 1)[0])
        if len(self._received) >= self._needed and self._answered and not self._answered.done():
            self._answered.set_result(bytes(self._received))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answered and not self._answered.done():
            self._answered.set_exception(exc or ConnectionError("the server hung up"))

    async def ask(self, request: bytes, *, any_status: bool = False) -> bytes:
        self._received.clear()
        self._needed = 0
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        answer = await self._answered
        if not any_status and not answer.startswith(OK):
            raise ConnectionError(answer[:500].decode(errors="replace"))
        return answer


Ask = Callable[[Connection, bytes, float], Awaitable[None]]


async def connections_to(port: int, count: int) -> list[Connection]:
    loop = asyncio.get_running_loop()
    made = [await loop.create_connection(Connection, "127.0.0.1", port) for _ in range(count)]
    return [connection for _, connection in made]


async def _capacity(port: int, requests: Sequence[bytes], seconds: float, at_once: int) -> Load:
    """Ask again as soon as an answer comes."""
    waits: list[float] = []
    began = time.perf_counter()

    async def go_on(connection: Connection, place: int) -> None:
        while (start := time.perf_counter()) - began < seconds:
            await connection.ask(requests[place % len(requests)])
            waits.append((time.perf_counter() - start) * 1e3)
            place += at_once

    connections = await connections_to(port, at_once)
    await asyncio.gather(*(go_on(c, place) for place, c in enumerate(connections)))
    return Load(len(waits) / (time.perf_counter() - began), waits)


async def arrivals(
    port: int, requests: Sequence[bytes], seconds: float, rate: float, at_once: int, ask: Ask
) -> float:
    """Ask at moments drawn beforehand, whatever was answered by then; return the seconds it took.

    Args:
        port: of the server; so many connections to it are kept open.
        requests: asked in turn.
        seconds: for how long.
        rate: of arrivals a second.
        at_once: connections.
        ask: gets a free connection, a request, and the moment at which it was due.
    """
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for connection in await connections_to(port, at_once):
        free.put_nowait(connection)

    async def asked_on_a_free_one(place: int, due: float) -> None:
        connection = await free.get()
        await ask(connection, requests[place % len(requests)], due)
        free.put_nowait(connection)

    gaps = np.random.default_rng(3).exponential(1 / rate, int(rate * seconds))
    asked, began = [], time.perf_counter()
    for place, due in enumerate(began + np.cumsum(gaps)):
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        asked.append(asyncio.create_task(asked_on_a_free_one(place, float(due))))
    await asyncio.gather(*asked)
    return time.perf_counter() - began


async def _at_rate(
    port: int, requests: Sequence[bytes], seconds: float, rate: float, at_once: int
) -> Load:
    """Take the waits from the moments at which requests were due."""
    waits: list[float] = []
    refused = 0

    async def ask(connection: Connection, request: bytes, due: float) -> None:
        nonlocal refused
        answer = await connection.ask(request, any_status=True)
        if answer.startswith(OK):
            waits.append((time.perf_counter() - due) * 1e3)
        else:
            refused += 1

    took = await arrivals(port, requests, seconds, rate, at_once, ask)
    return Load(len(waits) / took, waits, refused)


def capacity(port: int, requests: Sequence[bytes], seconds: float, at_once: int = 8) -> Load:
    """Return what a server answers at most, so many requests in flight."""
    return asyncio.run(_capacity(port, requests, seconds, at_once))


def at_rate(
    port: int, requests: Sequence[bytes], seconds: float, rate: float, at_once: int = 32
) -> Load:
    """Return how long a server takes under a load of random arrivals."""
    return asyncio.run(_at_rate(port, requests, seconds, rate, at_once))
