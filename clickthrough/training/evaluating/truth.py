"""Reading the true probabilities of a log whose clicks were drawn from them."""

from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clickthrough import parquet
from clickthrough.config.base import unknown_name
from clickthrough.config.root import Config
from clickthrough.data.dataset import Dataset
from clickthrough.errors import DataError
from clickthrough.schema import Schema
from clickthrough.training.evaluating.tested import tested_rows

_PAIR = ["request_id", "item"]
_NAMES = {"probability": "truth", "observable": "observable oracle"}
"""Columns of a truth file, and what an evaluation calls them; the second may be absent."""


def read_truth(path: Path, dataset: Dataset, config: Config) -> dict[str, NDArray[np.float64]]:
    """Return the true probabilities of the rows that are evaluated.

    Args:
        path: a Parquet file, or a directory that holds it as ``truth.parquet`` (or in ``truth``, as
            a simulated log does), with the request and the item under the log's own names,
            ``probability``, and, if known, ``observable``: what can be predicted at best from what
            is observable.
        dataset: the log.
        config: its split.

    Returns:
        ``truth`` and, if given, ``observable oracle``: shape (n,).

    Raises:
        DataError: the file is unreadable, lacks a column or a pair, or names a pair twice, or holds
            what is no probability.
    """
    path = _within(path)
    known = _scan(path, dataset.schema)
    names = [name for name in _NAMES if name in known.collect_schema().names()]
    rows = tested_rows(dataset, config.data.split).select("row", *_PAIR)
    try:
        types = rows.collect_schema()
        alike = known.with_columns(
            pl.col(name).cast(types[name]) for name in ("request_id", "item")
        )
        joined = rows.join(alike, on=["request_id", "item"], how="left")
        found = joined.sort("row").collect(engine="streaming")
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{path}: cannot be joined with the log: {error}") from None
    _check(found, names, path)
    return {_NAMES[name]: found[name].to_numpy() for name in names}


def _within(path: Path) -> Path:
    """Return the truth file of a directory."""
    inside = [path / "truth.parquet", path / "truth" / "truth.parquet"]
    return next((file for file in inside if file.is_file()), path)


def _scan(path: Path, schema: Schema) -> pl.LazyFrame:
    """Open a truth file, its columns under our names."""
    if not set(_PAIR) <= set(schema.roles):
        raise DataError(f"{path}: a truth needs a log with roles for request_id and item")
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    try:
        frame = parquet.scan(path)
        columns = frame.collect_schema().names()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"{path}: not readable as Parquet: {error}") from None
    for column in (schema.roles["request_id"], schema.roles["item"], "probability"):
        if column not in columns:
            raise DataError(f"{path}: {unknown_name(column, 'column', columns)}")
    return frame.select(
        request_id=schema.roles["request_id"],
        item=schema.roles["item"],
        **{name: pl.col(name).cast(pl.Float64) for name in _NAMES if name in columns},
    )


def _check(found: pl.DataFrame, names: list[str], path: Path) -> None:
    """Refuse pairs that have no probability, two of them, or a number that is none."""
    twice = pl.col("row").is_duplicated()
    _refuse(found.filter(twice), path, "pairs of the test part stand twice")
    for name in names:
        missing = found.filter(pl.col(name).is_null())
        _refuse(missing, path, f"impressions of the test part have no '{name}'")
        wrong = found.filter(~pl.col(name).is_between(0, 1))
        _refuse(wrong, path, f"values of '{name}' are not between 0 and 1", name)


def _refuse(rows: pl.DataFrame, path: Path, what: str, value: str | None = None) -> None:
    if rows.height:
        first = rows.row(0, named=True)
        example = f"request {first['request_id']}, item {first['item']}"
        example += f": {first[value]}" if value else ""
        count = rows["row"].n_unique()
        raise DataError(f"{path}: {count:,} {what}, such as {example}")
