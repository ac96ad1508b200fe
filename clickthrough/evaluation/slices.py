"""Metrics of parts of the test rows: where a model is good, and where it is not."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clickthrough.evaluation.metrics import all_metrics, row_metrics

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

REQUEST_METRICS = ("request_auc", "map_at_12", "ndcg")
"""What only whole requests define."""


@dataclass(frozen=True)
class Slice:
    """One division of the test rows.

    Attributes:
        values: what the parts are called.
        codes: the part of each row, a place in ``values``, shape (n,).
    """

    values: tuple[str, ...]
    codes: Ints


def sliced(
    labels: NDArray[np.int8],
    offsets: Ints,
    predictions: Mapping[str, Floats],
    division: Slice,
    truth: Floats | None = None,
) -> dict[str, dict[str, Any]]:
    """Evaluate predictions on each part of a division.

    Where the division cuts through requests (by place, by item), metrics of the order within a
    request are NaN: candidates that were shown together would be ranked apart.

    Args:
        labels: 0 or 1, shape (n,).
        offsets: where each request starts, and the end.
        predictions: name -> probabilities, shape (n,).
        division: the part of each row.
        truth: the true probabilities, shape (n,), where they are known.

    Returns:
        Part -> impressions, clicks, and ``results``: name -> metric -> value. Parts without rows
        are left out.
    """
    whole = keeps_requests(division.codes, offsets)
    request = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    found = {}
    for code, value in enumerate(division.values):
        rows = np.flatnonzero(division.codes == code)
        if not len(rows):
            continue
        own = np.append(np.flatnonzero(np.diff(request[rows], prepend=-1)), len(rows))
        part = {name: p[rows] for name, p in predictions.items()}
        known = None if truth is None else truth[rows]
        found[value] = {
            "impressions": len(rows),
            "clicks": int(np.sum(labels[rows] == 1)),
            "results": _results(labels[rows], own if whole else None, part, known),
        }
    return found


def keeps_requests(codes: Ints, offsets: Ints) -> bool:
    """Say whether every request lies in one part."""
    inner = np.ones(len(codes), bool)
    inner[offsets[:-1]] = False
    return bool(np.all(np.diff(codes, prepend=-1)[inner] == 0))


def _results(
    labels: NDArray[np.int8],
    offsets: Ints | None,
    predictions: Mapping[str, Floats],
    truth: Floats | None,
) -> dict[str, dict[str, float]]:
    """Return every metric of each name, those of the order as NaN without offsets."""
    if offsets is not None:
        return {name: all_metrics(labels, p, offsets, truth) for name, p in predictions.items()}
    undefined = dict.fromkeys(REQUEST_METRICS, float("nan"))
    return {name: row_metrics(labels, p, truth) | undefined for name, p in predictions.items()}
