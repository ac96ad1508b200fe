"""Features that say the same: columns whose ranks go together."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

ROWS = 20_000
"""Rows that are compared."""


def near_duplicates(
    matrix: NDArray[np.float32], origins: Sequence[str], ranked: Sequence[str], least: float
) -> dict[str, str]:
    """Return which features say the same as a better one.

    Args:
        matrix: what trees see of some rows, shape (n, columns).
        origins: the feature of each column.
        ranked: features, the best first.
        least: rank correlation that each column must have with one of the better feature's.

    Returns:
        The worse feature -> the better one.
    """
    columns = {name: np.flatnonzero([own == name for own in origins]) for name in ranked}
    alike = np.abs(_correlations(matrix)) >= least
    varies = np.ptp(matrix, axis=0) > 0
    made: dict[str, str] = {}
    for place, name in enumerate(ranked):
        own = columns[name][varies[columns[name]]]
        if not len(own):
            continue
        for better in ranked[:place]:
            if better not in made and alike[np.ix_(own, columns[better])].any(axis=1).all():
                made[name] = better
                break
    return made


def _correlations(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the rank correlation of each pair of columns, 0 where one of them is constant."""
    ranks = _ranks(matrix)
    ranks -= ranks.mean(axis=0)
    lengths = np.sqrt((ranks * ranks).sum(axis=0))
    ranks /= np.where(lengths > 0, lengths, 1.0)
    return ranks.T @ ranks


def _ranks(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return ranks within each column, those of ties their mean."""
    made = np.empty(matrix.shape, np.float32)
    for column in range(matrix.shape[1]):
        _, places, counts = np.unique(matrix[:, column], return_inverse=True, return_counts=True)
        made[:, column] = (counts.cumsum() - (counts - 1) / 2)[places]
    return made
