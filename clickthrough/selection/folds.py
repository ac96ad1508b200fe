"""Folds in order of time, and clicks dealt out anew: what noise would reach."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from clickthrough.training.rows.table import Table

FOLDS = 5

Labels = NDArray[np.int8]
Offsets = NDArray[np.int64]


def folds(table: Table, count: int = FOLDS) -> Iterator[tuple[Table, Table]]:
    """Yield each fold: what comes before a block of requests, and the block.

    A fold before which there are clicks alone, or none, is left out.

    Args:
        table: in order of time.
        count: how many.
    """
    requests = len(table.offsets) - 1
    bounds = np.arange(count + 2) * requests // (count + 1)
    for fold in range(1, count + 1):
        start, end = int(bounds[fold]), int(bounds[fold + 1])
        before, after = table.requests(0, start), table.requests(start, end)
        if 0 < before.labels.sum() < len(before) and len(after):
            yield before, after


def newest(table: Table, most: int) -> Table:
    """Return the last requests of a table, about ``most`` rows of them."""
    first = int(np.searchsorted(table.offsets, max(0, len(table) - most)))
    last = len(table.offsets) - 1
    return table.requests(min(first, last - 1), last)


def dealt(table: Table, seed: int, blocks: int = 1) -> Table:
    """Return a table whose clicks say nothing of what was shown.

    The clicks of a request are those of another one of its size and of about its time, in any
    order. Within the request alone would leave what users and pages say of its number of clicks,
    and the level of noise would be theirs. Over all rows would take away what only the size of a
    request says, or only the time: a counter of anything knows how late it is.
    """
    random = np.random.default_rng(seed)
    sizes, labels = np.diff(table.offsets), table.labels.copy()
    block = np.arange(len(sizes)) * blocks // max(len(sizes), 1)
    for alike in np.unique(np.stack([sizes, block]), axis=1).T.tolist():
        starts = table.offsets[:-1][(sizes == alike[0]) & (block == alike[1])]
        places = starts[:, None] + np.arange(alike[0])
        labels[places] = random.permuted(random.permutation(labels[places]), axis=1)
    return replace(table, labels=labels)


def levelled(table: Table) -> Table:
    """Return a table in whose weights requests of every size are clicked alike.

    A displayed set of two with one click is clicked twice as often as one of four: true of any
    log, and no merit of a feature.
    """
    sizes = np.diff(table.offsets)
    size = sizes.repeat(sizes)
    weights = np.ones(len(table)) if table.weights is None else table.weights.astype(np.float64)
    shown = np.bincount(size, weights)
    clicked = np.bincount(size, weights * table.labels, minlength=len(shown))
    odds = np.divide(clicked, shown - clicked, out=np.zeros(len(shown)), where=shown > clicked)
    overall = clicked.sum() / max(shown.sum() - clicked.sum(), 1)
    # of a size that only clicks or only passes nothing can be learned: it keeps its weights
    change = np.divide(odds, overall, out=np.ones(len(shown)), where=(odds > 0) & (overall > 0))
    levelled = np.where(table.labels == 1, weights, weights * change[size])
    return replace(table, weights=(levelled / levelled.mean()).astype(np.float32))
