"""Logistic calibration: a slope and an intercept."""

from typing import Literal, Self

import numpy as np

from clickthrough.calibration.base import LEAST_SLOPE, Curve, Floats, Ids, Labels, Scores
from clickthrough.calibration.newton import Regression, newton

_HELD = 1e12
"""A ridge that leaves a slope where it is."""


class Platt(Curve):
    """Logistic calibration, ``sigmoid(slope * logit + intercept)``.

    J. Platt, "Probabilistic outputs for support vector machines and comparisons to regularized
    likelihood methods", 1999.

    >>> round(float(Platt(slope=1.0, intercept=0.0).probability(np.array([0.0]))[0]), 3)
    0.5
    """

    method: Literal["platt"] = "platt"
    slope: float
    intercept: float

    @classmethod
    def fit(cls, logits: Scores, labels: Labels) -> Self:
        """Fit by Newton's method on the log loss.

        Scores that rank the wrong way get the least slope, and the intercept that goes with it.
        """
        scores = np.asarray(logits, np.float64)
        center, spread = float(scores.mean()), float(scores.std())
        spread = spread if spread > 1e-9 else 1.0
        # in standard units Newton converges whatever the scale of the scores
        design = np.stack([(scores - center) / spread, np.ones_like(scores)])
        # a little weight on slope 1 keeps separable or constant scores finite
        weights = _drawn_to(design, labels, spread, 1e-3 / spread**2)
        if weights[0] < LEAST_SLOPE * spread:
            weights = _drawn_to(design, labels, LEAST_SLOPE * spread, _HELD)
        slope = max(float(weights[0]) / spread, LEAST_SLOPE)
        return cls(slope=slope, intercept=float(weights[1]) - slope * center)

    def logit(self, logits: Scores, ids: Ids | None = None) -> Floats:
        """Return calibrated logits, shape (n,)."""
        return self.slope * logits.astype(np.float64) + self.intercept

    def describe(self) -> str:
        """Return slope and intercept."""
        return f"platt, slope {self.slope:.4g}, intercept {self.intercept:.4g}"


def _drawn_to(design: Floats, labels: Labels, slope: float, ridge: float) -> Floats:
    """Return slope and intercept, the slope drawn to a value with the weight ``ridge``."""
    prior, ridges = np.array([slope, 0.0]), np.array([ridge, 1e-6])
    return newton(Regression(design, labels, prior, ridges))
