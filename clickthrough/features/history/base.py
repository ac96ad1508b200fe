"""What every online history is: written by events, read by scoring.

A *mark* is what an impression counts for in one history. It is made when the impression is shown
and remembered until its click, so that both count for the same key.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from clickthrough.config.features import EventSource
from clickthrough.features.rows import Value
from clickthrough.schema import Columns
from clickthrough.store.base import Reader, Transaction

Mark = Any
"""Anything that msgpack can hold; None where the key is missing."""


@dataclass(frozen=True)
class Changes:
    """What is new of E impressions.

    Attributes:
        time: of the impressions, microseconds, shape (E,).
        counts: new impressions and clicks, shape (E, 2).
    """

    time: NDArray[np.int64]
    counts: NDArray[np.float64]

    @property
    def newest(self) -> int:
        """The latest of the times."""
        return int(self.time.max())

    def __getitem__(self, rows: NDArray[np.bool_]) -> "Changes":
        """Return some of them."""
        return Changes(self.time[rows], self.counts[rows])


class History(Protocol):
    """The history columns of one key set or sequence set."""

    @property
    def of(self) -> EventSource:
        """Which events it is made of."""

    def marks(self, values: Mapping[str, Sequence[Value]]) -> list[Mark]:
        """Return what each row would count for."""

    def read(
        self, store: Reader, values: Mapping[str, Sequence[Value]], ticks: NDArray[np.int64]
    ) -> Columns:
        """Return the history columns of rows, as of their ticks."""

    def add(self, tx: Transaction, marks: Sequence[Mark], changes: Changes, expires: int) -> None:
        """Count events.

        Args:
            tx: where the states are.
            marks: one for each of the changes, none of them None.
            changes: what is new of the impressions.
            expires: when the keys may be forgotten unless they change again (microseconds).
        """
