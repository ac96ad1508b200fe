"""What a Service of a cluster is: connections led, in turn, to the pods that are listed.

It knows nothing of HTTP: a connection stays with the pod that it was led to.
"""

import asyncio
import threading
from collections.abc import Awaitable
from contextlib import suppress
from itertools import count
from typing import Self

HOST = "127.0.0.1"


class Balancer:
    """Listens on a free port of the loopback, on a thread of its own.

    Attributes:
        port: where it listens.
    """

    def __init__(self) -> None:
        self._ports: list[int] = []
        self._turn = count()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        served = asyncio.start_server(self._lead, HOST, 0)
        self._server = asyncio.run_coroutine_threadsafe(served, self._loop).result(30)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()

    def add(self, port: int) -> None:
        """Lead new connections here too."""
        self._ports = [*self._ports, port]

    def remove(self, port: int) -> None:
        """Lead no new connections here; those that are there stay."""
        self._ports = [one for one in self._ports if one != port]

    async def _close(self) -> None:
        self._server.close()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ports = self._ports
        try:
            to = await asyncio.open_connection(HOST, ports[next(self._turn) % len(ports)])
        except (OSError, ZeroDivisionError):
            writer.close()
            return
        ways: list[Awaitable[None]] = [_copy(reader, to[1]), _copy(to[0], writer)]
        await asyncio.gather(*ways)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    with suppress(OSError):
        writer.close()
