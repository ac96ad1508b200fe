"""Counters as a bundle left them: sorted key digests and states, read by memory map."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from clickthrough.features.history.state import Floats

_DIGEST = 16


@dataclass(frozen=True)
class Snapshot:
    """The states of one key set.

    Attributes:
        digests: sorted digests of the keys, shape (K,), dtype S16.
        states: shape (K, width), in the same order.
    """

    digests: NDArray[np.bytes_]
    states: Floats

    @classmethod
    def empty(cls, width: int) -> Self:
        """Return a snapshot that knows no key."""
        return cls(np.empty(0, f"S{_DIGEST}"), np.empty((0, width)))

    @classmethod
    def of(cls, keys: list[bytes], states: Floats) -> Self:
        """Index states by their keys."""
        digests = digest(keys)
        order = np.argsort(digests)
        return cls(digests[order], states[order])

    @classmethod
    def load(cls, folder: Path, name: str) -> Self:
        """Map the files that :meth:`save` wrote."""
        digests = np.load(folder / f"{name}.keys.npy", mmap_mode="r", allow_pickle=False)
        states = np.load(folder / f"{name}.states.npy", mmap_mode="r", allow_pickle=False)
        return cls(digests, states)

    def save(self, folder: Path, name: str) -> None:
        """Write ``NAME.keys.npy`` and ``NAME.states.npy``."""
        np.save(folder / f"{name}.keys.npy", self.digests, allow_pickle=False)
        np.save(folder / f"{name}.states.npy", self.states, allow_pickle=False)

    def fill(self, states: Floats, places: list[int], keys: list[bytes]) -> None:
        """Overwrite the states at some places by those of the keys that are known here."""
        if len(self.digests) == 0:
            return
        wanted = digest(keys)
        found = np.minimum(np.searchsorted(self.digests, wanted), len(self.digests) - 1)
        known = self.digests[found] == wanted
        states[np.array(places, np.int64)[known]] = self.states[found[known]]


def digest(keys: list[bytes]) -> NDArray[np.bytes_]:
    """Return 16-byte digests of keys, shape (K,)."""
    joined = b"".join(hashlib.blake2b(key, digest_size=_DIGEST).digest() for key in keys)
    return np.frombuffer(joined, f"S{_DIGEST}")
