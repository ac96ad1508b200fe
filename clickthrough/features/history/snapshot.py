"""What a bundle knows of each key: sorted key digests and packed values, read by memory map."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from clickthrough.features.history.snapshot_builder import (
    DIGEST,
    Batch,
    SnapshotBuilder,
    digest,
    key_digest,
)

_BATCH = 50_000
"""So many pairs are indexed at once."""
_A_BUCKET = 2
"""So many keys share their first bits, on average."""
_REMEMBERED, _SHORT = 4_096, 256
"""So many values of a snapshot are kept at hand, if they are no longer than so many bytes."""
_FEW = 16
"""So many keys are looked for one by one: all at once would take longer."""


@dataclass(frozen=True)
class Snapshot:
    """Values by key, as a store would hold them; nothing in it changes.

    Attributes:
        digests: sorted digests of the keys, shape (K,), dtype S16.
        ends: where each value ends in ``values``, shape (K,).
        values: all values, one after another, uint8.
    """

    digests: NDArray[np.bytes_]
    ends: NDArray[np.int64]
    values: NDArray[np.uint8]

    @classmethod
    def of(cls, states: Mapping[bytes, bytes]) -> Self:
        """Index values by their keys."""
        return cls.of_pairs(states.items())

    @classmethod
    def of_pairs(cls, pairs: Iterable[tuple[bytes, bytes]], folder: Path | None = None) -> Self:
        """Index values by their keys, each of which comes once.

        Args:
            pairs: keys with their values; there may be millions.
            folder: where there is room for files without a name, that all of it need not be held.

        Raises:
            DataError: the disk is full.
        """
        builder, rest = SnapshotBuilder(folder), iter(pairs)
        while some := [*islice(rest, _BATCH)]:
            builder.add(Batch.of(*zip(*some, strict=True)))
        return cls(*builder.sorted())

    @staticmethod
    def files(folder: Path, name: str) -> tuple[Path, Path, Path]:
        """Return where digests, ends and values lie."""
        keys, ends, values = (folder / f"{name}.{part}.npy" for part in ("keys", "ends", "values"))
        return keys, ends, values

    def save(self, folder: Path, name: str) -> None:
        """Write ``NAME.keys.npy``, ``NAME.ends.npy`` and ``NAME.values.npy``."""
        arrays: tuple[NDArray[np.generic], ...] = (self.digests, self.ends, self.values)
        for path, values in zip(self.files(folder, name), arrays, strict=True):
            np.save(path, values, allow_pickle=False)

    def __len__(self) -> int:
        return len(self.digests)

    def __getstate__(self) -> dict[str, NDArray[np.generic]]:
        """Leave out what is worked out of the arrays."""
        return {"digests": self.digests, "ends": self.ends, "values": self.values}

    def read(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return the value of each key, None where there is none."""
        if len(self.digests) == 0:
            return [None] * len(keys)
        return self.index.read(keys)

    @cached_property
    def index(self) -> "_Index":
        """What finds the values; made when it is first needed."""
        return _Index(self)


class _Index:
    """Finds a value by the first bits of its digest, which are as good as drawn at random."""

    def __init__(self, snapshot: Snapshot) -> None:
        # the same memory as plain arrays and bytes: memory maps are slow to index
        digests, ends, values = (
            array.view(np.ndarray) for array in (snapshot.digests, snapshot.ends, snapshot.values)
        )
        self._words = digests.view(">u8").reshape(-1, 2)
        bits = max(1, (len(digests) // _A_BUCKET).bit_length())
        self._shift = 64 - bits
        sizes = np.bincount((self._words[:, 0] >> np.uint64(self._shift)).astype(np.int64))
        self._starts = np.zeros((1 << bits) + 1, np.int64)
        self._starts[1 : len(sizes) + 1] = sizes
        np.cumsum(self._starts, out=self._starts)
        self._bounds, self._digests = self._starts.data, digests.view(np.uint8).data
        self._ends, self._values = ends.data, values.data
        self._known: dict[bytes, bytes] = {}  # what is shown is asked for again and again

    def read(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return the value of each key, None where there is none."""
        found = [*map(self._known.get, keys)]
        if None not in found:
            return found
        absent = [place for place, value in enumerate(found) if value is None]
        asked = [keys[place] for place in absent]
        for place, at in zip(absent, self._places(asked), strict=True):
            if at >= 0:
                found[place] = self._remembered(keys[place], at)
        return found

    def _places(self, keys: Sequence[bytes]) -> list[int]:
        """Return where each key is, -1 where it is not."""
        if len(keys) <= _FEW:
            return [*map(self._place, keys)]
        wanted = digest(keys).view(">u8").reshape(-1, 2)
        buckets = (wanted[:, 0] >> np.uint64(self._shift)).astype(np.int64)
        starts = self._starts.take(buckets)
        sizes = self._starts.take(buckets + 1) - starts
        rows = np.arange(len(keys)).repeat(sizes)
        places = np.arange(len(rows)) + (starts - sizes.cumsum() + sizes).repeat(sizes)
        same = (self._words.take(places, axis=0) == wanted.take(rows, axis=0)).all(axis=1)
        found = np.full(len(keys), -1)
        found[rows[same]] = places[same]
        return found.tolist()

    def _place(self, key: bytes) -> int:
        wanted, bounds, digests = key_digest(key), self._bounds, self._digests
        bucket = int.from_bytes(wanted[:8]) >> self._shift
        for place in range(bounds[bucket], bounds[bucket + 1]):
            if digests[place * DIGEST : (place + 1) * DIGEST] == wanted:
                return place
        return -1

    def _remembered(self, key: bytes, place: int) -> bytes:
        start = self._ends[place - 1] if place else 0
        value = self._values[start : self._ends[place]].tobytes()
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        if len(value) <= _SHORT:
            self._known[key] = value
        return value
