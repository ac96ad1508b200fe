"""What is asked of a history: each distinct key and tick once, whatever the number of rows."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from clickthrough.features.history.keys import Coded

_FEW = 64
"""So many rows are taken one by one: all at once would take longer."""


class Asking:
    """The keys of rows, as of their ticks.

    Args:
        own: the keys.
        ticks: of each row, shape (n,), or one that all share, shape (1,).

    Attributes:
        keys: the distinct keys.
        ticks: of each distinct query, shape (Q,).
        places: the query of each row, or the one that all share; -1 without a key.
    """

    def __init__(self, own: Coded, ticks: NDArray[np.int64]) -> None:
        self.keys = own.parts
        self._queried: list[int] | None = None
        if len(ticks) == 1:
            self.ticks = ticks.repeat(len(self.keys))
            self.places = own.places.array
        else:
            self._of_pairs(own.places.rows, ticks.tolist())

    def _of_pairs(self, rows: list[int], ticks: list[int]) -> None:
        """Ask of each key as of each of its ticks."""
        full = rows if len(rows) == len(ticks) else rows * len(ticks)
        if len(full) > _FEW:
            self._of_many(np.array(full, np.int64), np.array(ticks, np.int64))
            return
        pairs = [*zip(full, ticks, strict=True)]
        distinct = [pair for pair in dict.fromkeys(pairs) if pair[0] >= 0]
        numbers = dict(zip(distinct, range(len(distinct)), strict=True))
        self._queried = [key for key, _ in distinct]
        self.ticks = np.array([tick for _, tick in distinct], np.int64)
        self.places = np.array([numbers.get(pair, -1) for pair in pairs], np.int64)

    def _of_many(self, rows: NDArray[np.int64], ticks: NDArray[np.int64]) -> None:
        """The same by arrays."""
        moments, when = np.unique(ticks, return_inverse=True)
        pairs, places = np.unique(rows * len(moments) + when, return_inverse=True)
        absent = int((pairs < 0).sum())  # those without a key come first
        self.places = np.maximum(places - absent, -1)
        keys, when = np.divmod(pairs[absent:], len(moments))
        self._queried, self.ticks = keys.tolist(), moments[when]

    def of_each_query(self, states: Sequence[bytes | None]) -> Sequence[bytes | None]:
        """Return the state of each query, from those of the keys."""
        return states if self._queried is None else [states[key] for key in self._queried]
