"""How the texts of a time column are written, where they are not ISO 8601. Pure."""

import re
from collections.abc import Iterator
from itertools import product

import polars as pl

from clickthrough.config.data import TimeFormat
from clickthrough.data.moments import moment
from clickthrough.time_format import time_pattern

_DATES = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%m-%d-%Y", "%d-%m-%Y",
    "%d.%m.%y", "%m/%d/%y", "%d/%m/%y", "%d %b %Y", "%d-%b-%Y", "%d/%b/%Y", "%d-%b-%y",
    "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%B %d %Y",
)  # fmt: skip
"""The likelier of two that could be meant goes first: months before days, as in the USA."""
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", ":%H:%M:%S",
           "T%H:%M:%S", ", %H:%M", ", %I:%M %p")  # fmt: skip
_OFFSETS = ("", " %z", "%z")
_FEW = 50
_OFFSET = r"(?i)\d\s?(Z|UTC|GMT|[+-]\d{2}(:?\d{2})?)\s*$"
_DAY_ALONE = r"^[\d\s./-]{4,10}$"
"""Whose hyphen begins no offset."""


def written_as(values: pl.Series) -> Iterator[str]:
    """Yield the formats by which all values of a column can be read, the likeliest first.

    Args:
        values: texts, of which some may be null.
    """
    few = values.drop_nulls().head(_FEW)
    for form in forms_of(str(few.first())):
        if _reads(few, form) and _reads(values, form):
            yield form


def forms_of(text: str) -> Iterator[str]:
    """Yield the formats that a text has, the likeliest first."""
    for date, clock, offset in product(_DATES, _CLOCKS, _OFFSETS):
        form = f"{date}{clock}{offset if clock else ''}"
        if not (offset and not clock) and re.fullmatch(time_pattern(form), text):
            yield form


def is_local(values: pl.Series) -> bool:
    """Tell times of a clock that do not say in which zone it stands."""
    if values.dtype == pl.String:
        offset = pl.col(values.name).str.contains(_OFFSET)
        alone = pl.col(values.name).str.contains(_DAY_ALONE)
        return not bool(values.to_frame().select((offset & ~alone).any()).item())
    return isinstance(values.dtype, pl.Datetime) and values.dtype.time_zone is None


def _reads(values: pl.Series, form: str) -> bool:
    column = pl.col(values.name)
    made = values.to_frame().select(moment(column, pl.String(), TimeFormat(format=form)))
    return made.to_series().null_count() == values.null_count()
