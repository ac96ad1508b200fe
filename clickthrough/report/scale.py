"""From values to places in a picture, with ticks at round numbers."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10

_LEAST, _LEAST_SHARE = 1e-9, 1e-6
"""A spread, and its share of what is spread, below which values are taken for equal."""


@dataclass(frozen=True)
class Scale:
    """A linear map from ``low..high`` to ``start..end``, and the ticks on it."""

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[float, ...]

    def __call__(self, value: float) -> float:
        """Return where a value lies; one outside lies at the edge."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 2)

    def label(self, value: float) -> str:
        """Write a tick in as few digits as tell it from the others."""
        digits = _digits(self.ticks[1] - self.ticks[0]) if len(self.ticks) > 1 else 0
        return f"{value + 0.0:,.{digits}f}"


def scale(
    values: Iterable[float], start: float, end: float, zero: bool = False, most: int = 5
) -> Scale:
    """Return a scale that holds values, widened to round ends.

    Args:
        values: those that are not finite are passed over.
        start: where the least lies.
        end: where the greatest lies.
        zero: whether 0 belongs to it.
        most: ticks.

    >>> scale([0.12, 0.83], 0, 100, zero=True).ticks
    (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    """
    found = [value for value in values if isfinite(value)] or [0.0, 1.0]
    low, high = min(found), max(found)
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    size = max(abs(low), abs(high))
    if high - low < max(_LEAST, _LEAST_SHARE * size):
        pad = max(0.1 * size, 0.5 if size < _LEAST else 0.0)
        low, high = low - pad * (not zero or low < 0), high + pad * (not zero or high >= 0)
    step = _round_step((high - low) / most)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    digits = _digits(step)
    ticks = tuple(round(place * step, digits) + 0.0 for place in range(first, last + 1))
    return Scale(ticks[0], ticks[-1], start, end, ticks)


def _digits(step: float) -> int:
    """Return how many digits after the point tell ticks apart."""
    return max(0, -floor(log10(step) + 1e-9))


def _round_step(least: float) -> float:
    """Return 1, 2 or 5 times a power of ten, no less than what is asked for."""
    power = 10.0 ** floor(log10(least))
    return next(power * by for by in (1, 2, 5, 10) if power * by >= least * (1 - 1e-9))
