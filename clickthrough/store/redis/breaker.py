"""Whether a server is asked at all: not where it did not answer, until it does again."""

import logging
import threading
from collections.abc import Callable

_log = logging.getLogger(__name__)
_EVERY = 0.1
"""Seconds between two tries."""


class Breaker:
    """Opens when a read fails, and closes as soon as a try on a thread of its own succeeds.

    So nobody who is being scored waits for a server that is away, but the first.

    Args:
        name: of the server, for the log.
        probe: asks it as a read would; raises where it does not answer in time.
    """

    def __init__(self, name: str, probe: Callable[[], object]) -> None:
        self.is_open = False
        self._name, self._probe = name, probe
        self._lock = threading.Lock()
        self._ended = threading.Event()

    def open(self, why: str) -> None:
        """Stop asking, and try until there is an answer."""
        with self._lock:
            if self.is_open or self._ended.is_set():
                return
            self.is_open = True
        _log.warning("%s does not answer in time, its states are left out: %s", self._name, why)
        try:
            threading.Thread(target=self._try, name="store breaker", daemon=True).start()
        except RuntimeError:  # no thread can be started now: the next read asks the server itself
            self.is_open = False

    def end(self) -> None:
        """Try no more."""
        self._ended.set()

    def _try(self) -> None:
        while not self._ended.is_set():
            try:
                self._probe()
            except Exception:  # whatever it is, the server is not well
                self._ended.wait(_EVERY)
                continue
            self.is_open = False
            _log.warning("%s answers again", self._name)
            return
