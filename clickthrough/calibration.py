"""From a model's score to a probability that means what it says."""

from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from clickthrough.config.base import Strict

Floats = NDArray[np.float64]

_LEAST_SLOPE = 1e-3
_HELD = 1e12
"""A ridge that leaves a slope where it is."""
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

        Scores that rank the wrong way get the least slope, and the intercept that goes with it.

        Args:
            logits: scores, shape (n,).
            labels: 0 or 1, shape (n,).
            steps: at most so many Newton steps.
        """
        scores = np.asarray(logits, np.float64)
        center, spread = float(scores.mean()), float(scores.std())
        spread = spread if spread > 1e-9 else 1.0
        # in standard units Newton converges whatever the scale of the scores
        design = np.stack([(scores - center) / spread, np.ones_like(scores)])
        # a little weight on slope 1 keeps separable or constant scores finite
        weights = _newton(design, labels, spread, 1e-3 / spread**2, steps)
        if weights[0] < _LEAST_SLOPE * spread:
            weights = _newton(design, labels, _LEAST_SLOPE * spread, _HELD, steps)
        slope = max(float(weights[0]) / spread, _LEAST_SLOPE)
        return cls(slope=slope, intercept=float(weights[1]) - slope * center)

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


def _newton(
    design: Floats, labels: NDArray[np.integer], slope: float, ridge: float, steps: int
) -> Floats:
    """Return slope and intercept, the slope drawn to a value with the weight ``ridge``."""
    prior, weight = np.array([slope, 0.0]), np.diag([ridge, 1e-6])
    weights = np.zeros(2)
    for _ in range(steps):
        p = _sigmoid(weights @ design)
        gradient = design @ (p - labels) + weight @ (weights - prior)
        hessian = (design * (p * (1 - p))) @ design.T + weight
        step = np.linalg.solve(hessian, gradient)
        weights = weights - step * min(1.0, 5.0 / (np.abs(step).max() + 1e-12))
        if np.abs(step).max() < 1e-10:
            break
    return weights


def _sigmoid(logits: Floats) -> Floats:
    return 1.0 / (1.0 + np.exp(-np.clip(logits, -_MOST_LOGIT, _MOST_LOGIT)))
