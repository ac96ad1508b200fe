"""What a reader makes of its files, before the checks."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from clickthrough.data.labels import ONE, Click
from clickthrough.features.sides import SideForm
from clickthrough.schema import Schema


@dataclass(frozen=True)
class Side:
    """A side table as it was joined to a log, a row a key.

    Attributes:
        form: what it is.
        rows: its key in the columns of ``key_columns``, none of them null; then ``form.columns``,
            typed as the log's.
    """

    form: SideForm
    rows: pl.LazyFrame


def key_columns(form: SideForm) -> list[str]:
    """Return the names of the columns that hold the key of a side table.

    >>> key_columns(SideForm.model_validate(
    ...     {"name": "ads", "columns": [], "ways": [{"key": ["item"], "gives": {}}]}))
    ['key:0']
    """
    return [f"key:{place}" for place in range(len(form.ways[0].key))]


@dataclass(frozen=True)
class RawLog:
    """What a reader makes of its files.

    Attributes:
        name: how errors call the log.
        impressions: our column names and types, in the order of the files; no ``row`` yet, and
            the label as any number, so that the check can name what it found. A log larger than
            memory may come in pieces, each made on its own.
        schema: names and types of its columns.
        history: ``user``, ``time``, ``item`` of what happened before the log, if given.
        views: pages that users viewed, if given: ``time`` and the fields of ``schema.views``.
        views_found: how many page views the files hold; those of users who were shown nothing
            are not among ``views``.
        divided: whether the column ``part`` is given.
        notes: what the user should know.
        clicks_per_request: how many clicks every request should have, where that is known.
        sides: tables of which a service can say what callers do not, in the order of their joins.
        labels: the column of labels alone, as the files have it, for what is said of odd ones.
        click: what of it is a click.
    """

    name: str
    impressions: pl.LazyFrame | Sequence[pl.LazyFrame]
    schema: Schema
    history: pl.LazyFrame | None = None
    views: pl.LazyFrame | None = None
    views_found: int = 0
    divided: bool = False
    notes: tuple[str, ...] = ()
    clicks_per_request: int | None = None
    sides: Sequence[Side] = ()
    labels: pl.LazyFrame | None = None
    click: Click = ONE

    @property
    def pieces(self) -> Sequence[pl.LazyFrame]:
        """The impressions, a piece at a time."""
        return (
            [self.impressions] if isinstance(self.impressions, pl.LazyFrame) else self.impressions
        )
