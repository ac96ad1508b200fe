"""Ids by hash: the same value gets the same id everywhere, without a vocabulary."""

import numpy as np
from numpy.typing import NDArray

from clickthrough.features.encoding.vocabulary import FIRST_KNOWN, MISSING
from clickthrough.schema import MISSING_INT

_FNV_BASIS, _FNV_PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)


def hashed_ids(values: NDArray[np.generic], buckets: int) -> NDArray[np.int32]:
    """Return the id of each value: 0 missing, else 2 to ``buckets + 1``.

    Numbers go through the finalizer of SplitMix64 (Steele et al., 2014), texts through FNV-1a and
    then the same.
    """
    if values.dtype.kind == "S":
        missing, mixed = values == b"", _splitmix(_fnv(values))
    else:
        missing, mixed = values == MISSING_INT, _splitmix(values.astype(np.int64).view(np.uint64))
    ids = (mixed % np.uint64(buckets)).astype(np.int64) + FIRST_KNOWN
    return np.where(missing, MISSING, ids).astype(np.int32)


def _splitmix(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    words = words + np.uint64(0x9E3779B97F4A7C15)
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def _fnv(texts: NDArray[np.generic]) -> NDArray[np.uint64]:
    """Hash texts byte by byte; the zeros that fill up an array's width do not count."""
    width = max(texts.dtype.itemsize, 1)
    letters = np.ascontiguousarray(texts).view(np.uint8).reshape(len(texts), width)
    state = np.full(len(texts), _FNV_BASIS)
    for place in range(width):
        letter = letters[:, place].astype(np.uint64)
        state = np.where(letter != 0, (state ^ letter) * _FNV_PRIME, state)
    return state
