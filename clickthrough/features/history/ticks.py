"""Ticks: the unit of time in which history is counted."""

import numpy as np
from numpy.typing import NDArray


def tick_of(time: NDArray[np.int64], tick_seconds: int) -> NDArray[np.int64]:
    """Return the tick of each moment (microseconds since 1970 UTC)."""
    return time // (tick_seconds * 1_000_000)
