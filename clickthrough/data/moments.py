"""The time column of a log, as microseconds since 1970 UTC; ``schema.parse_time`` in columns."""

import re

import polars as pl

from clickthrough.config.data import TimeFormat
from clickthrough.errors import DataError
from clickthrough.schema import NUMBER, to_microseconds, unit_microseconds
from clickthrough.time_format import ISO_PATTERN, MONTHS, PIVOT, fixed_width, time_pattern

_USUAL_ISO = (
    r"^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?"
    r"(Z|\+00:00)?$"
)
"""What nearly all logs hold: read several times as fast by Polars' own code."""
_HOUR = 3_600_000_000


def moment(column: pl.Expr, dtype: pl.DataType, form: TimeFormat) -> pl.Expr:
    """Return microseconds since 1970 UTC; what cannot be read becomes null.

    Raises:
        DataError: the column holds numbers and the form does not say what they count, or what can
            be no moment.
    """
    name = column.meta.output_name()
    if isinstance(dtype, pl.Datetime):
        if dtype.time_zone is None:
            return _in_utc(column.cast(pl.Datetime("us")), form.timezone)
        return column.dt.epoch("us")
    if dtype == pl.Date:
        return _in_utc(column.cast(pl.Datetime("us")), form.timezone)
    if dtype in (pl.String, pl.Categorical, pl.Enum):
        return _of_texts(column.cast(pl.String), form)
    if dtype == pl.Null:
        return column.cast(pl.Int64)
    if not dtype.is_numeric():
        raise DataError(f"column '{name}' is of type {dtype}, which holds no moments")
    # as narrow as the file holds them, numbers would overflow on the way to microseconds
    column = column.cast(pl.Int64 if dtype.is_integer() else pl.Float64, strict=False)
    if form.format is not None:
        return _of_texts(_digits(column), form)
    if form.unit == "iso":
        raise DataError(
            f"column '{name}' holds numbers; say what they count with "
            "'time: {unit: s | ms | us | ns, origin: ...}', or how they are written with "
            "'time: {format: ...}'"
        )
    return _counted(column, form)


def _of_texts(column: pl.Expr, form: TimeFormat) -> pl.Expr:
    """Read texts: by the log's own format, as numbers that count, as ISO 8601."""

    def read(texts: pl.Series) -> pl.Series:
        found = _by_form(texts, form)
        rest = texts.to_frame().select(pl.when(found.is_null()).then(pl.first())).to_series()
        if rest.null_count() == len(rest):
            return found
        iso = _parts_of(rest, ISO_PATTERN, form.timezone)
        return found.to_frame().select(pl.coalesce(pl.first(), iso)).to_series()

    # as one step, or each part of a text would be looked for anew
    return column.map_batches(read, return_dtype=pl.Int64, is_elementwise=True)


def _by_form(texts: pl.Series, form: TimeFormat) -> pl.Series:
    """Read what has the form that a log's times are expected to have."""
    if form.format is not None:
        padded = texts.str.zfill(fixed_width(form.format))
        return _parts_of(padded, time_pattern(form.format), form.timezone)
    column = pl.first()
    if form.unit == "iso":
        return texts.to_frame().select(_usual_iso(column, form.timezone)).to_series()
    number = pl.when(column.str.contains(f"^{NUMBER}$")).then(column.str.strip_chars(" \t"))
    whole = _counted(number.cast(pl.Int64, strict=False), form)
    fraction = _counted(number.cast(pl.Float64, strict=False), form)
    return texts.to_frame().select(pl.coalesce(whole, fraction)).to_series()


def _usual_iso(column: pl.Expr, zone: str) -> pl.Expr:
    """Read the usual form; the other pattern would read it too, and say the same."""
    known = pl.when(column.str.contains(_USUAL_ISO)).then(column)
    plain = known.str.replace("T", " ", literal=True).str.replace(r"(Z|\+00:00)$", "")
    local = plain.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False)
    if zone == "UTC":
        return local.dt.epoch("us")
    offset = column.str.contains(r"(Z|\+00:00)$")
    return pl.when(offset).then(local.dt.epoch("us")).otherwise(_in_utc(local, zone))


