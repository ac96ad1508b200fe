"""A calibrator for each value of a field that has the data for one."""

from typing import Literal

import numpy as np
from pydantic import Field

from clickthrough.calibration.base import Calibrator, Floats, Ids, Scores
from clickthrough.calibration.curves import AnyCurve
from clickthrough.config.base import Strict

_MOST_DESCRIBED = 10


class Slice(Strict):
    """The map of one value.

    Attributes:
        value: what the log calls it.
        impressions: how many it was fitted to.
        clicks: how many of these.
    """

    value: str
    impressions: int
    clicks: int
    curve: AnyCurve


class Sliced(Calibrator):
    """A map for each value of a field, and one for the values that lack the data.

    The value is read from the encoded id column that the model sees, so batch and service cannot
    differ in it. Strictly increasing for each value; the order of candidates that differ in it
    is that of their calibrated probabilities.

    Attributes:
        by: the field.
        column: its place among the id columns.
        whole: the map of all rows, for every value without its own, unknown ones included.
        slices: id -> the map of that value.
    """

    method: Literal["sliced"] = "sliced"
    by: str
    column: int = Field(ge=0)
    whole: AnyCurve
    slices: dict[int, Slice]

    def logit(self, logits: Scores, ids: Ids | None = None) -> Floats:
        """Return calibrated logits, shape (n,).

        Raises:
            ValueError: there are no ids.
        """
        if ids is None:
            raise ValueError(f"calibration by '{self.by}' needs the encoded ids of the rows")
        made, own = self.whole.logit(logits), ids[:, self.column]
        for value in np.unique(own).tolist():
            if value in self.slices:
                rows = own == value
                made[rows] = self.slices[value].curve.logit(logits[rows])
        return made

    def describe(self) -> str:
        """Return the map of all rows, and those of the most frequent values a line each."""
        parts = sorted(self.slices.values(), key=lambda part: -part.impressions)
        lines = [
            f"  {part.value}: {part.curve.describe()} ({part.clicks:,} of {part.impressions:,})"
            for part in parts[:_MOST_DESCRIBED]
        ]
        more = len(parts) - len(lines)
        lines += [f"  and {more:,} more"] if more else []
        lines = lines or ["  no value has as many rows as calibration.least asks for"]
        return "\n".join([f"{self.whole.describe()}; by {self.by}:", *lines])
