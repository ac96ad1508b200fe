"""Forgetting by the events' time: a look at every value, a page of keys at a time."""

from collections.abc import Callable, Iterator

import numpy as np

from clickthrough.store.base import Breathe
from clickthrough.store.redis.link import Link
from clickthrough.store.redis.scripts import FORGET, HEADS
from clickthrough.store.redis.values import HEAD, life_of

_SLICE = 1_000
"""Keys that the server looks at before others are let in, in about a millisecond."""
Life = tuple[int, int]
"""When a value changed, and when it expires."""


class Tidier:
    """Forgets the states of a store.

    Args:
        link: the server.
        states: what their keys begin with.
    """

    def __init__(self, link: Link, states: bytes) -> None:
        self._link, self._states = link, states

    def expire(self, before: int, breathe: Breathe) -> int:
        """Forget values that expire before a moment; return how many."""
        return self._forget(lambda life: life[1] < before, breathe)

    def trim(self, most: int, breathe: Breathe) -> int:
        """Keep at most so many values, forgetting those that changed first; return how many."""
        with self._link.clear_errors():
            if self._link.command(b"DBSIZE") <= most:  # with the keys of others: ours are fewer
                return 0
        excess = self.count() - most
        if excess <= 0:
            return 0
        lives: list[Life] = []
        for _, own in self._lives():
            lives += own
            breathe()
        if not lives:
            return 0
        last = _nth(lives, min(excess, len(lives)) - 1)
        older = self._forget(lambda life: life < last, breathe)
        rest = max(0, excess - older)
        return older + self._forget(lambda life: life == last, breathe, rest)

    def count(self) -> int:
        """Return the number of values."""
        return sum(map(len, self._pages()))

    def _forget(
        self, old: Callable[[Life], bool], breathe: Breathe, most: int | None = None
    ) -> int:
        """Forget values of some lives, at most so many; return how many."""
        gone = 0
        for pairs, _ in self._lives():
            if most is not None and gone >= most:
                break
            chosen = [(key, head) for key, head, life in pairs if old(life)]
            chosen = chosen if most is None else chosen[: most - gone]
            if chosen:
                with self._link.clear_errors():
                    keys, heads = zip(*chosen, strict=True)
                    gone += int(self._link.run(FORGET, keys, heads))
            breathe()
        return gone

    def _lives(self) -> Iterator[tuple[list[tuple[bytes, bytes, Life]], list[Life]]]:
        """Yield keys that expire, with the heads of their values and their lives."""
        for keys in self._pages():
            with self._link.clear_errors():
                found = self._link.run(HEADS, keys, [HEAD])
            pairs = [
                (key, head, life)
                for key, head in zip(keys, found, strict=True)
                if (life := life_of(head)) is not None
            ]
            yield pairs, [life for _, _, life in pairs]

    def _pages(self) -> Iterator[list[bytes]]:
        cursor, pattern = b"0", self._states + b"*"
        while True:
            with self._link.clear_errors():
                cursor, keys = self._link.command(
                    b"SCAN", cursor, b"MATCH", pattern, b"COUNT", _SLICE
                )
            if keys:
                yield keys
            if cursor == b"0":
                return


def _nth(lives: list[Life], place: int) -> Life:
    """Return the life that has a place in their order."""
    pairs = np.array(lives, np.int64)
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    changed, expires = pairs[order[place]].tolist()
    return changed, expires
