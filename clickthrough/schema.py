"""The columns of a log: what each is called by its owner, by us, and how it is read.

Our names are the roles ``request_id``, ``time``, ``user``, ``item``, ``label``; a column without
a role keeps its own name. The schema travels in the bundle, so the service reads raw fields
exactly as the reader did.
"""

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from clickthrough.config.base import Strict
from clickthrough.config.data import TimeFormat
from clickthrough.config.explain import FieldSource
from clickthrough.time_format import parse_formatted, parse_iso

FieldType = Literal["int", "float", "str", "bool", "ints", "floats", "strs"]
Role = Literal["request_id", "time", "user", "item", "label"]
Columns = dict[str, NDArray[np.generic]]
"""Columns by our names: int and bool as int64, float as float64, str as bytes (``S``), shape (n,);
lists of them with a second dimension, padded with missing values."""

MISSING_INT = np.iinfo(np.int64).min
"""How a missing int is held; a missing float is NaN, a missing str is empty."""

_MICROSECONDS = {"s": 1_000_000, "ms": 1_000, "us": 1, "ns": 1, "iso": 1}


class Schema(Strict):
    """Names and types of the columns that an impression can have.

    Attributes:
        roles: role -> the name that the log's owner gave the column.
        fields: our name -> type, for every column but ``time`` and ``label``.
        time: how the time column counts.
        views: the fields that a page view has, where the log holds page views.
        absent: fields that such a log can have and this one lacks, a table being absent or a
            column without any value; features of these are left out.
        first: the moment of the log's first impression, microseconds since 1970 UTC; None where it
            knows no times.
        last: of its last.
        missing: texts that stand for no value, beside an empty one.
        missing_in: fields, and texts that stand for no value there alone.
        sources: where fields come from, as the log tells; see :mod:`clickthrough.data.sources`.
    """

    roles: dict[Role, str]
    fields: dict[str, FieldType]
    time: TimeFormat = TimeFormat()
    views: list[str] = []
    absent: list[str] = []
    first: int | None = None
    last: int | None = None
    missing: list[str] = []
    missing_in: dict[str, list[str]] = {}
    sources: dict[str, FieldSource] = {}

    def input_name(self, field: str) -> str:
        """Return the owner's name of one of our fields."""
        return self.roles.get(field, field)  # type: ignore[call-overload, no-any-return]

    def aliases(self) -> dict[str, str]:
        """Return every name that a field may be given by, with our name for it.

        A log without times may still have a column that is called so.
        """
        times = ["time"] if "time" in self.roles else []
        names = {name: name for name in ("request_id", *times, "user", "item", *self.fields)}
        return names | {column: role for role, column in self.roles.items() if role != "label"}


NUMBER = r"[ \t]*-?[0-9]+(?:\.[0-9]*)?[ \t]*"
"""A text that is a number, where the times of a log are numbers."""


@lru_cache(maxsize=10_000, typed=True)
def parse_time(value: str | float, form: TimeFormat) -> int:
    """Read a moment as microseconds since 1970 UTC.

    A text is ISO 8601 (in the form's zone where it names no offset), or a number where the log's
    times are numbers; a number counts ``form.unit`` from ``form.origin``, and seconds since 1970
    where the log's times are texts. Where the log has a format of its own, a value that has it is
    read by it, and any other must be ISO 8601.

    Raises:
        ValueError: the value is neither.
    """
    if form.format is not None:
        moment = parse_formatted(value, form.format, form.timezone)
        return to_microseconds(moment or _iso(str(value), form))
    if isinstance(value, str):
        if form.unit == "iso" or not re.fullmatch(NUMBER, value):
            return to_microseconds(_iso(value, form))
        value = float(value) if "." in value else int(value)
    if form.unit == "iso":
        return round(value * 1_000_000)
    if form.unit == "ns":
        return to_microseconds(form.origin) + int(value // 1_000)
    return to_microseconds(form.origin) + round(value * _MICROSECONDS[form.unit])


def _iso(text: str, form: TimeFormat) -> datetime:
    moment = parse_iso(text, form.timezone)
    if moment is None:
        raise ValueError
    return moment


def unit_microseconds(form: TimeFormat) -> int:
    """Return the length of the format's unit."""
    return _MICROSECONDS[form.unit]


def to_microseconds(moment: datetime) -> int:
    """Return a moment as microseconds since 1970 UTC; without an offset it is in UTC.

    >>> to_microseconds(datetime(1970, 1, 2))
    86400000000
    """
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    delta = aware - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds
