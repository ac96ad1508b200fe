"""Maps from labelled scores, by the method that a configuration names, as far as clicks bear."""

from collections.abc import Callable

import numpy as np

from clickthrough.calibration.base import Ids
from clickthrough.calibration.choose import choose
from clickthrough.calibration.credibility import IDENTITY, fit_believed
from clickthrough.calibration.curves import CURVES, AnyCurve
from clickthrough.calibration.rows import Rows
from clickthrough.calibration.sliced import Slice
from clickthrough.config.training import CalibrationMethod

_UNSEEN = 1
"""The id of all values that the encoder does not know: no one map is theirs."""


def fit_curve(method: CalibrationMethod, rows: Rows, believed: AnyCurve = IDENTITY) -> AnyCurve:
    """Fit one map to all rows; ``auto`` chooses the method by held-out log loss.

    Args:
        method: its name.
        rows: labelled scores.
        believed: the map that rows with too few clicks, or too few without, leave in place.
    """
    name = choose(rows) if method == "auto" else method
    return fit_believed(CURVES[name], rows.logits, rows.labels, believed)


def fit_slices(
    method: CalibrationMethod,
    rows: Rows,
    own: Ids,
    least: int,
    name: Callable[[int], str] = str,
    whole: AnyCurve = IDENTITY,
) -> dict[int, Slice]:
    """Fit a map to each value that has at least so many clicks, and so many rows without.

    Args:
        method: of every map; ``auto`` chooses for each.
        rows: labelled scores of all values.
        own: the id of each row's value, shape (n,).
        least: clicks, and rows without one.
        name: from an id to what the log calls it.
        whole: the map of all rows, which a value of few clicks keeps to.
    """
    impressions = np.bincount(own)
    clicks = np.bincount(own[rows.labels == 1], minlength=len(impressions))
    enough = np.minimum(clicks, impressions - clicks) >= least
    enough[_UNSEEN : _UNSEEN + 1] = False
    return {
        value: Slice(
            value=name(value),
            impressions=int(impressions[value]),
            clicks=int(clicks[value]),
            curve=fit_curve(method, rows.where(own == value), whole),
        )
        for value in np.flatnonzero(enough).tolist()
    }
