"""Train, validation and test, in order of time: a request is never divided."""

from datetime import datetime

import polars as pl

from clickthrough.config.data import Boundary, TimeSplit
from clickthrough.data.dataset import Dataset
from clickthrough.data.slices import height
from clickthrough.errors import DataError
from clickthrough.schema import to_microseconds
from clickthrough.time_range import written

TRAIN, VALIDATION, TEST = 0, 1, 2
PARTS = ("train", "validation", "test")


def with_part(dataset: Dataset, split: TimeSplit) -> pl.LazyFrame:
    """Return the impressions with a column ``part``: 0 train, 1 validation, 2 test.

    Raises:
        DataError: a part that was asked for is empty.
    """
    rows = dataset.impressions()
    if dataset.part is not None:
        return rows.with_columns(part=pl.lit(dataset.part, pl.Int8))
    if not dataset.divided:
        column, test = before_test(dataset, split)
        validation = _boundary(rows, column, split.validation, test)
        place = pl.col(column).min().over("request_id") if column == "row" else pl.col(column)
        part = (place >= validation).cast(pl.Int8) + (place >= test).cast(pl.Int8)
        rows = rows.with_columns(part.alias("part"))
    _refuse_empty(rows, dataset, want_test=split.test is not None and not dataset.divided)
    return rows


def before_test(dataset: Dataset, split: TimeSplit) -> tuple[str, int]:
    """Return a column and a bound: rows with less come before the test part."""
    if dataset.known is not None:
        return "time", dataset.known.until
    if dataset.divided:
        return "part", TEST
    column, end = _axis(dataset)
    if split.test is None:
        return column, end
    return column, _boundary(dataset.impressions(), column, split.test, end)


def _axis(dataset: Dataset) -> tuple[str, int]:
    """Return the column that orders the log, and a value after its end."""
    if "time" in dataset.schema.roles:
        return "time", dataset.report.last + 1
    return "row", dataset.report.impressions


def _boundary(rows: pl.LazyFrame, column: str, boundary: Boundary, end: int) -> int:
    """Return where a part begins that ends at ``end``; at its end where nothing comes before."""
    if isinstance(boundary, datetime):
        return to_microseconds(boundary)
    before = rows.filter(pl.col(column) < end)
    count = height(before)
    if not count:
        return end
    place = min(round(count * (1 - boundary)), count - 1)
    return int(before.select(pl.col(column).sort().slice(place, 1)).collect().item())


def _refuse_empty(rows: pl.LazyFrame, dataset: Dataset, want_test: bool) -> None:
    counts = dict(rows.group_by("part").len().collect().iter_rows())
    for part, name in enumerate(PARTS):
        if not counts.get(part) and (part != TEST or want_test):
            raise DataError(f"{dataset.name}: the {name} part is empty: {_why_empty(dataset)}")


def _why_empty(dataset: Dataset) -> str:
    """Say what a log is like of which a part is empty, and what its owner can do."""
    if dataset.divided:
        return "see 'data.files'"
    if dataset.report.requests == 1:
        return "the log is one request, which is never divided; see 'data.roles.request_id'"
    if "time" not in dataset.schema.roles:
        return f"the log has {dataset.report.impressions:,} impressions; see 'data.split'"
    first, last = (written(moment) for moment in (dataset.report.first, dataset.report.last))
    if first != last:
        return (
            f"the log runs from {first} to {last}, and what is of one moment is never divided; "
            "say moments within it with 'data.split'"
        )
    return (
        f"all of the log is of one moment, {first}, which is never divided; without "
        "'data.roles.time' the order of its rows divides it"
    )
