"""A store in the memory of one process: gone when it ends."""

import heapq
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

Life = tuple[int, int]
"""When a value changed, and when it expires."""


class _Staged:
    """Writes of a transaction, over what the store held before it."""

    def __init__(self, values: Mapping[bytes, bytes]) -> None:
        self._values = values
        self.written: dict[bytes, bytes] = {}
        self.lives: dict[bytes, Life | None] = {}

    def read(self, keys: Sequence[bytes]) -> list[bytes | None]:
        written, values = self.written, self._values
        return [written[key] if key in written else values.get(key) for key in keys]

    def write(
        self, values: Mapping[bytes, bytes], expires: int | None = None, changed: int = 0
    ) -> None:
        self.written.update(values)
        life = None if expires is None else (changed, expires)
        self.lives.update(dict.fromkeys(values, life))


class MemoryStore:
    """Values in a dictionary, transactions one at a time."""

    def __init__(self) -> None:
        self._values: dict[bytes, bytes] = {}
        self._lives: dict[bytes, Life] = {}
        self._lock = threading.RLock()

    def read(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return the value of each key, None where there is none."""
        with self._lock:
            return [self._values.get(key) for key in keys]

    @contextmanager
    def transaction(self) -> Iterator[_Staged]:
        """Begin a transaction: committed at the end of the block, undone if it raises."""
        with self._lock:
            staged = _Staged(self._values)
            yield staged
            self._values.update(staged.written)
            for key, life in staged.lives.items():
                if life is None:
                    self._lives.pop(key, None)
                else:
                    self._lives[key] = life

    def expire(self, before: int) -> int:
        """Forget values that expire before a moment; return how many."""
        with self._lock:
            old = [key for key, (_, expires) in self._lives.items() if expires < before]
            for key in old:
                del self._values[key], self._lives[key]
            return len(old)

    def trim(self, most: int) -> int:
        """Keep at most so many values, forgetting those that changed first; return how many."""
        with self._lock:
            excess = max(0, len(self._values) - most)
            old = heapq.nsmallest(excess, self._lives, key=self._lives.__getitem__)
            for key in old:
                del self._values[key], self._lives[key]
            return len(old)

    def count(self) -> int:
        """Return the number of values."""
        with self._lock:
            return len(self._values)

    def close(self) -> None:
        """Do nothing: memory needs no closing."""
