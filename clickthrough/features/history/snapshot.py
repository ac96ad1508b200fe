"""What a bundle knows of each key: sorted key digests and packed values, read by memory map."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

_DIGEST = 16
_A_BUCKET = 2
"""So many keys share their first bits, on average."""


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
        digests = digest(list(states))
        order = np.argsort(digests)
        packed = list(states.values())
        ordered = [packed[place] for place in order]
        ends = np.cumsum([len(value) for value in ordered], dtype=np.int64)
        return cls(digests[order], ends, np.frombuffer(b"".join(ordered), np.uint8))

    @staticmethod
    def files(folder: Path, name: str) -> tuple[Path, Path, Path]:
        """Return where digests, ends and values lie."""
        keys, ends, values = (folder / f"{name}.{part}.npy" for part in ("keys", "ends", "values"))
        return keys, ends, values

    def save(self, folder: Path, name: str) -> None:
        """Write ``NAME.keys.npy``, ``NAME.ends.npy`` and ``NAME.values.npy``."""
        arrays: tuple[NDArray[np.generic], ...] = (self.digests, self.ends, self.values)
        for path, array in zip(self.files(folder, name), arrays, strict=True):
            np.save(path, array, allow_pickle=False)

    def __len__(self) -> int:
        return len(self.digests)

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
        # the same memory as plain bytes: memory maps are slow to index
        digests, ends, values = (
            array.view(np.ndarray) for array in (snapshot.digests, snapshot.ends, snapshot.values)
        )
        bits = max(1, (len(digests) // _A_BUCKET).bit_length())
        self._shift = 64 - bits
        first_words = digests.view(">u8")[::2]
        sizes = np.bincount((first_words >> np.uint64(self._shift)).astype(np.int64))
        starts = np.zeros((1 << bits) + 1, np.int64)
        starts[1 : len(sizes) + 1] = sizes
        self._starts = starts.cumsum().data
        self._digests, self._ends, self._values = (
            digests.view(np.uint8).data,
            ends.data,
            values.data,
        )

    def read(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return the value of each key, None where there is none."""
        shift, starts, digests = self._shift, self._starts, self._digests
        found: list[bytes | None] = []
        for wanted in map(_digest, keys):
            bucket = int.from_bytes(wanted[:8]) >> shift
            value = None
            for place in range(starts[bucket], starts[bucket + 1]):
                if digests[place * _DIGEST : (place + 1) * _DIGEST] == wanted:
                    start = self._ends[place - 1] if place else 0
                    value = self._values[start : self._ends[place]].tobytes()
                    break
            found.append(value)
        return found


def digest(keys: Sequence[bytes]) -> NDArray[np.bytes_]:
    """Return 16-byte digests of keys, shape (K,)."""
    return np.frombuffer(b"".join(map(_digest, keys)), f"S{_DIGEST}")


def _digest(key: bytes) -> bytes:
    return blake2b(key, digest_size=_DIGEST).digest()
