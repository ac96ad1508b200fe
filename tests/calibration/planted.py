"""Scores whose true probabilities are known."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from clickthrough.calibration.rows import Rows

Floats = NDArray[np.float64]
EACH = 4
"""Rows of a request."""


def sigmoid(logits: Floats) -> Floats:
    return 1 / (1 + np.exp(-logits))


def drawn(truth: Callable[[Floats], Floats], rows: int, seed: int) -> tuple[Rows, Floats]:
    """Return scores about -2 with their clicks, and the true logit of each."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(-2.0, 1.5, rows)
    logits = truth(scores)
    labels = (rng.random(rows) < sigmoid(logits)).astype(np.int8)
    return Rows(scores, labels, np.arange(rows) // EACH), logits


def regret(true: Floats, found: Floats) -> float:
    """Return what calibrated logits cost beyond the truth: mean divergence, in nats."""
    t = sigmoid(true)
    loss = np.logaddexp(0.0, found) - t * found
    least = np.logaddexp(0.0, true) - t * true
    return float(np.mean(loss - least))


def bent(scores: Floats) -> Floats:
    """Two slopes: no line comes near."""
    return np.where(scores > -2.0, 0.2 * (scores + 2.0), 1.6 * (scores + 2.0)) - 2.0


def waved(scores: Floats) -> Floats:
    return scores + 0.9 * np.sin(1.0 * scores)


def saturating(scores: Floats) -> Floats:
    """A model that is too sure at both ends."""
    return -2.5 + 1.5 * np.tanh(1.5 * (scores + 2.0))
