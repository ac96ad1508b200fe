"""Metrics of the order within a request: average precision and discounted cumulative gain.

Candidates with equal scores have no order of their own, and the order of rows must not lend them
one. So each metric is its expectation over all orders of the ties, computed exactly (McSherry and
Najork, 2008, "Computing information retrieval performance measures efficiently in the presence of
tied scores"): a constant reaches what a random order reaches.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Labels = NDArray[np.generic]

CUTOFF = 12
"""MAP@12 is the measure of the Kaggle competition 'Outbrain Click Prediction' (2016)."""


@dataclass(frozen=True)
class _Ranked:
    """Rows of requests, the best of each first; ties are blocks. Every array has shape (n,).

    Attributes:
        request: the request of each row.
        place: its place in the request, from 1.
        size: rows of its block.
        within: its place in the block, from 0.
        clicks: clicks of the block.
        above: clicks of the request above the block.
    """

    request: Ints
    place: Ints
    size: Ints
    within: Ints
    clicks: Ints
    above: Ints


def average_precisions(
    labels: Labels, scores: Floats, offsets: Ints, cutoff: int = CUTOFF
) -> Floats:
    """Return the average precision of each request among its first places, ties in random order.

    The mean of precision at the place of each click, over min(clicks, cutoff); clicks after the
    cutoff add nothing. With one click it is one over its place.

    Args:
        labels: 0 or 1, shape (n,).
        scores: shape (n,).
        offsets: where each request starts, and the end, shape (requests + 1,).
        cutoff: how many places count.

    Returns:
        Shape (requests,); NaN for a request without a click, or of one candidate: it ranks nothing.

    >>> average_precisions(np.array([0, 1, 0]), np.array([0.9, 0.5, 0.1]), np.array([0, 3]))
    array([0.5])
    """
    rows = _ranked(labels, scores, offsets)
    chance = rows.clicks / rows.size  # that a click stands at this place
    others = rows.within * (rows.clicks - 1) / np.maximum(rows.size - 1, 1)
    precision = chance * (rows.above + 1 + others) / rows.place
    total = _per_request(rows, np.where(rows.place <= cutoff, precision, 0.0), offsets)
    return _over(total, np.minimum(_clicks(labels, offsets), cutoff), offsets)


def ndcgs(labels: Labels, scores: Floats, offsets: Ints) -> Floats:
    """Return the normalized discounted cumulative gain of each request, ties in random order.

    A click gains 1 over log2(1 + its place); 1 is all clicks first (Järvelin and Kekäläinen,
    2002). All places count.

    Args:
        labels: 0 or 1, shape (n,).
        scores: shape (n,).
        offsets: where each request starts, and the end, shape (requests + 1,).

    Returns:
        Shape (requests,); NaN for a request without a click, or of one candidate.

    >>> ndcgs(np.array([0, 0, 1]), np.array([0.9, 0.5, 0.1]), np.array([0, 3]))
    array([0.5])
    """
    rows = _ranked(labels, scores, offsets)
    gain = rows.clicks / rows.size / np.log2(rows.place + 1)
    longest = int(np.diff(offsets).max(initial=0))
    ideal = np.cumsum(np.append(0.0, 1 / np.log2(np.arange(longest) + 2)))
    return _over(_per_request(rows, gain, offsets), ideal[_clicks(labels, offsets)], offsets)


def mean_average_precision(
    labels: Labels, scores: Floats, offsets: Ints, cutoff: int = CUTOFF
) -> float:
    """Return the mean of :func:`average_precisions` over requests with a click among several."""
    return mean_of_known(average_precisions(labels, scores, offsets, cutoff))


def ndcg(labels: Labels, scores: Floats, offsets: Ints) -> float:
    """Return the mean of :func:`ndcgs` over requests with a click among several."""
    return mean_of_known(ndcgs(labels, scores, offsets))


def mean_of_known(values: Floats) -> float:
    """Return the mean of the values that are not NaN; NaN without any."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def _ranked(labels: Labels, scores: Floats, offsets: Ints) -> _Ranked:
    request = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    order = np.lexsort((-scores, request))
    scores, clicked = scores[order], labels[order] == 1  # requests stay where they were
    new = np.ones(len(order), bool)
    new[1:] = (scores[1:] != scores[:-1]) | (request[1:] != request[:-1])
    starts, block = np.flatnonzero(new), np.cumsum(new) - 1
    before = np.append(0, np.cumsum(clicked))
    ends = np.append(starts[1:], len(order))
    at, first = np.arange(len(order)), offsets[request]
    return _Ranked(
        request=request,
        place=at - first + 1,
        size=(ends - starts)[block],
        within=at - starts[block],
        clicks=(before[ends] - before[starts])[block],
        above=before[starts][block] - before[first],
    )


def _per_request(rows: _Ranked, values: Floats, offsets: Ints) -> Floats:
    return np.bincount(rows.request, values, len(offsets) - 1).astype(np.float64, copy=False)


def _clicks(labels: Labels, offsets: Ints) -> Ints:
    clicks: Ints = np.diff(np.append(0, np.cumsum(labels == 1))[offsets])
    return clicks


def _over(total: Floats, best: Floats | Ints, offsets: Ints) -> Floats:
    """Divide; NaN where nothing could be reached, or nothing is ranked."""
    reachable = (best > 0) & (np.diff(offsets) > 1)
    ratio: Floats = np.divide(total, best, out=np.full(len(total), np.nan), where=reachable)
    return ratio
