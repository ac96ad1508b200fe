"""Logs with known probabilities, and rows of any labels and scores."""

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Log = tuple[NDArray[np.int8], Floats, NDArray[np.int64], Floats]


SCORES = st.sampled_from([0.01, 0.2, 0.2 + 1e-9, 0.5, 0.75, 0.99])
ROWS = st.lists(st.tuples(st.integers(0, 1), SCORES), min_size=1, max_size=30)


def arrays(rows: list[tuple[int, float]]) -> tuple[NDArray[np.int8], Floats]:
    """Return labels and scores of rows."""
    labels, scores = zip(*rows, strict=True)
    return np.array(labels, np.int8), np.array(scores)


def planted_log(seed: int, requests: int, spread: float = 0.0, step: float = 0.0) -> Log:
    """Return labels, predictions, offsets and the truth: requests differ by a hidden amount."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 7, requests)
    offsets = np.append(0, np.cumsum(sizes))
    logit = rng.normal(-1.0, 1.0, offsets[-1])
    true = 1 / (1 + np.exp(-logit - np.repeat(rng.normal(0, spread, requests), sizes)))
    labels = (rng.random(len(true)) < true).astype(np.int8)
    p = 1 / (1 + np.exp(-logit))
    return labels, np.round(p / step) * step if step else p, offsets, true
