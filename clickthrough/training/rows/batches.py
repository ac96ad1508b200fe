"""The rows of an epoch, shuffled, a batch at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from clickthrough.config.training import Training
from clickthrough.training.rows.sampling import kept_rows
from clickthrough.training.rows.table import Table

_BLOCK = 8_192
"""Rows that lie side by side on disk and are read together."""


@dataclass(frozen=True)
class Batch:
    """Some rows.

    Attributes:
        rows: their places in the table, shape (b,).
        request: the number of each row's request within the batch, shape (b,); None where rows
            were drawn without regard to requests.
    """

    rows: Tensor
    request: Tensor | None = None

    def __len__(self) -> int:
        return len(self.rows)


def batches_of(table: Table, settings: Training, rng: np.random.Generator) -> Iterator[Batch]:
    """Yield the batches of an epoch: of whole requests where the loss compares candidates."""
    size = _size(table, settings)
    if settings.listwise > 0:
        together = max(1, settings.shuffle_rows * (len(table.offsets) - 1) // max(len(table), 1))
        for requests in shuffled(len(table.offsets) - 1, together, rng):
            yield from request_batches(table.offsets, requests, size)
        return
    kept = None
    if settings.negatives < 1:
        kept = kept_rows(table.labels, settings.negatives, rng)
    for rows in shuffled(len(table) if kept is None else len(kept), settings.shuffle_rows, rng):
        chosen = torch.from_numpy(rows if kept is None else kept[rows])
        yield from (Batch(part) for part in torch.split(chosen, size))


def step_count(table: Table, settings: Training) -> int:
    """Return about how many batches an epoch has."""
    clicks = int(np.count_nonzero(table.labels))
    rows = clicks + settings.negatives * (len(table) - clicks)
    return max(1, ceil(rows / _size(table, settings)))


def _size(table: Table, settings: Training) -> int:
    return max(2, min(settings.batch_size, len(table) // settings.least_steps))


def shuffled(count: int, together: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Yield the numbers below a count in random order, some at a time.

    Where they are more than ``together``, blocks of neighbours are drawn at random until they are
    as many, and shuffled among themselves: each group of rows is read from disk once, in runs.

    Args:
        count: how many.
        together: how many are shuffled among themselves.
        rng: decides the order.
    """
    if count <= together:
        yield rng.permutation(count)
        return
    block = min(_BLOCK, together)
    blocks = rng.permutation(ceil(count / block))
    group = together // block
    for first in range(0, len(blocks), group):
        runs = [
            np.arange(b * block, min((b + 1) * block, count)) for b in blocks[first : first + group]
        ]
        yield rng.permutation(np.concatenate(runs))


def request_batches(
    offsets: NDArray[np.int64], order: NDArray[np.int64], size: int
) -> Iterator[Batch]:
    """Yield requests whole, in a given order; a batch has about ``size`` rows.

    Args:
        offsets: where each request starts, and the end, shape (requests + 1,).
        order: the requests.
        size: rows; a larger request is a batch of its own.
    """
    ends = np.cumsum(np.diff(offsets)[order])
    first = 0
    while first < len(order):
        done = int(ends[first - 1]) if first else 0
        last = max(int(np.searchsorted(ends, done + size, side="right")), first + 1)
        yield _whole(offsets, order[first:last])
        first = last


def _whole(offsets: NDArray[np.int64], requests: NDArray[np.int64]) -> Batch:
    """Return the rows of some requests, those of a request side by side."""
    sizes = np.diff(offsets)[requests]
    request = np.repeat(np.arange(len(requests)), sizes)
    within = np.arange(len(request)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return Batch(torch.from_numpy(offsets[requests][request] + within), torch.from_numpy(request))