def _counted(column: pl.Expr, form: TimeFormat) -> pl.Expr:
    if form.unit == "ns":
        return (column // 1_000).cast(pl.Int64) + to_microseconds(form.origin)
    micros = column * unit_microseconds(form)
    return micros.round().cast(pl.Int64, strict=False) + to_microseconds(form.origin)


def _digits(column: pl.Expr) -> pl.Expr:
    """Write numbers as texts; a fraction makes none."""
    whole = column.cast(pl.Int64, strict=False)
    return pl.when(whole == column).then(whole.cast(pl.String))


def _parts_of(texts: pl.Series, pattern: str, zone: str) -> pl.Series:
    """Return the moments of texts that match a pattern of :mod:`clickthrough.time_format`."""
    part = {name: pl.col(name) for name in re.compile(pattern).groupindex}
    groups = texts.str.extract_groups(f"^{pattern}$").struct.unnest()
    return groups.select(_of_parts(part, zone).alias(texts.name)).to_series()


def _of_parts(part: dict[str, pl.Expr], zone: str) -> pl.Expr:
    """Return microseconds since 1970 UTC of the parts of texts."""
    number = {name: value.cast(pl.Int64, strict=False) for name, value in part.items()}
    year = number["Y"] if "Y" in part else _year(number["y"])
    date = [value.cast(pl.String).str.zfill(2) for value in (year, _month(part), number["d"])]
    day = pl.format("{}-{}-{}", *date).str.to_date("%Y-%m-%d", strict=False)
    local = day.cast(pl.Datetime("us")) + pl.duration(
        hours=_hour(part, number), minutes=_or_zero(number, "M"), seconds=_or_zero(number, "S"),
        microseconds=_fraction(part),
    )  # fmt: skip
    if "z" not in part:
        return _in_utc(local, zone)
    offset = _offset(part["z"]) * 60_000_000
    return pl.when(part["z"].is_null()).then(_in_utc(local, zone)).otherwise(
        local.dt.epoch("us") - offset
    )  # fmt: skip


def _in_utc(local: pl.Expr, zone: str) -> pl.Expr:
    """Return moments of a zone's clock: the first of two alike, and on into an hour left out."""
    if zone == "UTC":
        return local.dt.epoch("us")

    def placed(clock: pl.Expr) -> pl.Expr:
        there = clock.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
        return there.dt.epoch("us")

    return pl.coalesce(placed(local), placed(local - pl.duration(hours=1)) + _HOUR)


def _month(part: dict[str, pl.Expr]) -> pl.Expr:
    named = part.get("b", part.get("B"))
    if named is None:
        return part["m"].cast(pl.Int64, strict=False)
    numbers = {name: place for place, name in enumerate(MONTHS, 1)}
    short = named.str.slice(0, 3).str.to_lowercase()
    return short.replace_strict(numbers, default=None, return_dtype=pl.Int64)


def _hour(part: dict[str, pl.Expr], number: dict[str, pl.Expr]) -> pl.Expr:
    if "p" not in part:
        return _or_zero(number, "H")
    after_noon = part["p"].str.to_lowercase() == "pm"
    return number["I"] % 12 + 12 * after_noon.cast(pl.Int64)


def _fraction(part: dict[str, pl.Expr]) -> pl.Expr:
    if "f" not in part:
        return pl.lit(0, pl.Int64)
    digits = part["f"].fill_null("0").str.slice(0, 6).str.pad_end(6, "0")
    return digits.cast(pl.Int64)


def _offset(text: pl.Expr) -> pl.Expr:
    """Return the minutes of offsets."""
    digits = text.str.replace_all("[^0-9]", "")
    hours, rest = digits.str.slice(0, 2), digits.str.slice(2, 2)
    minutes = hours.cast(pl.Int64, strict=False).fill_null(0) * 60
    minutes += rest.cast(pl.Int64, strict=False).fill_null(0)
    return pl.when(text.str.starts_with("-")).then(-minutes).otherwise(minutes)


def _or_zero(number: dict[str, pl.Expr], name: str) -> pl.Expr:
    return number[name].fill_null(0) if name in number else pl.lit(0, pl.Int64)


def _year(two_digits: pl.Expr) -> pl.Expr:
    return two_digits + pl.when(two_digits >= PIVOT).then(1900).otherwise(2000)
