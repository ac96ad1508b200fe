"""Impressions and clicks of a log by day."""

from typing import Any

import polars as pl

from clickthrough.data.dataset import Dataset

_MOST_DAYS = 400
"""Of a longer log, the last."""


def by_day(dataset: Dataset, timezone: str) -> list[dict[str, Any]]:
    """Count labelled impressions and clicks by day.

    Args:
        dataset: the log.
        timezone: in which days begin.

    Returns:
        Of each day that has any, in order: ``day`` (ISO 8601), ``impressions``, ``clicks``; nothing
        of a log without times.
    """
    if "time" not in dataset.schema.roles:
        return []
    moment = pl.from_epoch("time", "us").dt.replace_time_zone("UTC").dt.convert_time_zone(timezone)
    found = (
        dataset.impressions()
        .filter(pl.col("label").is_not_null())
        .group_by(moment.dt.date().alias("day"))
        .agg(pl.len().alias("impressions"), pl.col("label").cast(pl.Int64).sum().alias("clicks"))
        .sort("day")
        .collect(engine="streaming")
    )
    return found.tail(_MOST_DAYS).with_columns(pl.col("day").cast(pl.String)).to_dicts()
