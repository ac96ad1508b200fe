"""What is asked of a history: each distinct key and tick once, whatever the number of rows."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Asking:
    """The keys of rows, as of their ticks.

    Args:
        keys: of each row, or one that all share; None where it is missing.
        ticks: of each row, shape (n,), or one that all share, shape (1,).

    Attributes:
        keys: the distinct keys.
        ticks: of each distinct query, shape (Q,).
    """

    def __init__(self, keys: Sequence[bytes | None], ticks: NDArray[np.int64]) -> None:
        self.keys = [key for key in dict.fromkeys(keys) if key is not None]
        distinct = {key: place for place, key in enumerate(self.keys)}
        nobody = len(self.keys)
        rows = [distinct.get(key, nobody) for key in keys]  # type: ignore[arg-type]
        if len(ticks) == 1 or (len(ticks) and (ticks == ticks[0]).all()):
            self.ticks = ticks[:1].repeat(nobody)
            self._queried: list[int] | None = None
            self._places = np.array(rows, np.int64)
        else:
            self._of_pairs(rows, ticks)

    def _of_pairs(self, rows: list[int], ticks: NDArray[np.int64]) -> None:
        """Ask of each key as of each of its ticks."""
        nobody = len(self.keys)
        if len(rows) < len(ticks):
            rows = rows * len(ticks)
        pairs = list(zip(rows, ticks.tolist(), strict=True))
        distinct = [pair for pair in dict.fromkeys(pairs) if pair[0] != nobody]
        place_of = {pair: place for place, pair in enumerate(distinct)}
        self._queried = [key for key, _ in distinct]
        self.ticks = np.array([tick for _, tick in distinct], np.int64)
        self._places = np.array([place_of.get(pair, len(distinct)) for pair in pairs], np.int64)

    def of_each_query(self, states: Sequence[bytes | None]) -> Sequence[bytes | None]:
        """Return the state of each query, from those of the keys."""
        return states if self._queried is None else [states[key] for key in self._queried]

    def of_each_row(self, known: Floats) -> Floats:
        """Return what each row is told, shape (n, columns), from that of each query; else NaN."""
        if len(self._places) and len(known) > self._places.max():
            return known[self._places]
        nothing = np.full((1, known.shape[1]), np.nan)
        return np.concatenate([known, nothing])[self._places]
