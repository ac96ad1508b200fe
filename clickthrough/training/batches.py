"""The rows of an epoch, shuffled, a batch at a time."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


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


def row_batches(count: int, size: int, rng: np.random.Generator) -> Iterator[Batch]:
    """Yield every row once, in random order."""
    for rows in torch.split(torch.from_numpy(rng.permutation(count)), size):
        yield Batch(rows)


def request_batches(
    offsets: NDArray[np.int64], size: int, rng: np.random.Generator
) -> Iterator[Batch]:
    """Yield every request once and whole, in random order; a batch has about ``size`` rows.

    Args:
        offsets: where each request starts, and the end, shape (requests + 1,).
        size: rows; a larger request is a batch of its own.
        rng: decides the order.
    """
    order = rng.permutation(len(offsets) - 1)
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
