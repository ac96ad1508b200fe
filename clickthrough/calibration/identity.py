"""No calibration: probabilities are the model's own."""

from typing import Literal, Self

import numpy as np

from clickthrough.calibration.base import Curve, Floats, Ids, Labels, Scores


class Identity(Curve):
    """The map that leaves every score as it is, ``sigmoid(logit)``.

    >>> float(Identity().logit(np.array([3.0]))[0])
    3.0
    """

    method: Literal["none"] = "none"

    @classmethod
    def fit(cls, logits: Scores, labels: Labels) -> Self:
        """Return the one that there is, whatever the labels say."""
        return cls()

    def logit(self, logits: Scores, ids: Ids | None = None) -> Floats:
        """Return the logits themselves, in float64, shape (n,)."""
        return logits.astype(np.float64)

    def describe(self) -> str:
        """Say that there is none."""
        return "none, the model's own probabilities"
