"""Curves of predictions against clicks, thinned to what a picture shows."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Labels = NDArray[np.generic]
Points = list[list[float]]

POINTS = 51
_DIGITS = 5


class Counts(NamedTuple):
    """Rows in falling order of prediction, at each end of a run of equal predictions.

    Attributes:
        rows: how many rows so far, shape (runs + 1,); the first is 0.
        clicks: how many clicks so far.
    """

    rows: Floats
    clicks: Floats


def curves(labels: Labels, probabilities: Floats) -> dict[str, Points]:
    """Return curves of at most ``POINTS`` points.

    Args:
        labels: 0 or 1, shape (n,).
        probabilities: of a click, shape (n,).

    Returns:
        ``roc``: share of the others and of the clicks above a threshold (Fawcett, 2006);
        ``precision``: share of clicks found, and click rate among what is found; ``gain``: share
        of all rows, the highest first, and of the clicks in it. Empty where there are no clicks, or
        nothing else.
    """
    found = counts(labels, probabilities)
    rows, clicks = found.rows[-1], found.clicks[-1]
    if clicks in (0, rows):
        return {}
    others = (found.rows - found.clicks) / (rows - clicks)
    recall, share = found.clicks / clicks, found.rows / rows
    precision = found.clicks[1:] / found.rows[1:]
    return {
        "roc": thinned(others, recall),
        "precision": thinned(recall[1:], precision),
        "gain": thinned(share, recall),
    }


def counts(labels: Labels, probabilities: Floats) -> Counts:
    """Count rows and clicks from the highest prediction on; equal ones are counted together."""
    order = np.argsort(-probabilities, kind="stable")
    ordered = probabilities[order]
    ends = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
    clicks = np.cumsum(labels[order] == 1)[ends]
    return Counts(np.append(0.0, ends + 1.0), np.append(0.0, clicks.astype(np.float64)))


def thinned(x: Floats, y: Floats) -> Points:
    """Return points of a line, evenly spread along x: those of the line itself."""
    if len(x) > POINTS:
        even = np.linspace(x[0], x[-1], POINTS - 1)
        places = np.unique([*np.searchsorted(x, even).clip(0, len(x) - 1), len(x) - 1])
        x, y = x[places], y[places]
    return np.round(np.stack([x, y], axis=1), _DIGITS).tolist()  # type: ignore[no-any-return]
