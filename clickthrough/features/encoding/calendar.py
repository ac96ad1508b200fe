"""Hours and weekdays in a time zone, for whole arrays of moments."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

_QUARTER = 900
"""Offsets of time zones change on quarters of an hour."""
_FIRST, _LAST = -62_104_060_800 // _QUARTER, 253_370_764_800 // _QUARTER
"""The years 2 and 9999: a ``datetime`` reaches no further, so offsets are held there."""


def hour_of_day(time: NDArray[np.int64], timezone: str) -> NDArray[np.int32]:
    """Return the hour, 0 to 23, of moments in microseconds since 1970 UTC."""
    return (local_seconds(time, timezone) // 3_600 % 24).astype(np.int32)


def day_of_week(time: NDArray[np.int64], timezone: str) -> NDArray[np.int32]:
    """Return the weekday, 0 for Monday to 6, of moments in microseconds since 1970 UTC."""
    return ((local_seconds(time, timezone) // 86_400 + 3) % 7).astype(np.int32)


def local_seconds(time: NDArray[np.int64], timezone: str) -> NDArray[np.int64]:
    """Return seconds since 1970 on the clock of a time zone."""
    seconds = time // 1_000_000
    if timezone == "UTC":
        return seconds
    if len(seconds) == 1:  # of a request
        quarter = min(max(int(seconds[0]) // _QUARTER, _FIRST), _LAST)
        return seconds + _offset(quarter, timezone)
    known = np.clip(seconds // _QUARTER, _FIRST, _LAST)
    quarters, place = np.unique(known, return_inverse=True)
    offsets = np.array([_offset(int(quarter), timezone) for quarter in quarters], np.int64)
    return seconds + offsets[place]


@lru_cache(maxsize=100_000)
def _offset(quarter: int, timezone: str) -> int:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=quarter * _QUARTER)
    offset = moment.astimezone(ZoneInfo(timezone)).utcoffset()
    return round(offset.total_seconds()) if offset else 0
