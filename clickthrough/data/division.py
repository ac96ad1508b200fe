"""What divides a log into its parts: worked out once, in memory that does not grow with it.

Impressions lie in order of time, so the place of a boundary is a row, and nothing is sorted.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path

import polars as pl

from clickthrough.config.data import Boundary, TimeSplit
from clickthrough.data.dataset import Dataset, impressions_in
from clickthrough.data.slices import height
from clickthrough.dealt import dealt
from clickthrough.schema import to_microseconds

TRAIN, VALIDATION, TEST = 0, 1, 2
_REMEMBERED = 64
"""So many divisions are kept: a process works on few logs."""


@dataclass(frozen=True)
class Division:
    """Where the parts of a log begin.

    Attributes:
        column: ``time``, ``row``, or ``part`` where the log came divided.
        validation: rows with less are of the train part.
        test: rows with less come before the test part.
        begun: of each part, requests that begin in it and whose rows reach into later ones.
        found: how many rows each part has.
    """

    column: str
    validation: int
    test: int
    begun: Mapping[int, list[int | str]] = field(default_factory=dict)
    found: Mapping[int, int] = field(default_factory=dict)

    def of(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """Return impressions with their part; those of a request have that of its first."""
        place = pl.col(self.column)
        part = (place >= self.validation).cast(pl.Int8) + (place >= self.test).cast(pl.Int8)
        for begun, requests in self.begun.items():
            whole = pl.col("request_id").is_in(requests)
            part = pl.when(whole).then(pl.lit(begun, pl.Int8)).otherwise(part)
        return rows.with_columns(part.alias("part"))


def division_of(dataset: Dataset, split: TimeSplit) -> Division:
    """Return what divides a log; a process works it out once for each split."""
    path, report, roles = dataset.path, dataset.report, dataset.schema.roles
    if dataset.divided:
        return _as_it_came(path)
    if "time" in roles:
        return _divided(path, "time", report.last + 1, split.validation, split.test, False)
    apart = "request_id" in roles
    return _divided(path, "row", report.impressions, split.validation, split.test, apart)


@lru_cache(_REMEMBERED)
def _as_it_came(path: Path) -> Division:
    return Division("part", VALIDATION, TEST, found=_found(impressions_in(path)))


@lru_cache(_REMEMBERED)
def _divided(
    path: Path, column: str, end: int, validation: Boundary, test: Boundary | None, apart: bool
) -> Division:
    """Work out a division.

    Args:
        path: the dataset.
        column: along which it is divided, ascending.
        end: a value after its end.
        validation: see :class:`TimeSplit`.
        test: see there.
        apart: whether rows of a request may lie on both sides of a boundary.
    """
    rows = impressions_in(path)
    last = end if test is None else _boundary(rows, column, test, end)
    first = _boundary(rows, column, validation, last)
    begun = _begun(rows, sorted([first, last]), path) if apart else {}
    division = Division(column, first, last, begun)
    return replace(division, found=_found(division.of(rows)))


def _boundary(rows: pl.LazyFrame, column: str, boundary: Boundary, end: int) -> int:
    """Return where a part begins that ends at ``end``; at its end where nothing comes before."""
    if isinstance(boundary, datetime):
        return to_microseconds(boundary)
    count = height(rows.filter(pl.col(column) < end))
    if not count:
        return end
    place = min(round(count * (1 - boundary)), count - 1)
    return int(rows.select(column).slice(place, 1).collect(engine="streaming").item())


def _begun(rows: pl.LazyFrame, bounds: list[int], path: Path) -> dict[int, list[int | str]]:
    """Return the requests that reach beyond the part of their first row, by that part."""
    begun: dict[int, list[int | str]] = {}
    row = pl.col("row")
    for some in dealt(rows.select("request_id", "row"), ["request_id"], path):
        spans = some.group_by("request_id").agg(
            **{name: sum((of >= bound).cast(pl.Int8) for bound in bounds)
               for name, of in (("begins", row.min()), ("ends", row.max()))}
        )  # fmt: skip
        reaching = spans.filter(pl.col("begins") < pl.col("ends"))
        found = reaching.select("begins", "request_id").collect(engine="streaming")
        for part, request in found.iter_rows():
            begun.setdefault(part, []).append(request)
    return begun


def _found(rows: pl.LazyFrame) -> dict[int, int]:
    counts = rows.group_by("part").len().collect(engine="streaming")
    return dict(counts.iter_rows())
