"""The time column of a log, as microseconds since 1970 UTC; ``schema.parse_time`` in columns."""

import re

import polars as pl

from clickthrough.config.data import TimeFormat
from clickthrough.errors import DataError
from clickthrough.schema import to_microseconds, unit_microseconds
from clickthrough.time_format import PIVOT, fixed_width, time_pattern

_ISO_DATE = r"^\s*\d{4}-\d{2}-\d{2}"
"""Without it, dates such as 01/02/2024 would be guessed at."""


def moment(column: pl.Expr, dtype: pl.DataType, form: TimeFormat) -> pl.Expr:
    """Return microseconds since 1970 UTC; what cannot be read becomes null.

    Raises:
        DataError: the column holds numbers and the form does not say what they count.
    """
    if isinstance(dtype, pl.Datetime):
        return column.dt.epoch("us")
    if dtype == pl.Date:
        return column.cast(pl.Datetime("us")).dt.epoch("us")
    if form.format is not None:
        return _formatted(_digits(column, dtype), form.format)
    if dtype == pl.String:
        iso = pl.when(column.str.contains(_ISO_DATE)).then(column)
        return iso.str.to_datetime(time_unit="us", time_zone="UTC", strict=False).dt.epoch("us")
    if form.unit == "iso":
        raise DataError(
            f"column '{column.meta.output_name()}' holds numbers; say what they count with "
            "'time: {unit: s | ms | us, origin: ...}', or how they are written with "
            "'time: {format: ...}'"
        )
    micros = column * unit_microseconds(form)
    return micros.round().cast(pl.Int64) + to_microseconds(form.origin)


def _digits(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Write numbers as texts; a fraction makes none."""
    if dtype == pl.String:
        return column
    whole = column.cast(pl.Int64, strict=False)
    return pl.when(whole == column).then(whole.cast(pl.String))


def _formatted(text: pl.Expr, form: str) -> pl.Expr:
    padded = text.str.zfill(fixed_width(form))
    groups = padded.str.extract_groups(f"^{time_pattern(form)}$")
    names = re.compile(time_pattern(form)).groupindex
    part = {name: groups.struct.field(name).cast(pl.Int64) for name in names}
    year = part["Y"] if "Y" in part else _year(part["y"])
    date = [value.cast(pl.String).str.zfill(2) for value in (year, part["m"], part["d"])]
    days = pl.format("{}-{}-{}", *date).str.to_date("%Y-%m-%d", strict=False)
    midnight = days.cast(pl.Datetime("us")).dt.epoch("us")
    zero = pl.lit(0, pl.Int64)
    hour, minute, second = (part.get(name, zero) for name in "HMS")
    return midnight + ((hour * 60 + minute) * 60 + second) * 1_000_000


def _year(two_digits: pl.Expr) -> pl.Expr:
    return two_digits + pl.when(two_digits >= PIVOT).then(1900).otherwise(2000)
