"""What was loaded is kept from the garbage collector, which would stop the service meanwhile."""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _Kept:
    """How many services of this process have what they loaded kept out of collections."""

    def __init__(self) -> None:
        self._services = 0
        self._one_at_a_time = threading.Lock()

    def begin(self) -> None:
        with self._one_at_a_time:
            self._services += 1
            gc.collect()
            gc.freeze()

    def anew(self) -> None:
        # a service may end while its reload collects: nobody would let go of what is kept after it
        with self._one_at_a_time:
            if self._services:
                gc.unfreeze()
                gc.collect()
                gc.freeze()

    def end(self) -> None:
        with self._one_at_a_time:
            self._services -= 1
            if not self._services:
                gc.unfreeze()


_kept = _Kept()


@contextmanager
def loaded_for_good() -> Iterator[None]:
    """Keep what is loaded now out of collections while the block runs: some 30 ms each."""
    _kept.begin()
    try:
        yield
    finally:
        _kept.end()


def loaded_anew() -> None:
    """Collect what a reload has left, and keep what it has loaded; only in such a block."""
    _kept.anew()
