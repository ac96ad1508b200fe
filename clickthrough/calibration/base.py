"""The seam: what every calibrator is and is held to (``tests/calibration/test_contract.py``)."""

from abc import ABC, abstractmethod
from typing import Self

import numpy as np
from numpy.typing import NDArray

from clickthrough.config.base import Strict

Floats = NDArray[np.float64]
Ids = NDArray[np.int32]
Labels = NDArray[np.integer]
Scores = NDArray[np.floating]

LEAST_SLOPE = 1e-3
"""The least by which a calibrated logit rises with the score: no plateau ties a ranking."""
MOST_LOGIT = 30.0
"""Keeps probabilities strictly inside (0, 1) in float64."""


class Calibrator(Strict, ABC):
    """A map from a model's score to a calibrated logit, continuous and strictly increasing."""

    @abstractmethod
    def logit(self, logits: Scores, ids: Ids | None = None) -> Floats:
        """Return calibrated logits, shape (n,).

        Args:
            logits: scores, shape (n,).
            ids: the encoded id columns of the same rows, shape (n, id columns); read only where
                the map differs by the value of a field.
        """

    @abstractmethod
    def describe(self) -> str:
        """Return for a reader what it does."""

    def probability(self, logits: Scores, ids: Ids | None = None) -> Floats:
        """Return calibrated probabilities, strictly between 0 and 1, shape (n,)."""
        return self.probability_of(self.logit(logits, ids))

    @staticmethod
    def probability_of(calibrated: Floats) -> Floats:
        """Return the probabilities of calibrated logits, shape (n,)."""
        return sigmoid(calibrated)


class Curve(Calibrator):
    """One map for all rows, whatever their fields."""

    @classmethod
    @abstractmethod
    def fit(cls, logits: Scores, labels: Labels) -> Self:
        """Fit to labelled scores, of whatever number and kind.

        Args:
            logits: scores, shape (n,), at least one.
            labels: 0 or 1, shape (n,).
        """


def sigmoid(logits: Floats) -> Floats:
    """Return probabilities strictly between 0 and 1."""
    held = np.maximum(np.minimum(logits, MOST_LOGIT), -MOST_LOGIT)
    return 1.0 / (1.0 + np.exp(-held))
