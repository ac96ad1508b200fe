"""How a numeric column becomes a standard score."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Scaler:
    """A value is held to [low, high], a missing one is ``fill``; then less the mean, by the scale.

    Attributes:
        fill: stands for a missing value; it is not held.
        low: a lower value counts as this one.
        high: a higher value counts as this one.
        mean: of the training rows, held and filled.
        scale: their standard deviation, or what keeps every score within 10; above 0.
        indicator: whether an input is added that is 1 where the value is missing.
    """

    fill: float
    low: float
    high: float
    mean: float
    scale: float
    indicator: bool

    @property
    def is_constant(self) -> bool:
        """Whether every value, missing or known, becomes 0."""
        return self.low == self.high == self.fill == self.mean
