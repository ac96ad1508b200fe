"""Side tables: one row a key, whose columns are added to each impression."""

from dataclasses import replace

import polars as pl

from clickthrough.config.data import Join
from clickthrough.data.scan import TableForm, need, scan
from clickthrough.data.unpack import Plain
from clickthrough.errors import DataError


def joined(frame: pl.LazyFrame, join: Join, form: TableForm, plain: Plain) -> pl.LazyFrame:
    """Add a side table's columns to the rows of a log.

    Args:
        frame: the log.
        join: file, key and columns of the side table; a CSV of it has a header.
        form: how the log is written.
        plain: makes compressed files plain.

    Raises:
        DataError: the side table is unreadable, lacks a column, or has several rows a key.
    """
    side = scan(join.file, replace(form, columns=None), plain)
    need(side, [*join.on, *(join.columns or [])], str(join.file))
    need(frame, join.on, "the log")
    if join.columns is not None:
        side = side.select(*join.on, *join.columns)
    side = _with_keys_as_in(frame, side, join)
    keys = side.select(pl.struct(join.on).is_duplicated().sum()).collect().item()
    if keys:
        raise DataError(
            f"{join.file}: {keys} rows share their {', '.join(join.on)} with another; "
            "a side table needs one row a key"
        )
    return frame.join(side, on=join.on, how="left", maintain_order="left")


def _with_keys_as_in(frame: pl.LazyFrame, side: pl.LazyFrame, join: Join) -> pl.LazyFrame:
    """Give a side table's keys the types of the log's: one may hold 118 and the other 118.0."""
    ours, theirs = frame.collect_schema(), side.collect_schema()
    for key in join.on:
        numbers = ours[key].is_numeric() and theirs[key].is_numeric()
        if ours[key] != theirs[key] and not numbers:
            raise DataError(
                f"{join.file}: column '{key}' has the type {theirs[key]}, in the log {ours[key]}"
            )
    return side.with_columns(pl.col(key).cast(ours[key]) for key in join.on)
