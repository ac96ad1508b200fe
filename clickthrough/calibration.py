"""From a model's score to a probability that means what it says."""

from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from clickthrough.config.base import Strict

Floats = NDArray[np.float64]

_LEAST_SLOPE = 1e-3
_MOST_LOGIT = 30.0
"""Keeps probabilities strictly inside (0, 1) in float64."""


class Platt(Strict):
    """Logistic calibration, ``sigmoid(slope * logit + intercept)`` (Platt, 1999).

    Continuous and strictly increasing, so it changes no ranking.

    >>> round(float(Platt(slope=1.0, intercept=0.0).probability(np.array([0.0]))[0]), 3)
    0.5
    """

    method: Literal["platt"] = "platt"
    slope: float
    intercept: float

    @classmethod
    def fit(
        cls, logits: NDArray[np.floating], labels: NDArray[np.integer], steps: int = 50
    ) -> Self:
        """Fit by Newton's method on the log loss.

        Args:
            logits: scores, shape (n,).
            labels: 0 or 1, shape (n,).
            steps: at most so many Newton steps.
        """
        scores = np.clip(np.asarray(logits, np.float64), -_MOST_LOGIT, _MOST_LOGIT)
        design = np.stack([scores, np.ones_like(scores)])
        weights = np.array([1.0, 0.0])
        # a little weight on slope 1 keeps separable or constant scores finite
        prior, ridge = weights.copy(), np.diag([1e-3, 1e-6])
        for _ in range(steps):
            p = _sigmoid(weights @ design)
            gradient = design @ (p - labels) + ridge @ (weights - prior)
            hessian = (design * (p * (1 - p))) @ design.T + ridge
            step = np.linalg.solve(hessian, gradient)
            weights = weights - step * min(1.0, 5.0 / (np.abs(step).max() + 1e-12))
            if np.abs(step).max() < 1e-10:
                break
        return cls(slope=max(float(weights[0]), _LEAST_SLOPE), intercept=float(weights[1]))

    def logit(self, logits: NDArray[np.floating]) -> Floats:
        """Return calibrated logits, shape (n,)."""
        return self.slope * logits.astype(np.float64) + self.intercept

    def probability(self, logits: NDArray[np.floating]) -> Floats:
        """Return calibrated probabilities, strictly between 0 and 1, shape (n,)."""
        return self.probability_of(self.logit(logits))

    @staticmethod
    def probability_of(calibrated: Floats) -> Floats:
        """Return the probabilities of calibrated logits, shape (n,)."""
        return _sigmoid(calibrated)


def _sigmoid(logits: Floats) -> Floats:
    return 1.0 / (1.0 + np.exp(-np.clip(logits, -_MOST_LOGIT, _MOST_LOGIT)))
