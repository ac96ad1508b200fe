"""A log after its first read: checked, time-sorted Parquet in a cache directory.

The table of impressions has the columns ``row`` (position in the sorted table), ``request_id``,
``time`` (microseconds since 1970 UTC), ``user`` and ``item`` where the log has them, ``label``
(1, 0 or null) and every other input column under its own name. A log may hold page views beside.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from pydantic import BaseModel

from clickthrough import parquet
from clickthrough.features.history.known import Known
from clickthrough.features.sides import SideForm
from clickthrough.schema import Schema

IMPRESSIONS, VIEWS = "impressions", "views"
"""Directories of Parquet files, one after another in the order of their names."""
HISTORY, ABOUT, SIDES = "history.parquet", "dataset.json", "sides"


class Report(BaseModel):
    """What the first read found.

    Attributes:
        impressions: rows.
        requests: distinct requests.
        clicks: rows with label 1.
        unlabelled: rows whose label is not known.
        first: earliest time, microseconds since 1970 UTC.
        last: latest time.
        notes: repairs and absences that the user should know of.
    """

    impressions: int
    requests: int
    clicks: int
    unlabelled: int
    first: int
    last: int
    notes: list[str] = []


class About(BaseModel):
    """The part of a dataset that is not a table; ``name`` is how errors call the log.

    ``sides`` are the side tables that were joined to it.
    """

    log_schema: Schema
    report: Report
    divided: bool
    name: str | None = None
    sides: list[SideForm] = []


@dataclass(frozen=True)
class Dataset:
    """A converted log.

    Attributes:
        path: its directory in the cache.
        schema: its columns.
        report: what the first read found.
        divided: whether a column ``part`` (0 train, 1 validation, 2 test) came with it.
        name: how errors call the log: its files.
        sides: the side tables that were joined to it, in their order.
        known: what a bundle knows of before the log, where it comes after the bundle's: its
            counters, sequences and ages start there.
        part: what all of such a log is, by number; None where ``data.split`` divides the log.
    """

    path: Path
    schema: Schema
    report: Report
    divided: bool
    name: str
    sides: Sequence[SideForm] = ()
    known: Known | None = None
    part: int | None = None

    def impressions(self) -> pl.LazyFrame:
        """Scan the impressions, sorted by time and request."""
        return impressions_in(self.path)

    def history(self) -> pl.LazyFrame | None:
        """Scan what users did before the log begins (``user``, ``time``, ``item``), if known."""
        path = self.path / HISTORY
        return parquet.scan(path) if path.exists() else None

    def views(self) -> pl.LazyFrame | None:
        """Scan the pages that users viewed (``time``, ``schema.views``), by time, if known."""
        path = self.path / VIEWS
        return parquet.scan(path) if path.exists() else None

    def side(self, form: SideForm) -> pl.LazyFrame:
        """Scan one of the side tables: see :class:`clickthrough.data.raw.Side`."""
        return parquet.scan(side_path(self.path, self.sides.index(form)))


def impressions_in(folder: Path) -> pl.LazyFrame:
    """Scan the impressions of a directory of the cache; see :meth:`Dataset.impressions`."""
    return parquet.scan(folder / IMPRESSIONS).cast({"label": pl.Int8})


def side_path(folder: Path, place: int) -> Path:
    """Return where a side table lies, by its place among them."""
    return folder / SIDES / f"{place:02d}.parquet"


def load_dataset(path: Path) -> Dataset:
    """Open a directory of the cache."""
    about = About.model_validate_json((path / ABOUT).read_text())
    name = about.name or str(path)
    return Dataset(path, about.log_schema, about.report, about.divided, name, about.sides)
