"""When displays happen: an hour-of-day curve over fifteen days, and the log's own clock.

The hours are those of a published sample of display times, in the log's days, which begin at
04:00 UTC (midnight on the east coast of the United States). Days lie halfway between that sample
and an even log: its times are interpolated, and even is what the published row counts say.
"""

import numpy as np

from clickthrough.data.simulator.chance import Floats, Ints

ORIGIN_MS = 1_465_876_799_998
"""2016-06-14T04:00 UTC: the log's timestamps count from here."""
DAYS, TRAIN_DAYS = 15, 13
DAY_MS, HOUR_MS, TICK_MS = 86_400_000, 3_600_000, 600_000
END_MS = DAYS * DAY_MS
_HOURS = (
    0.81, 0.67, 0.60, 0.49, 0.47, 0.52, 0.69, 0.94, 1.11, 1.23, 1.26, 1.26,
    1.30, 1.29, 1.26, 1.30, 1.30, 1.22, 1.10, 1.04, 1.02, 1.06, 1.08, 0.99,
)  # fmt: skip
_DAYS = (1.06, 1.0, 1.02, 0.99, 0.93, 0.93, 1.06, 1.02, 1.03, 1.03, 1.0, 1.0, 1.0, 1.0, 1.0)
_EDGES = np.append(0.0, np.cumsum(np.outer(_DAYS, _HOURS)))


def moments(first_day: int, last_day: int, shares: Floats) -> Ints:
    """Return when shares of the displays between two days have passed, in the log's clock (ms).

    Args:
        first_day: the days begin here.
        last_day: and end here, not included.
        shares: in [0, 1), any shape.
    """
    low, high = _EDGES[first_day * 24], _EDGES[last_day * 24]
    hours = np.interp(low + shares * (high - low), _EDGES, np.arange(len(_EDGES)))
    made: Ints = (hours * HOUR_MS).astype(np.int64)
    return made


def day_of(time: Ints) -> Ints:
    """Return the day of each moment of the log's clock, 0 to 14."""
    day: Ints = time // DAY_MS
    return day


def hour_of(time: Ints) -> Floats:
    """Return the hour of the day, with its fraction, from 04:00 UTC."""
    return (time % DAY_MS) / HOUR_MS
