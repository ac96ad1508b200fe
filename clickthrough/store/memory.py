"""A store in the memory of one process: gone when it ends."""

import heapq
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeVar

from clickthrough.store.base import Breathe, Durability, T, Transaction, nothing

Life = tuple[int, int]
"""When a value changed, and when it expires."""
_SLICE = 1_000
"""So many values are looked at, or forgotten, before others are let in."""
Item = TypeVar("Item")


class _Staged:
    """Writes of a transaction, over what the store held before it."""

    def __init__(self, values: Mapping[bytes, bytes]) -> None:
        self._values = values
        self.written: dict[bytes, bytes] = {}
        self.lives: dict[bytes, Life] = {}
        self.lasting: set[bytes] = set()

    def expect(self, keys: Sequence[bytes]) -> None:
        pass

    def read(self, keys: Sequence[bytes]) -> list[bytes | None]:
        written, values = self.written, self._values
        return [written[key] if key in written else values.get(key) for key in keys]

    def write(
        self, values: Mapping[bytes, bytes], expires: int | None = None, changed: int = 0
    ) -> None:
        self.written.update(values)
        if expires is None:
            self.lasting.update(values)
        else:
            self.lives.update(dict.fromkeys(values, (changed, expires)))
            self.lasting.difference_update(values)


class MemoryStore:
    """Values in a dictionary, transactions one at a time.

    Whoever changes anything holds ``_writing``, so that nothing changes under a transaction; and
    ``_lock`` for as long as the change itself takes, which is all that readers wait for.
    """

    waits = remote = lost = away = False
    durability: Durability = "memory"

    def __init__(self) -> None:
        self._values: dict[bytes, bytes] = {}
        self._lives: dict[bytes, Life] = {}
        self._writing = threading.Lock()
        self._lock = threading.Lock()

    def read(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return the value of each key, None where there is none."""
        with self._lock:
            return [*map(self._values.get, keys)]

    def update(self, change: Callable[[Transaction], T]) -> T:
        """Read and write in a transaction: all of it takes effect, or nothing if it raises."""
        with self._writing:
            staged = _Staged(self._values)
            made = change(staged)
            with self._lock:
                self._values.update(staged.written)
            self._lives.update(staged.lives)
            for key in staged.lasting:
                self._lives.pop(key, None)
        return made

    def expire(self, before: int, breathe: Breathe = nothing) -> int:
        """Forget values that expire before a moment; return how many."""
        with self._writing:
            old: list[bytes] = []
            for part in _slices(self._lives.items()):
                old += [key for key, (_, expires) in part if expires < before]
                breathe()
            return self._forget(old, breathe)

    def trim(self, most: int, breathe: Breathe = nothing) -> int:
        """Keep at most so many values, forgetting those that changed first; return how many."""
        with self._writing:
            excess = len(self._values) - most
            if excess <= 0:
                return 0
            runs: list[list[bytes]] = []
            for part in _slices(self._lives):
                runs.append(sorted(part, key=self._lives.__getitem__))
                breathe()
            # sorted at once, they would keep all other threads waiting
            ordered = heapq.merge(*runs, key=self._lives.__getitem__)
            return self._forget(islice(ordered, excess), breathe)

    def count(self) -> int:
        """Return the number of values."""
        return len(self._values)

    def close(self) -> None:
        """Do nothing: memory needs no closing."""

    def _forget(self, keys: Iterable[bytes], breathe: Breathe) -> int:
        """Forget values, a slice at a time; return how many."""
        count = 0
        for part in _slices(keys):
            with self._lock:
                for key in part:
                    del self._values[key]
            for key in part:
                del self._lives[key]
            count += len(part)
            breathe()
        return count


def _slices(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Yield items, a slice at a time."""
    remaining = iter(items)
    while part := list(islice(remaining, _SLICE)):
        yield part
