"""What a reader makes of its files, before the checks."""

from dataclasses import dataclass

import polars as pl

from clickthrough.schema import Schema


@dataclass(frozen=True)
class RawLog:
    """What a reader makes of its files.

    Attributes:
        name: how errors call the log.
        impressions: our column names and types, in the order of the files; no ``row`` yet, and
            the label as any number, so that the check can name what it found.
        schema: names and types of its columns.
        history: ``user``, ``time``, ``item`` of what happened before the log, if given.
        divided: whether the column ``part`` is given.
        notes: what the user should know.
    """

    name: str
    impressions: pl.LazyFrame
    schema: Schema
    history: pl.LazyFrame | None = None
    divided: bool = False
    notes: tuple[str, ...] = ()
