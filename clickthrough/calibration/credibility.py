"""How far a map that was fitted to few clicks is believed."""

import numpy as np

from clickthrough.calibration.base import Curve, Floats, Labels, Scores
from clickthrough.calibration.curves import AnyCurve, CurveType
from clickthrough.calibration.identity import Identity
from clickthrough.calibration.isotonic import Isotonic
from clickthrough.calibration.knots import is_apart
from clickthrough.calibration.platt import Platt
from clickthrough.calibration.temperature import Temperature

FULL = 100
"""Rows of the rarer class from which on a map is believed as it was fitted."""
IDENTITY = Identity()
_SLOPES = (Identity, Temperature)
"""Maps that are a slope alone."""


def fit_believed(
    curve: CurveType, logits: Scores, labels: Labels, believed: AnyCurve = IDENTITY
) -> AnyCurve:
    """Fit a map as far as there is evidence for it.

    Args:
        curve: its method.
        logits: scores, shape (n,), at least one.
        labels: 0 or 1, shape (n,).
        believed: what is kept to without evidence.
    """
    return mixed(believed, curve.fit(logits, labels), credibility(labels))


def credibility(labels: Labels) -> float:
    """Return the share of a fitted map that is believed, from 0 to 1.

    Limited fluctuation credibility, ``sqrt(m / 100)`` up to 1, where m counts the rarer class
    (A. Mowbray, "How extensive a payroll exposure is necessary to give a dependable pure
    premium?", 1914; square root rule: L. Longley-Cook, 1962). The mean logit of m clicks has a
    standard error of about ``1 / sqrt(m)``, so what is believed of it is never off by more than
    the tenth of a logit that 100 clicks leave to chance. Without a click nothing is believed,
    however many rows there are: that a part of a log lacks its clicks is more likely than that
    there are none. From 100 on nothing is changed.

    Args:
        labels: 0 or 1, shape (n,).

    >>> credibility(np.array([1] * 25 + [0] * 900))
    0.5
    """
    return float(np.sqrt(min(1.0, rarer(labels) / FULL)))


def rarer(labels: Labels) -> int:
    """Return the rows of the rarer class."""
    clicks = int(np.sum(labels == 1))
    return min(clicks, len(labels) - clicks)


def mixed(believed: AnyCurve, fitted: AnyCurve, share: float) -> AnyCurve:
    """Return ``share`` of a fitted map and the rest of one that was believed before.

    A mean of two maps that rise strictly and without jumps does so too. It is of the fitted
    map's method where both can be said by it, else of the more flexible one.
    """
    if share >= 1:
        return fitted
    slope = share * _slope(fitted) + (1 - share) * _slope(believed)
    if isinstance(fitted, Isotonic) or isinstance(believed, Isotonic):
        scores = _knots(believed, fitted)
        values = share * fitted.logit(scores) + (1 - share) * believed.logit(scores)
        return Isotonic(scores=tuple(scores.tolist()), values=tuple(values.tolist()), slope=slope)
    if isinstance(fitted, Identity) and isinstance(believed, Identity):
        return fitted
    if isinstance(fitted, _SLOPES) and isinstance(believed, _SLOPES):
        return Temperature(temperature=1.0 / slope)
    intercept = share * _intercept(fitted) + (1 - share) * _intercept(believed)
    return Platt(slope=slope, intercept=intercept)


def _slope(curve: AnyCurve) -> float:
    """Return the slope of a line, or of a map beyond its knots."""
    if isinstance(curve, Identity):
        return 1.0
    return 1.0 / curve.temperature if isinstance(curve, Temperature) else curve.slope


def _intercept(curve: Curve) -> float:
    return curve.intercept if isinstance(curve, Platt) else 0.0


def _knots(*curves: AnyCurve) -> Floats:
    """Return the scores at which any of the maps bends."""
    bends = [np.array(curve.scores) for curve in curves if isinstance(curve, Isotonic)]
    scores = np.unique(np.concatenate(bends))
    return scores[is_apart(scores)]
