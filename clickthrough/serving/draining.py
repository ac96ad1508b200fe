"""Draining: at SIGTERM readiness goes off first, and the server ends some seconds later.

Meanwhile requests are still answered: a load balancer needs these seconds to see that it should
send no more, and callers that keep connections are told to make new ones, which it leads elsewhere.
Then the server does what it does by itself: it takes no more connections, answers
what is in flight, and ends.
"""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from starlette.types import Message, Send


@contextmanager
def draining(seconds: float, begin: Callable[[], None]) -> Iterator[None]:
    """Stand before the server's own handler of SIGTERM while the block runs.

    Does nothing on a thread that is not the main one, where no signal arrives.

    Args:
        seconds: from the signal until the server hears of it; a second signal waits no longer.
        begin: turns readiness off.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop, servers_own = asyncio.get_running_loop(), signal.getsignal(signal.SIGTERM)
    ending = _Ending(servers_own)

    def on_signal(number: int, frame: FrameType | None) -> None:
        wait = 0.0 if ending.begun else seconds
        ending.begun = True
        begin()
        loop.call_soon_threadsafe(loop.call_later, wait, ending.end)

    signal.signal(signal.SIGTERM, on_signal)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, servers_own)


def closing(send: Send) -> Send:
    """Return what sends an answer and says that it is the last on its connection."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [*message.get("headers", ()), (b"connection", b"close")]
            message = {**message, "headers": headers}
        await send(message)

    return sent


class _Ending:
    """Tells the server to end, once: told twice, it would not wait for what is in flight."""

    def __init__(self, servers_own: object) -> None:
        self.begun = False
        self._servers_own = servers_own
        self._told = False

    def end(self) -> None:
        """Tell the server to end as an interrupt does.

        Uvicorn then ends with status 0; after SIGTERM it would raise that signal once more, and
        end as if it had been killed.
        """
        if self._told:
            return
        self._told = True
        if callable(self._servers_own):
            self._servers_own(signal.SIGINT, None)
        else:
            signal.raise_signal(signal.SIGINT)
