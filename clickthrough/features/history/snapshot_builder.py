"""From keys and values in any order to the arrays of a snapshot, in memory that does not grow."""

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from clickthrough.growing_array import growing_array

DIGEST = 16
"""The bytes of a key's digest."""
_SLICE = 1 << 20
"""About so many keys are put in order at once."""
_PIECE = 1 << 21
"""So many places in the values are looked up at once."""
_FIRST = 256
"""What the first byte of a digest may be."""
_WORD = 8


class Sorted(NamedTuple):
    """What a snapshot is made of; see there."""

    digests: NDArray[np.bytes_]
    ends: NDArray[np.int64]
    values: NDArray[np.uint8]


class Batch(NamedTuple):
    """Some keys with their values.

    Attributes:
        keys: each comes once in all batches.
        sizes: the bytes of each value.
        values: one after another.
    """

    keys: Sequence[bytes]
    sizes: NDArray[np.int64]
    values: NDArray[np.uint8]

    @classmethod
    def of(cls, keys: Sequence[bytes], values: Sequence[bytes]) -> Self:
        """Put values together."""
        sizes = np.fromiter(map(len, values), np.int64, len(values))
        return cls(keys, sizes, np.frombuffer(b"".join(values), np.uint8))


class SnapshotBuilder:
    """Takes keys with their values, batch by batch, and puts them in the order of digests.

    Digests and values go to files without a name, and so does what is made of them. Digests are as
    good as drawn at random: by their first byte they fall into slices of about the same size,
    which are put in order one after another.

    Args:
        folder: where there is room; without one all is held in memory.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._digests = growing_array(folder)
        self._bounds = growing_array(folder)
        self._values = growing_array(folder)
        self._digests.add(np.empty(0, f"S{DIGEST}"))
        self._bounds.add(np.zeros(1, np.int64))
        self._values.add(np.empty(0, np.uint8))
        self._end, self._unit = 0, _WORD

    def add(self, batch: Batch) -> None:
        """Take a batch.

        Raises:
            DataError: the disk is full.
        """
        self._digests.add(digest(batch.keys))
        self._bounds.add(self._end + batch.sizes.cumsum())
        self._values.add(batch.values)
        self._end += len(batch.values)
        if (batch.sizes % _WORD).any():
            self._unit = 1

    def sorted(self) -> Sorted:
        """Return all of it in order, once.

        Raises:
            DataError: the disk is full.
        """
        digests, bounds = (own.read().view(np.ndarray) for own in (self._digests, self._bounds))
        values = self._values.read().view(np.ndarray)
        made = [growing_array(self._folder) for _ in range(3)]
        for own, array in zip(made, (digests, bounds, values), strict=True):
            own.add(array[:0])
        end = 0
        for places in _in_order(digests):
            starts, stops = bounds[places], bounds[places + 1]
            ends = end + (stops - starts).cumsum()
            made[0].add(digests[places])
            made[1].add(ends)
            for piece in _gathered(values, starts, stops, self._unit):
                made[2].add(piece)
            end = int(ends[-1])
        found = Sorted(*(own.read() for own in made))
        for own in (*made, self._digests, self._bounds, self._values):
            own.close()
        return found


def digest(keys: Sequence[bytes]) -> NDArray[np.bytes_]:
    """Return 16-byte digests of keys, shape (K,)."""
    made = b"".join([blake2b(key, digest_size=DIGEST).digest() for key in keys])
    return np.frombuffer(made, f"S{DIGEST}")


def key_digest(key: bytes) -> bytes:
    """Return the digest of one key."""
    return blake2b(key, digest_size=DIGEST).digest()


def _in_order(digests: NDArray[np.bytes_]) -> Iterator[NDArray[np.int64]]:
    """Yield the places of digests in ascending order, a slice at a time."""
    first = digests.view(np.uint8)[::DIGEST].copy()
    slices = min(_FIRST, -(-len(digests) // _SLICE))
    for low, high in pairwise(np.linspace(0, _FIRST, slices + 1).astype(int).tolist()):
        places = np.flatnonzero((first >= low) & (first < high))
        if len(places):
            yield places[_argsort(digests[places])]


def _argsort(digests: NDArray[np.bytes_]) -> NDArray[np.int64]:
    """Return what sorts digests: by their first eight bytes, which are hardly ever equal."""
    words = digests.view(">u8")[::2].astype(np.uint64)
    order = np.argsort(words)
    found = words[order]
    return np.argsort(digests) if (found[1:] == found[:-1]).any() else order


def _gathered(
    values: NDArray[np.uint8], starts: NDArray[np.int64], stops: NDArray[np.int64], unit: int
) -> Iterator[NDArray[np.uint8]]:
    """Yield the values between some bounds, one after another, several bytes a step if all can."""
    words = values.view(np.uint64) if unit == _WORD else values
    starts, sizes = starts // unit, (stops - starts) // unit
    ends = sizes.cumsum()
    cuts = np.searchsorted(ends, np.arange(0, ends[-1], _PIECE), side="right").tolist()
    for start, end in pairwise([*dict.fromkeys(cuts), len(sizes)]):
        own = sizes[start:end]
        places = np.arange(own.sum())
        places += np.repeat(starts[start:end] - (own.cumsum() - own), own)
        yield words.take(places).view(np.uint8)
