"""Columns of nothing but missing values: the file does not say what they would hold."""

import polars as pl

_FIRST_ROWS = 10_000
"""Looked at before a column is read to its end."""


def untyped(frame: pl.LazyFrame, typed: frozenset[str]) -> list[str]:
    """Return the columns that hold nothing and so have no type.

    Args:
        frame: the log. Where a column of a CSV has no value, its type is that of texts.
        typed: columns whose type is given.
    """
    types = frame.collect_schema()
    empty = [name for name, dtype in types.items() if dtype == pl.Null and name not in typed]
    texts = [name for name, dtype in types.items() if dtype == pl.String and name not in typed]
    maybe = _all_missing(frame.select(texts).head(_FIRST_ROWS)) if texts else []
    return empty + (_all_missing(frame.select(maybe)) if maybe else [])


def _all_missing(frame: pl.LazyFrame) -> list[str]:
    found = frame.select(pl.all().is_null().all()).collect(engine="streaming")
    return [name for name, (missing,) in found.to_dict(as_series=False).items() if missing]
