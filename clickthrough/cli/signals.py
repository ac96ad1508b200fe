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


@dataclass
class Heard:
    """What was heard.

    Attributes:
        interrupt: whether that was Ctrl-C: what a library makes of it may look like a fault.
    """

    interrupt: bool = False


@contextmanager
def heard() -> Iterator[Heard]:
    """Raise for Ctrl-C and SIGTERM while the block runs, on the thread that gets them.

    Of several processes, ``torchrun`` ends the others by SIGTERM, which then ends them at once:
    they may wait for each other where Python hears of no signal.
    """
    found = Heard()

    def interrupt(number: int, frame: FrameType | None) -> None:
        found.interrupt = True
        raise Interrupted

    def terminate(number: int, frame: FrameType | None) -> None:
        sys.exit(TERMINATED)

    def unraisable(what: "sys.UnraisableHookArgs") -> None:
        if issubclass(what.exc_type, KeyboardInterrupt):  # as within __del__: it would be lost
            threading.Timer(_AGAIN, _interrupt_main).start()
        else:
            former(what)

    if threading.current_thread() is not threading.main_thread():
        yield found
        return
    former, before = sys.unraisablehook, dict[signal.Signals, Any]()
    wanted = {signal.SIGINT: interrupt, signal.SIGTERM: terminate}
    if "TORCHELASTIC_RUN_ID" in os.environ:
        del wanted[signal.SIGTERM]
    for number, handler in wanted.items():
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup asks for
            before[number] = signal.signal(number, handler)
    sys.unraisablehook = unraisable
    try:
        yield found
    finally:
        sys.unraisablehook = former
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt_main() -> None:
    """Send Ctrl-C to the thread that hears of it, which may wait for the system."""
    if sys.platform == "win32":
        signal.raise_signal(signal.SIGINT)
    else:
        os.kill(os.getpid(), signal.SIGINT)  # to the main thread, which blocks none
