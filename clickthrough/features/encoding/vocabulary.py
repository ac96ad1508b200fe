"""Ids of values: a sorted array searched by bisection, so that it loads by memory map."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from clickthrough.schema import MISSING_INT

MISSING, UNSEEN, FIRST_KNOWN = 0, 1, 2

LONGEST = 48
"""Longer texts are held as a digest, so that one long value does not widen every other."""


class Vocabulary:
    """The values of a field that the training period held often enough.

    >>> words = Vocabulary(np.array([10, 20, 30]))
    >>> words.encode(np.array([20, 99, MISSING_INT])).tolist()
    [3, 1, 0]
    """

    def __init__(self, values: NDArray[np.generic]) -> None:
        """Take the known values: int64 or bytes, sorted, none of them missing."""
        self.values = values
        self._known = values.view(np.ndarray)  # the same memory: a memory map is slow to index

    @property
    def size(self) -> int:
        """The number of ids: the known values, missing and unseen."""
        return len(self.values) + FIRST_KNOWN

    def encode(self, values: NDArray[np.generic]) -> NDArray[np.int32]:
        """Return the id of each value, shape (n,): 0 missing, 1 unseen, else 2 and up."""
        values = shorten(values)
        missing = values == b"" if values.dtype.kind == "S" else values == MISSING_INT
        if len(self.values) == 0:
            return np.where(missing, MISSING, UNSEEN).astype(np.int32)
        place = self._known.searchsorted(self._comparable(values))
        known = self._known.take(place, mode="clip") == values
        ids = np.where(known, place + FIRST_KNOWN, np.where(missing, MISSING, UNSEEN))
        return ids.astype(np.int32)

    def _comparable(self, values: NDArray[np.generic]) -> NDArray[np.generic]:
        """Cut texts to the width of the known ones: numpy would widen all of these at each call.

        A text that was cut is found where it does not belong, and is told apart there.
        """
        wide = values.dtype.kind == "S" and values.dtype.itemsize > self.values.dtype.itemsize
        return values.astype(self.values.dtype) if wide else values


def shorten(values: NDArray[np.generic]) -> NDArray[np.generic]:
    """Replace texts of more than 48 bytes by their beginning and a digest."""
    if values.dtype.kind != "S" or values.dtype.itemsize <= LONGEST:
        return values
    texts: NDArray[np.bytes_] = values.astype(np.bytes_)
    long = np.flatnonzero(np.strings.str_len(texts) > LONGEST)
    kept = values.astype(f"S{LONGEST}")
    for place in long:
        kept[place] = shortened(bytes(texts[place]))
    return kept


def shortened(text: bytes) -> bytes:
    """Return a text as it is held: of more than 48 bytes, its beginning and a digest."""
    text = text.rstrip(b"\0")  # as numpy takes texts
    if len(text) <= LONGEST:
        return text
    digest = hashlib.blake2b(text, digest_size=12).hexdigest().encode()
    return text[: LONGEST - len(digest)] + digest
