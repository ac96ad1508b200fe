"""Rows of a dataset as a caller would send them: raw fields in the log's column names."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import polars as pl

from clickthrough.schema import Schema

Raw = dict[str, Any]


def raw_rows(frame: pl.DataFrame, schema: Schema) -> Iterator[Raw]:
    """Yield each impression: its fields, ``request_id``, and ``time`` as ISO 8601 text."""
    fields = [name for name in schema.fields if name not in ("request_id", "time")]
    named = frame.select(
        pl.col("request_id").alias("request_id"),
        pl.col("time").alias("time"),
        *(pl.col(name).alias(schema.input_name(name)) for name in fields),
    )
    for row in named.iter_rows(named=True):
        row["time"] = iso_time(row["time"])
        yield row


def raw_events(rows: list[Raw], labels: list[int | None]) -> Iterator[Raw]:
    """Yield what a site would report of impressions whose labels are known."""
    for row, label in zip(rows, labels, strict=True):
        if label is not None:
            yield {"type": "impression", **row}
            if label == 1:
                yield {"type": "click", **row}


def raw_views(frame: pl.DataFrame, schema: Schema) -> Iterator[Raw]:
    """Yield what a site would report of pages that were viewed."""
    names = {name: schema.input_name(name) for name in schema.views}
    for row in frame.select("time", *names).rename(names).iter_rows(named=True):
        row["time"] = iso_time(row["time"])
        yield {"type": "view", **row}


def iso_time(microseconds: int) -> str:
    """Return a moment as ISO 8601 text in UTC."""
    seconds, rest = divmod(microseconds, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest).isoformat()
