"""What the contestants of training.py are fed, and how they take turns; needs numpy alone."""

import sys
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FIELDS, NUMERIC, DIM, HIDDEN = 30, 10, 16, (512, 256, 128)
BATCH, STEPS, CHUNKS = 4096, 4, 32
BATCHES = 1 + STEPS * CHUNKS
"""Of an epoch: the first is not timed, for what lies between epochs would be timed with it."""


@dataclass(frozen=True)
class Log:
    """A synthetic log: ids (n, 30), numbers (n, 10), labels (n,)."""

    ids: NDArray[np.int32]
    numeric: NDArray[np.float32]
    labels: NDArray[np.int8]


def made_log(field_size: int, exponent: float, seed: int = 7) -> Log:
    """Draw ids by Zipf's law from ``field_size`` ids a field; a frequent id may lie anywhere."""
    rng = np.random.default_rng(seed)
    rows = BATCH * BATCHES
    chances = np.cumsum(1 / np.arange(1, field_size + 1) ** exponent)
    ids = np.empty((rows, FIELDS), np.int32)
    for field in range(FIELDS):
        ranks = np.searchsorted(chances, rng.random(rows) * chances[-1])
        ids[:, field] = rng.permutation(field_size)[ranks]
    numeric = rng.standard_normal((rows, NUMERIC), np.float32)
    return Log(ids, numeric, (rng.random(rows) < 0.2).astype(np.int8))


class Turns:
    """Reports the seconds of every ``STEPS`` steps, then waits to be told to go on.

    Args:
        clock: "wall"; or "cpu", the processor's time, for one thread on a busy machine.
    """

    def __init__(self, clock: str) -> None:
        self._now = time.process_time if clock == "cpu" else time.perf_counter
        self._steps, self._start = 0, 0.0

    def step(self, first: bool) -> None:
        """Take in that a step is done; the first of an epoch only starts the clock.

        Raises:
            SystemExit: nobody wants more.
        """
        if not first:
            self._steps += 1
            if self._steps < STEPS:
                return
            print(self._now() - self._start, flush=True)
            if not sys.stdin.readline():
                raise SystemExit
        self._steps, self._start = 0, self._now()
