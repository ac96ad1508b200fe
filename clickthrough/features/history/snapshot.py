"""What a bundle knows of each key: sorted key digests and packed values, read by memory map."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

_DIGEST = 16


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

    @classmethod
    def load(cls, folder: Path, name: str) -> Self:
        """Map the files that :meth:`save` wrote."""
        keys, ends, values = (
            np.load(folder / f"{name}.{part}.npy", mmap_mode="r", allow_pickle=False)
            for part in ("keys", "ends", "values")
        )
        return cls(keys, ends, values)

    def save(self, folder: Path, name: str) -> None:
        """Write ``NAME.keys.npy``, ``NAME.ends.npy`` and ``NAME.values.npy``."""
        parts = {"keys": self.digests, "ends": self.ends, "values": self.values}
        for part, array in parts.items():
            np.save(folder / f"{name}.{part}.npy", array, allow_pickle=False)

    def __len__(self) -> int:
        return len(self.digests)

    def read(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return the value of each key, None where there is none."""
        if len(self.digests) == 0 or not keys:
            return [None] * len(keys)
        wanted, last = digest(keys), len(self.digests) - 1
        # the same memory as plain arrays: memory maps are slow to index
        digests, ends, values = (a.view(np.ndarray) for a in (self.digests, self.ends, self.values))
        places = np.minimum(digests.searchsorted(wanted), last)
        known = (digests[places] == wanted).tolist()
        starts = np.where(places > 0, ends[places - 1], 0).tolist()
        packed = values.data
        spans = zip(known, starts, ends[places].tolist(), strict=True)
        return [packed[start:end].tobytes() if here else None for here, start, end in spans]


def digest(keys: Sequence[bytes]) -> NDArray[np.bytes_]:
    """Return 16-byte digests of keys, shape (K,)."""
    joined = b"".join(hashlib.blake2b(key, digest_size=_DIGEST).digest() for key in keys)
    return np.frombuffer(joined, f"S{_DIGEST}")
