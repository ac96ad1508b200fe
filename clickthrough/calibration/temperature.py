"""Temperature scaling: a slope alone."""

from typing import Literal, Self

import numpy as np
from pydantic import Field

from clickthrough.calibration.base import LEAST_SLOPE, Curve, Floats, Ids, Labels, Scores
from clickthrough.calibration.newton import Regression, newton


class Temperature(Curve):
    """Temperature scaling, ``sigmoid(logit / temperature)``.

    C. Guo, G. Pleiss, Y. Sun, K. Weinberger, "On calibration of modern neural networks", 2017.
    It sharpens or flattens and moves no probability across 1/2: a model whose mean is off stays
    so, and needs Platt's intercept.

    >>> float(Temperature(temperature=2.0).logit(np.array([3.0]))[0])
    1.5
    """

    method: Literal["temperature"] = "temperature"
    temperature: float = Field(gt=0, allow_inf_nan=False)

    @classmethod
    def fit(cls, logits: Scores, labels: Labels) -> Self:
        """Fit by Newton's method on the log loss; the temperature is at most 1,000."""
        scores = np.asarray(logits, np.float64)
        size = float(np.sqrt(np.mean(scores**2)))
        size = size if size > 1e-9 else 1.0
        design = (scores / size)[np.newaxis]
        # what about one click says, for temperature 1: separable scores stay finite
        ridge = np.ones(1)
        weights = newton(Regression(design, labels, np.array([size]), ridge))
        return cls(temperature=1.0 / max(float(weights[0]) / size, LEAST_SLOPE))

    def logit(self, logits: Scores, ids: Ids | None = None) -> Floats:
        """Return calibrated logits, shape (n,)."""
        return logits.astype(np.float64) / self.temperature

    def describe(self) -> str:
        """Return the temperature."""
        return f"temperature {self.temperature:.4g}"
