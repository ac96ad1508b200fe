"""What passes over a log have in common: its chunks, and their partitions."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clickthrough.features.history.codes import Ints
from clickthrough.features.history.log_files import LogFiles
from clickthrough.features.history.ticks import tick_of

PARTITION = 2_000_000
"""About so many rows are worked out together."""
_MOST_PARTITIONS = 1_024


def partitions_of(rows: int) -> int:
    """Return how many partitions so many rows have: a power of two."""
    wanted = max(1, -(-rows // PARTITION))
    return min(_MOST_PARTITIONS, 1 << (wanted - 1).bit_length())


def ticks_of(frame: pl.DataFrame, log: LogFiles) -> Ints:
    """Return the tick of each row's time."""
    return tick_of(frame["time"].to_numpy(), log.counters.tick)


def are_events(frame: pl.DataFrame, log: LogFiles) -> NDArray[np.bool_]:
    """Say which impressions count: those of known labels, before the bound of the events."""
    counts = pl.col("label").is_not_null()
    if log.events is not None:
        counts &= pl.col(log.events.column) < log.events.below
    return frame.select(counts.fill_null(value=False)).to_series().to_numpy()


def event_columns(log: LogFiles) -> list[str]:
    """Return the columns that say which impressions count."""
    return ["label", *([log.events.column] if log.events else [])]


def views_count(frame: pl.DataFrame, log: LogFiles) -> NDArray[np.bool_]:
    """Say which page views count."""
    since, until = log.views_between()
    time = frame["time"].to_numpy()
    counts = np.ones(len(time), bool)
    if since is not None:
        counts &= time >= since
    if until is not None:
        counts &= time < until
    return counts
