"""Train, validation and test, in order of time: a request is never divided."""

import polars as pl

from clickthrough.config.data import TimeSplit
from clickthrough.data.dataset import Dataset
from clickthrough.data.division import TEST, TRAIN, VALIDATION, Division, division_of
from clickthrough.errors import DataError
from clickthrough.time_range import written

PARTS = ("train", "validation", "test")

__all__ = ["PARTS", "TEST", "TRAIN", "VALIDATION", "before_test", "with_part"]


def with_part(dataset: Dataset, split: TimeSplit) -> pl.LazyFrame:
    """Return the impressions with a column ``part``: 0 train, 1 validation, 2 test.

    Raises:
        DataError: a part that was asked for is empty.
    """
    rows = dataset.impressions()
    if dataset.part is not None:
        return rows.with_columns(part=pl.lit(dataset.part, pl.Int8))
    division = division_of(dataset, split)
    _refuse_empty(division, dataset, want_test=split.test is not None and not dataset.divided)
    return rows if dataset.divided else division.of(rows)


def before_test(dataset: Dataset, split: TimeSplit) -> tuple[str, int]:
    """Return a column and a bound: rows with less come before the test part."""
    if dataset.known is not None:
        return "time", dataset.known.until
    division = division_of(dataset, split)
    return division.column, division.test


def _refuse_empty(division: Division, dataset: Dataset, want_test: bool) -> None:
    for part, name in enumerate(PARTS):
        if not division.found.get(part) and (part != TEST or want_test):
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
