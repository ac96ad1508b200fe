"""Intervals by resampling requests: impressions of one request are not independent.

A resample draws as many requests as there are, with replacement (Efron and Tibshirani, 1993), so it
is a whole weight for each request. Metrics are computed from the weights: those of a request
are summed, AUC is a weighted count over one sort. Every name sees the same resamples, so the
difference of two names is paired. The calibration error of a resample holds chance twice, so its
interval lies rather high.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from clickthrough.evaluation.weighted import WeightedMetrics

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Labels = NDArray[np.integer]
Samples = dict[str, Floats]
"""Metric -> its value in each resample, shape (resamples,)."""

_BLOCK = 10
"""Resamples at a time: bounds memory."""


def resampled(
    labels: Labels,
    probabilities: Floats,
    offsets: Ints,
    resamples: int,
    seed: int,
    truth: Floats | None = None,
) -> Samples:
    """Return every metric in each resample; NaN where a resample does not define it.

    Args:
        labels: 0 or 1, shape (n,).
        probabilities: shape (n,).
        offsets: where each request starts, and the end, shape (requests + 1,).
        resamples: how many.
        seed: of the drawing; the same seed draws the same requests.
        truth: the true probabilities, shape (n,), where they are known.
    """
    metrics = WeightedMetrics(labels, probabilities, offsets, truth)
    found = [metrics.of(drawn) for drawn in request_weights(len(offsets) - 1, resamples, seed)]
    return {name: np.concatenate([block[name] for block in found]) for name in found[0]}


def request_weights(requests: int, resamples: int, seed: int) -> Iterator[NDArray[np.int32]]:
    """Yield how often each request is drawn, shape (at most 10, requests), block by block."""
    rng = np.random.default_rng(seed)
    for start in range(0, resamples, _BLOCK):
        drawn = [
            np.bincount(rng.integers(0, requests, requests, np.int32), minlength=requests)
            for _ in range(min(_BLOCK, resamples - start))
        ]
        yield np.stack(drawn).astype(np.int32)


def interval(values: Floats, confidence: float) -> list[float] | None:
    """Return both ends of the percentile interval; None where no resample defines a value."""
    known = values[~np.isnan(values)]
    if not len(known):
        return None
    outside = (1 - confidence) / 2
    return [float(end) for end in np.quantile(known, [outside, 1 - outside])]
