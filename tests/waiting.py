"""Waiting for what another process does."""

import time
from collections.abc import Callable


def in_time(done: Callable[[], bool], seconds: float = 60, told: Callable[[], str] = str) -> None:
    """Wait until something holds.

    Args:
        done: says whether it does.
        seconds: after which the test fails.
        told: says more of it, then.
    """
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, f"it never does: {told()}"
        time.sleep(0.02)
