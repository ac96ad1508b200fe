"""A look at a server now and then, so that one that is away shows where nobody asks it."""

import threading
from collections.abc import Callable

_EVERY = 1.0
"""Seconds between two looks."""


class Lookout:
    """Looks, on a thread of its own: nobody who is being scored waits for it.

    Args:
        look: asks the server, and deals with what is wrong.
    """

    def __init__(self, look: Callable[[], object]) -> None:
        self._look = look
        self._ended = threading.Event()
        threading.Thread(target=self._go_on, name="store lookout", daemon=True).start()

    def end(self) -> None:
        """Look no more."""
        self._ended.set()

    def _go_on(self) -> None:
        while not self._ended.wait(_EVERY):
            self._look()
