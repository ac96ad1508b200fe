"""What Ctrl-C and SIGTERM do to a verb: its blocks are left, so that it removes what it began."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

INTERRUPTED = 130
"""How a shell reports Ctrl-C: 128 and the number of the signal."""
TERMINATED = 143
"""As a shell reports SIGTERM."""
_AGAIN = 0.05
"""Seconds until an interrupt is tried again that was raised where none can be."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C. Where a plain one passes its ``exec``, Python ends by the signal after all."""


class Terminated(SystemExit):
    """SIGTERM."""

    def __init__(self) -> None:
        super().__init__(TERMINATED)


_RAISED: dict[signal.Signals, type[BaseException]] = {
    signal.SIGINT: Interrupted,
    signal.SIGTERM: Terminated,
}


@dataclass
class Heard:
    """What was heard.

    Attributes:
        number: the last signal, if any: what a library makes of it may look like a fault.
    """

    number: signal.Signals | None = None


@contextmanager
def heard() -> Iterator[Heard]:
    """Raise for Ctrl-C and SIGTERM while the block runs, on the thread that gets them.

    Of several processes, ``torchrun`` ends the others by SIGTERM, which then ends them at once:
    they may wait for each other where Python hears of no signal.
    """
    found = Heard()

    def hear(number: int, frame: FrameType | None) -> None:
        found.number = signal.Signals(number)
        raise _RAISED[found.number]

    def unraisable(what: "sys.UnraisableHookArgs") -> None:
        if number := _raised_for(what.exc_type):  # as within __del__: it would be lost
            threading.Timer(_AGAIN, _send, [number]).start()
        else:
            former(what)

    if threading.current_thread() is not threading.main_thread():
        yield found
        return
    former, before = sys.unraisablehook, dict[signal.Signals, Any]()
    alone = "TORCHELASTIC_RUN_ID" not in os.environ
    for wanted in (signal.SIGINT, signal.SIGTERM) if alone else (signal.SIGINT,):
        if signal.getsignal(wanted) is not signal.SIG_IGN:  # as nohup asks for
            before[wanted] = signal.signal(wanted, hear)
    sys.unraisablehook = unraisable
    try:
        yield found
    finally:
        sys.unraisablehook = former
        for number, handler in before.items():
            signal.signal(number, handler)


def _raised_for(kind: type[BaseException]) -> signal.Signals | None:
    """Return the signal for which an exception of a type is raised, if any."""
    if issubclass(kind, KeyboardInterrupt):
        return signal.SIGINT
    return signal.SIGTERM if issubclass(kind, Terminated) else None


def _send(number: signal.Signals) -> None:
    """Send a signal to the thread that hears of it, which may wait for the system."""
    if sys.platform == "win32":
        signal.raise_signal(number)
    else:
        os.kill(os.getpid(), number)  # to the main thread, which blocks none
