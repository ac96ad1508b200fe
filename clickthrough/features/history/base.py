"""What every online history is: written by events, read by scoring.

A *mark* is what an impression counts for in one history. It is made when the impression is shown
and remembered until its click, so that both count for the same key.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from clickthrough.config.features import EventSource
from clickthrough.features.history.digests import DIGEST
from clickthrough.features.history.keys import Coded, KeyForm
from clickthrough.features.rows import Value
from clickthrough.schema import Columns
from clickthrough.store.base import Breathe, Reader, Transaction, nothing

Mark = Any
"""A key as stores hold it, or a pair of one and a value; None where the key is missing."""


def digest_of_mark(mark: Mark) -> bytes:
    """Return the digest of the set that a mark counts for."""
    key: bytes = mark if isinstance(mark, bytes) else mark[0]
    return key[:DIGEST]


@dataclass(frozen=True)
class Changes:
    """What is new of E impressions.

    Attributes:
        time: of the impressions, microseconds, shape (E,).
        counts: new impressions and clicks, shape (E, 2).
    """

    time: NDArray[np.int64]
    counts: NDArray[np.float64]

    @cached_property
    def newest(self) -> int:
        """The latest of the times."""
        return int(self.time.max())

    @cached_property
    def each(self) -> list[tuple[int, float, float]]:
        """Time, impressions and clicks of each, where they are few."""
        return list(zip(self.time.tolist(), *self.counts.T.tolist(), strict=True))

    def __getitem__(self, rows: NDArray[np.bool_]) -> "Changes":
        """Return some of them."""
        return Changes(self.time[rows], self.counts[rows])


class History(Protocol):
    """The history columns of one key set or sequence set."""

    @property
    def of(self) -> EventSource:
        """Which events it is made of."""

    @property
    def fields(self) -> Sequence[str]:
        """The fields that its marks are made of."""

    @property
    def digest(self) -> bytes:
        """What its keys in a store begin with; sets of equal digests share their states."""

    @property
    def form(self) -> KeyForm:
        """How its keys are made."""

    def marks(self, values: Mapping[str, Sequence[Value]], of: Mapping[str, Coded]) -> list[Mark]:
        """Return what each row would count for.

        Args:
            values: our field name -> a value a row.
            of: what the fields of its key say, encoded.
        """

    def read(
        self, store: Reader, values: Mapping[str, Sequence[Value]], ticks: NDArray[np.int64]
    ) -> Columns:
        """Return the history columns of rows, as of their ticks.

        Raises:
            StoreError: the store holds something that is no state of a key.
        """

    def add(
        self,
        tx: Transaction,
        marks: Sequence[Mark],
        changes: Changes,
        expires: int,
        breathe: Breathe = nothing,
    ) -> None:
        """Count events.

        Args:
            tx: where the states are.
            marks: one for each of the changes, none of them None.
            changes: what is new of the impressions.
            expires: when the keys may be forgotten unless they change again (microseconds).
            breathe: called between slices of keys, to let others in.

        Raises:
            StoreError: the store holds something that is no state of a key.
        """
