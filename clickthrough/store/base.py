"""What a store can do. Values are bytes; what they mean is the business of ``features``."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, Protocol, TypeVar

from clickthrough.errors import StoreAwayError

T = TypeVar("T")
Durability = Literal["disk", "second", "memory", "unknown"]
"""What of an acknowledged change may be lost: nothing, for it is on disk; the last second, if the
server or its machine ends; all, with the process or server that holds it; it is not known what.
"""
Breathe = Callable[[], None]
"""Called between slices of long work, to let others in."""


def nothing() -> None:
    """Let nobody in."""


class Reader(Protocol):
    """Reads many keys at once."""

    def read(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return the value of each key, None where there is none."""


class Layered:
    """Reads a store where it answers in time, and else as if it held nothing.

    Args:
        store: what is read.

    Attributes:
        frozen: whether it did not answer: then what a bundle knew stands for all states.
    """

    def __init__(self, store: Reader) -> None:
        self._store = store
        self.frozen = False

    def read(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return the value of each key, None where there is none."""
        try:
            return self._store.read(keys)
        except StoreAwayError:
            self.frozen = True
            return [None] * len(keys)


class Transaction(Reader, Protocol):
    """Reads and writes that take effect together or not at all; its reads see its writes."""

    def expect(self, keys: Sequence[bytes]) -> None:
        """Be told what will be read: a store that asks a network asks once for all of it."""

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
    """The online state of keys. Any number of threads may use one store.

    :meth:`read` never waits for a transaction, and sees all that one wrote or nothing; nor does it
    wait for more than a slice of :meth:`expire` and :meth:`trim`, which call ``breathe`` between
    slices. Each method raises :class:`clickthrough.errors.StoreError` where the store is out of
    order, and :meth:`read` :class:`clickthrough.errors.StoreAwayError` where it does not answer in
    time, and does again without anybody's help.

    Attributes:
        waits: whether a transaction may wait: for a disk, or another process.
        remote: whether reading waits too: for a network.
        lost: whether it is gone for this process, and only a new one can count on.
    """

    waits: bool
    remote: bool
    lost: bool

    @property
    def durability(self) -> Durability:
        """What of an acknowledged change may be lost."""

    @property
    def away(self) -> bool:
        """Whether it does not answer in time now."""

    def update(self, change: Callable[[Transaction], T]) -> T:
        """Read and write in a transaction: all of it takes effect, or nothing if it raises.

        Args:
            change: reads and writes; called again where somebody else wrote meanwhile, so it
                changes nothing but what it is given.

        Returns:
            What ``change`` returned in the transaction that took effect.
        """

    def expire(self, before: int, breathe: Breathe = nothing) -> int:
        """Forget values that expire before a moment; return how many."""

    def trim(self, most: int, breathe: Breathe = nothing) -> int:
        """Keep at most so many values, forgetting those that changed first; return how many.

        Values that never expire are kept.
        """

    def count(self) -> int:
        """Return the number of values."""

    def close(self) -> None:
        """Release what the store holds open."""
