"""What a store can do. Values are bytes; what they mean is the business of ``features``."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol


class Reader(Protocol):
    """Reads many keys at once."""

    def read(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return the value of each key, None where there is none."""


class Transaction(Reader, Protocol):
    """Reads and writes that take effect together or not at all."""

    def write(
        self, values: Mapping[bytes, bytes], expires: int | None = None, changed: int = 0
    ) -> None:
        """Set values.

        Args:
            values: by key.
            expires: when they may be forgotten (microseconds, event time); None for never.
            changed: the event time of this change: what :meth:`Store.trim` goes by.
        """


class Store(Reader, Protocol):
    """The online state of keys. Any number of threads may use one store."""

    def transaction(self) -> AbstractContextManager[Transaction]:
        """Begin a transaction: committed at the end of the block, undone if it raises."""

    def expire(self, before: int) -> int:
        """Forget values that expire before a moment; return how many."""

    def trim(self, most: int) -> int:
        """Keep at most so many values, forgetting those that changed first; return how many.

        Values that never expire are kept.
        """

    def count(self) -> int:
        """Return the number of values."""

    def close(self) -> None:
        """Release what the store holds open."""
