"""Fitting a scaler: no single row sets what a column is held to, filled with or divided by."""

import numpy as np
from numpy.typing import NDArray

from clickthrough.config.features import Missing
from clickthrough.features.encoding.scaler import Scaler

Floats = NDArray[np.float64]

_BEYOND = 1_000
"""One value in so many lies beyond either bound: the quantiles .1 % and 99.9 %."""
_MANY = 100
"""Of fewer values none is held: there the greatest is a hundredth of what is known, or more."""
_SENTINEL = -1.0
_FARTHEST = 10.0
"""Standard scores lie within it: a flag that one row in 10,000 has would be 100 deviations away,
and networks that multiply numbers with one another lost their way by such rows."""
_NOISE, _RELATIVE_NOISE = 1e-9, 1e-12
"""A spread that rounding can make: to divide by it would make a number of the last bits."""


def fit_scaler(values: Floats, missing: Missing = "median") -> Scaler:
    """Fit one column on training rows, shape (n,), NaN where missing.

    Known values are held to two quantiles (J. Tukey, "The future of data analysis", 1962, after
    C. Winsor), missing ones are filled, and the outcome is standardized; where a value would lie
    more than 10 deviations from the mean, the column is scaled down until it does not, and keeps
    its shape. A column that does not vary then becomes 0 for whatever comes later: nothing was
    learned of its other values.

    Args:
        values: quantities, or their standing in the request.
        missing: the sentinel stands for missing values only where training rows had some, for
            else nothing was learned of it.
    """
    absent = np.isnan(values)
    known = values[~absent]
    low, high = bounds(known)
    held = np.clip(known, low, high)
    fill = float(np.median(held)) if len(held) else 0.0
    mixed = bool(absent.any() and len(known))
    fill = _SENTINEL if missing == "sentinel" and mixed else fill
    filled = np.where(absent, fill, np.clip(values, low, high))
    scale = float(filled.std())
    if not _varies(filled) or not scale > 0:
        return Scaler(fill, fill, fill, fill, 1.0, mixed)
    mean = float(filled.mean())
    farthest = float(np.abs(filled - mean).max())
    return Scaler(fill, low, high, mean, max(scale, farthest / _FARTHEST), mixed)


def bounds(known: Floats) -> tuple[float, float]:
    """Return what known values are held to; (0, 0) of none.

    A thousandth of them lies beyond either bound, and at least one, so that a single row never
    decides. Where that leaves no spread, as of a flag that few rows have, one row alone is left
    out on either side.

    >>> bounds(np.arange(5_000.0))
    (5.0, 4994.0)
    """
    if not len(known):
        return 0.0, 0.0
    least = 1 if len(known) >= _MANY else 0
    for beyond in (max(least, len(known) // _BEYOND), least):
        last = len(known) - 1 - beyond
        ordered = np.partition(known, [beyond, last])
        low, high = float(ordered[beyond]), float(ordered[last])
        if low < high:
            break
    return low, high


def _varies(filled: Floats) -> bool:
    """Say whether values differ by more than rounding."""
    low, high = (float(end) for end in (filled.min(), filled.max()))
    return high - low > max(_NOISE, _RELATIVE_NOISE * max(abs(low), abs(high)))
