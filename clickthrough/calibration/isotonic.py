"""Isotonic calibration without its steps: a rising line through the centers of the blocks."""

from functools import cached_property
from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from clickthrough.calibration.base import Curve, Floats, Ids, Labels, Scores
from clickthrough.calibration.knots import fit_knots
from clickthrough.calibration.newton import Regression, newton
from clickthrough.calibration.platt import Platt


class Isotonic(Curve):
    """Isotonic regression, interpolated: continuous, and strictly increasing everywhere.

    Isotonic regression (B. Zadrozny, C. Elkan, "Transforming classifier scores into accurate
    multiclass probability estimates", 2002) is a step function: it ties whole ranges of scores
    and jumps between them. Here each of its blocks is one knot, at the block's mean score, and
    the calibrated logit is linear between knots: centered isotonic regression (A. Oron,
    N. Flournoy, "Centered isotonic regression: point and interval estimation for dose-response
    studies", 2017). Beyond the first and the last knot it goes on with Platt's slope.

    Attributes:
        scores: of the knots, rising.
        values: calibrated logits of the knots, rising.
        slope: beyond the knots.
    """

    method: Literal["isotonic"] = "isotonic"
    scores: tuple[float, ...] = Field(min_length=1)
    values: tuple[float, ...]
    slope: float = Field(gt=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if len(self.scores) != len(self.values):
            raise ValueError(f"{len(self.scores)} scores, but {len(self.values)} values")
        for name, knots in (("scores", self.scores), ("values", self.values)):
            if not (np.isfinite(knots).all() and (np.diff(knots) > 0).all()):
                raise ValueError(f"{name}: expected finite numbers that rise strictly")
        return self

    @classmethod
    def fit(cls, logits: Scores, labels: Labels) -> Self:
        """Fit by pooling adjacent violators; where data are few, it comes near to Platt."""
        scores = np.asarray(logits, np.float64)
        line = Platt.fit(scores, labels)
        knots, values = fit_knots(scores, labels, line.probability(scores))
        places = tuple(knots.tolist())
        made = cls(scores=places, values=tuple(values.tolist()), slope=line.slope).logit(scores)
        # a line between centers is not the mean of the blocks: let predicted be observed again
        ones = np.ones((1, len(scores)))
        shift = newton(Regression(ones, labels, np.zeros(1), np.full(1, 1e-6), made))
        return cls(scores=places, values=tuple((values + shift).tolist()), slope=line.slope)

    def logit(self, logits: Scores, ids: Ids | None = None) -> Floats:
        """Return calibrated logits, shape (n,)."""
        scores = logits.astype(np.float64)
        starts, values, slopes, ends = self.pieces
        piece = np.searchsorted(starts[1:], scores, side="right")
        made = values[piece] + slopes[piece] * (scores - starts[piece])
        return np.minimum(made, ends[piece])  # else rounding could exceed the next piece's start

    @cached_property
    def pieces(self) -> tuple[Floats, Floats, Floats, Floats]:
        """The linear pieces: a score on each, its value there, its slope, its greatest value.

        The first piece ends at the first knot, every other one starts at a knot.
        """
        scores, values = np.array(self.scores), np.array(self.values)
        slopes = np.concatenate([[self.slope], np.diff(values) / np.diff(scores), [self.slope]])
        starts, at = np.insert(scores, 0, scores[0]), np.insert(values, 0, values[0])
        return starts, at, slopes, np.append(values, np.inf)

    def describe(self) -> str:
        """Return the number of knots."""
        return f"isotonic, {len(self.scores)} knots"
