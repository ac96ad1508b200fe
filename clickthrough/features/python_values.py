"""Values of programs that are none of JSON's: numpy's, pandas' and moments, as JSON has them.

None of these libraries is loaded for it: a program that has such a value has loaded them.
"""

from datetime import date, datetime
from decimal import Decimal

import numpy as np

_MISSING = ("NaTType", "NAType")
"""What pandas calls the types of its missing values."""


def plain(value: object) -> object:
    """Return a value as JSON would hold it.

    Args:
        value: a scalar or array of numpy; a decimal; a moment or day of Python, numpy or pandas;
            what pandas has for none.

    Returns:
        A number, truth value, text, list or None; moments are texts of ISO 8601.

    Raises:
        ValueError: it is none of these.

    >>> plain(np.int64(7)), plain(datetime(2026, 1, 2, 3)), plain(np.array([1.5]))
    (7, '2026-01-02T03:00:00', [1.5])
    """
    if type(value).__name__ in _MISSING:
        return None
    if isinstance(value, np.datetime64):
        value = value.astype("datetime64[us]").item()
        if value is None:
            return None
    if isinstance(value, datetime):
        return datetime.isoformat(value)  # a Timestamp's own would write nanoseconds
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, np.longdouble | Decimal):  # numpy's own has no other form in Python
        return float(value)
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise ValueError
