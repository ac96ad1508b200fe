"""Logistic calibration: a slope and an intercept."""

from typing import Literal, Self

import numpy as np

from clickthrough.calibration.base import LEAST_SLOPE, Curve, Floats, Ids, Labels, Scores
from clickthrough.calibration.newton import Regression, newton

_ONE_CLICK = 1.0
"""A ridge in standard units: what about one click says of the slope, for slope 1. So scores that
happen to separate a few clicks from the rest do not make a cliff."""
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
        weights = _drawn_to(design, labels, (spread, center), _ONE_CLICK)
        if weights[0] < LEAST_SLOPE * spread:
            weights = _drawn_to(design, labels, (LEAST_SLOPE * spread, center), _HELD)
        slope = max(float(weights[0]) / spread, LEAST_SLOPE)
        return cls(slope=slope, intercept=float(weights[1]) - slope * center)

    def logit(self, logits: Scores, ids: Ids | None = None) -> Floats:
        """Return calibrated logits, shape (n,)."""
        return self.slope * logits.astype(np.float64) + self.intercept

    def describe(self) -> str:
        """Return slope and intercept."""
        return f"platt, slope {self.slope:.4g}, intercept {self.intercept:.4g}"


def _drawn_to(
    design: Floats, labels: Labels, identity: tuple[float, float], ridge: float
) -> Floats:
    """Return slope and intercept in standard units, drawn to those of a map believed before.

    The slope is drawn with the weight ``ridge``; the intercept by next to nothing, so that
    predicted clicks are observed clicks.
    """
    return newton(Regression(design, labels, np.array(identity), np.array([ridge, 1e-6])))
