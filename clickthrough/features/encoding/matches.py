"""How many of a key's last clicked values equal an impression's own."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from clickthrough.schema import MISSING_INT

Floats = NDArray[np.float64]
Match = tuple[NDArray[np.generic], NDArray[np.generic], NDArray[np.generic]]
"""Clicked values, shape (n, length), or (1, length) where rows share them; how many they are, NaN
without a key; an impression's own value, shape (n,)."""


def matches(several: Sequence[Match]) -> list[Floats]:
    """Return the counts of several matches, each of shape (n,); those of like shapes at once.

    They are NaN where the key or the impression's own value is missing.
    """
    alike: dict[tuple[int, ...], list[int]] = {}
    for place, (clicked, size, own) in enumerate(several):
        whole = own.dtype == clicked.dtype == np.int64
        form = (-1 if whole else place, len(clicked), len(size), len(own), clicked.shape[1])
        alike.setdefault(form, []).append(place)
    made: dict[int, Floats] = {}
    for group in alike.values():
        sides = [several[place] for place in group]
        stacked = [np.array([side[part] for side in sides]) for part in range(3)]
        made.update(zip(group, _matches(*stacked), strict=True))
    return [made[place] for place in range(len(several))]


def _matches(
    clicked: NDArray[np.generic], size: NDArray[np.generic], own: NDArray[np.generic]
) -> Floats:
    """Count of several matches: (m, n, length), (m, n), (m, n) -> (m, n)."""
    equal = (clicked == own[:, :, None]).sum(axis=2)
    absent = b"" if own.dtype.kind == "S" else MISSING_INT
    missing = np.isnan(size.astype(np.float64)) | (own == absent)
    return np.where(missing, np.nan, equal)
