"""Signals that wait until what must not be left half done is done."""

import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType


@contextmanager
def deferred() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM take effect only after the block, where Python hears of them at all.

    What ends a process without Python, as SIGTERM does by default, does so at once.
    """
    came: list[int] = []

    def keep(number: int, frame: FrameType | None) -> None:
        came.append(number)

    def again() -> None:
        for number in came:
            signal.raise_signal(number)

    with ExitStack() as former:
        former.callback(again)
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                if callable(handler := signal.getsignal(number)):
                    former.callback(signal.signal, number, handler)
                    signal.signal(number, keep)
        yield
