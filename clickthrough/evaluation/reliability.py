"""Whether predictions mean what they say: predicted and observed clicks in bins of predictions."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Labels = NDArray[np.generic]
_NORMAL = 1.959964
"""Standard errors on either side that hold 95 % of a normal distribution."""


class Reliability(NamedTuple):
    """Bins of rows of about equal mass, in rising order of prediction; each of shape (bins,).

    Attributes:
        predicted: mean prediction.
        observed: click rate.
        mass: number of rows.
        error: standard error of the click rate, were the predictions right.
    """

    predicted: Floats
    observed: Floats
    mass: Floats
    error: Floats


def reliability(labels: Labels, probabilities: Floats, bins: int = 15) -> Reliability:
    """Return what is predicted and observed in bins of about equal mass.

    Equal predictions share a bin, so the order of rows does not matter.
    """
    order = np.argsort(probabilities, kind="stable")
    ordered = probabilities[order]
    starts = bin_starts(ordered, bins)
    mass = np.diff(np.append(starts, len(order))).astype(np.float64)
    predicted = np.add.reduceat(ordered, starts) / mass
    observed = np.add.reduceat((labels[order] == 1).astype(np.float64), starts) / mass
    # of clicks that do not depend on each other: small, but not 0 where none was observed
    error = np.sqrt(np.add.reduceat(ordered * (1 - ordered), starts)) / mass
    return Reliability(predicted, observed, mass, error)


def reliability_rows(labels: Labels, probabilities: Floats) -> list[dict[str, float]]:
    """Return the bins as JSON can hold them, the click rate of each with its Wilson interval."""
    names = ("predicted", "click_rate", "impressions", "error")
    columns = (column.tolist() for column in reliability(labels, probabilities))
    rows = [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]
    return with_intervals([row | {"impressions": int(row["impressions"])} for row in rows])


def with_intervals(rows: Sequence[dict[str, float]]) -> list[dict[str, float]]:
    """Return bins with the ends of the intervals of their click rates, ``low`` and ``high``."""
    rates = np.array([row["click_rate"] for row in rows], np.float64)
    mass = np.array([row["impressions"] for row in rows], np.float64)
    ends = zip(*(end.tolist() for end in wilson(rates, mass)), strict=True)
    return [row | {"low": low, "high": high} for row, (low, high) in zip(rows, ends, strict=True)]


def wilson(rate: Floats, mass: Floats) -> tuple[Floats, Floats]:
    """Return both ends of the 95 % interval of click rates (Wilson, 1927), shape (n,) each.

    Unlike the rate with its standard errors it stays within 0 and 1, and says something of bins in
    which nothing was clicked.
    """
    square = _NORMAL**2
    centre = (rate + square / (2 * mass)) / (1 + square / mass)
    half = np.sqrt(rate * (1 - rate) / mass + square / (4 * mass**2))
    half *= _NORMAL / (1 + square / mass)
    return np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)


def expected_calibration_error(labels: Labels, probabilities: Floats, bins: int = 15) -> float:
    """Return the mean gap of predicted and observed rate over bins of equal mass."""
    found = reliability(labels, probabilities, bins)
    return float(np.sum(np.abs(found.predicted - found.observed) * found.mass) / found.mass.sum())


def bin_starts(ordered: Floats, bins: int = 15) -> NDArray[np.int64]:
    """Return where bins of about equal mass start among predictions in rising order."""
    even = np.linspace(0, len(ordered), bins, endpoint=False).astype(np.int64)
    return np.unique(np.searchsorted(ordered, ordered[even]))
