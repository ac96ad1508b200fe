"""What the columns of a table look like: types, cardinalities, quantities. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import polars as pl

ColumnType = Literal["int", "float", "str", "bool", "moment", "ints", "floats", "strs", "other"]

_WHOLE = r"^-?\d+$"
_NUMBER = r"^([-+]?((\d+(\.\d+)?|\.\d+)([eE][-+]?\d+)?|\d+\.|inf)|NaN)$"
"""What the reader takes for numbers."""
_PLUS = r"^\+\d+$"
_LEADING_ZERO = r"^-?0\d"
_WIDE = (pl.UInt64, pl.Int128, pl.UInt128)
_SEPARATORS = ("|", ";", ",", " ")


@dataclass(frozen=True)
class Column:
    """A column of a sample.

    Attributes:
        type: as a field's, ``moment`` for dates and times, ``other`` for what no field can hold.
        missing: share of rows without a value.
        distinct: values in the sample.
        unique: whether no value appears twice.
        low, middle, high, tail: least, median, greatest value and 99th percentile of a quantity.
        force_text: why a number must be read as text, if so.
        text: whether the sample holds texts, whatever they say.
        words: mean number of words of a text.
        separator: what divides a text into a list, if anything does.
    """

    name: str
    type: ColumnType
    missing: float
    distinct: int
    unique: bool
    low: float = 0.0
    middle: float = 0.0
    high: float = 0.0
    tail: float = 0.0
    force_text: str | None = None
    text: bool = False
    words: float = 0.0
    separator: str | None = None


@dataclass(frozen=True)
class Profile:
    """A sample with the profile of each of its columns; its columns have their types.

    Attributes:
        whole: whether the sample is all of the log.
    """

    rows: pl.DataFrame
    columns: Mapping[str, Column]
    whole: bool = True


def profile(rows: pl.DataFrame, whole: bool = True) -> Profile:
    """Profile a sample; texts that are all numbers become numbers.

    Args:
        rows: the sample; the columns of a CSV are texts.
        whole: whether it is all of the log.

    >>> profile(pl.DataFrame({"zip": ["01", "20"], "price": ["1.5", None]})).columns["zip"].type
    'str'
    """
    typed = {name: _as_number(rows[name]) for name in rows.columns}
    columns = {
        name: _profile(name, series, why, text=rows[name].dtype == pl.String)
        for name, (series, why) in typed.items()
    }
    return Profile(pl.DataFrame({n: series for n, (series, _) in typed.items()}), columns, whole)


def _as_number(column: pl.Series) -> tuple[pl.Series, str | None]:
    """Return texts as the numbers that the reader would take them for, or why they are none.

    What a field holds as text is one here, however a file holds it: coded, or as whole numbers
    beyond 64 bits.
    """
    if column.dtype != pl.String:
        reason = _beyond(column)
        text = reason is not None or column.dtype in (pl.Categorical, pl.Enum, pl.Null)
        return column.cast(pl.String) if text else column, reason
    texts = column.set(column == "", None)
    known = texts.drop_nulls()
    if len(known) == 0:
        return texts, None
    if known.str.contains(_WHOLE).all():
        if known.str.contains(_LEADING_ZERO).any():
            return texts, "has leading zeros"
        numbers = texts.cast(pl.Int64, strict=False)
        if numbers.null_count() > texts.null_count():
            return texts, "is beyond 64 bits"
        return numbers, None
    if known.str.contains(_NUMBER).all() and not known.str.contains(_PLUS).any():
        return texts.cast(pl.Float64, strict=False), None
    if known.str.to_lowercase().is_in(["true", "false"]).all():
        return texts.str.to_lowercase() == "true", None
    return texts, None


def _beyond(column: pl.Series) -> str | None:
    wide = column.dtype in _WIDE
    return "is beyond 64 bits" if wide and _number(column.max()) >= 2**63 else None


def _profile(name: str, column: pl.Series, force_text: str | None, text: bool) -> Column:
    kind = "str" if force_text else _kind(column)
    known = column.drop_nulls()
    distinct = known.n_unique() if kind not in ("other",) else len(known)
    numbers = _finite(known) if kind in ("int", "float", "bool") and len(known) else None
    return Column(
        name=name,
        type=kind,
        missing=column.null_count() / max(len(column), 1),
        distinct=distinct,
        unique=distinct == len(known) > 1,
        low=_number(numbers.min()) if numbers is not None else 0.0,
        middle=_number(numbers.median()) if numbers is not None else 0.0,
        high=_number(numbers.max()) if numbers is not None else 0.0,
        tail=_number(numbers.quantile(0.99)) if numbers is not None else 0.0,
        force_text=force_text,
        text=text,
        words=_words(known) if column.dtype == pl.String else 0.0,
        separator=_separator(known) if column.dtype == pl.String else None,
    )


def _finite(known: pl.Series) -> pl.Series:
    numbers = known.cast(pl.Float64)
    return numbers.filter(numbers.is_finite())


def is_whole(values: pl.Series) -> bool:
    """Tell numbers that are whole, and as fractions exact: they may be ids."""
    if not values.dtype.is_float():
        return True
    known = values.drop_nulls()
    return bool(((known == known.floor()) & (known.abs() < 2**53)).all())


def _kind(column: pl.Series) -> ColumnType:
    """Return the type of a column that is no text; lists beyond 64 bits cannot be read as texts."""
    listed = isinstance(column.dtype, pl.List) and column.dtype.inner in _WIDE
    return "other" if listed and _beyond(column.explode()) else _type(column.dtype)


def _type(dtype: pl.DataType) -> ColumnType:
    if dtype.is_temporal():
        return "moment" if dtype in (pl.Datetime, pl.Date) else "other"
    if isinstance(dtype, pl.List):
        inner = dtype.inner
        listed: dict[str, ColumnType] = {"int": "ints", "float": "floats", "str": "strs"}
        of = _type(inner if isinstance(inner, pl.DataType) else inner())
        return listed.get(of, "other")
    if dtype == pl.Boolean:
        return "bool"
    if dtype.is_integer():
        return "int"
    if dtype.is_float() or dtype.is_decimal():
        return "float"
    return "str" if dtype in (pl.String, pl.Categorical, pl.Enum, pl.Null) else "other"


def _words(texts: pl.Series) -> float:
    return _number(texts.str.count_matches(r"\S+").mean()) if len(texts) else 0.0


def _separator(texts: pl.Series) -> str | None:
    """Return what divides texts into lists: few entries in many combinations."""
    for sign in _SEPARATORS:
        parts = texts.str.count_matches(sign, literal=True)
        if len(texts) and _number((parts > 0).mean()) >= 0.2:
            entries = texts.str.split(sign).explode()
            if (
                entries.n_unique() < 0.5 * texts.n_unique()
                and _number(entries.str.count_matches(r"\S+").mean()) < 3
            ):
                return sign
    return None


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
