"""What kind of feature each remaining column is, or why it would be left out. Pure."""

from dataclasses import dataclass
from typing import Literal

import polars as pl

from clickthrough.init.names import IDS, LEAKS, hint
from clickthrough.init.profile import Column, Profile
from clickthrough.init.roles import Guess

Kind = Literal["categorical", "hashed", "numeric", "log1p", "bag", "drop"]

HUGE = 1_000_000
"""Values of a column from which on ids are hashed, so that no vocabulary need be held."""
_TAKEN = ("user", "item", "time", "label", "request_id", "row", "part")
_FEW = 20
"""Whole numbers of so few values are taken for codes, not for quantities."""


@dataclass(frozen=True)
class Made:
    """What is made of a column."""

    column: Column
    kind: Kind
    reason: str


def kinds(profile: Profile, guess: Guess, total: int | None) -> list[Made]:
    """Say of each column without a role what is made of it.

    Args:
        profile: of the log.
        guess: its roles.
        total: rows of the whole log, if known.
    """
    roles = set(guess.columns.values())
    label = clicks(profile.rows, guess)
    rest = [column for column in profile.columns.values() if column.name not in roles]
    scale = (total or len(profile.rows)) / max(len(profile.rows), 1)
    return [_made(column, profile.rows[column.name], label, scale) for column in rest]


def clicks(rows: pl.DataFrame, guess: Guess) -> pl.Series:
    """Return the label as 0.0 and 1.0."""
    label = rows[guess.label.column].cast(pl.Float64)
    return label if guess.at_least is None else (label >= guess.at_least).cast(pl.Float64)


def _made(column: Column, values: pl.Series, label: pl.Series, scale: float) -> Made:
    reason = _reason_to_drop(column, values, label)
    if reason is not None:
        return Made(column, "drop", reason)
    if column.type in ("ints", "strs"):
        return Made(column, "bag", "lists of ids")
    if column.type == "str" and column.separator is not None:
        return Made(column, "bag", f"texts that '{column.separator}' divides into few entries")
    if _is_id_with_gaps(column, values):
        return Made(column, "categorical", "ids, fractions only because some are missing")
    if _is_quantity(column):
        return _quantity(column)
    of = column.force_text or ("texts" if column.type == "str" else "codes")
    if column.distinct * scale > HUGE and column.distinct > 0.2 * len(values):
        return Made(column, "hashed", f"{of}; about {column.distinct * scale:,.0f} values")
    return Made(column, "categorical", of)


def _reason_to_drop(column: Column, values: pl.Series, label: pl.Series) -> str | None:
    return _holds_nothing(column, values) or _means_nothing(column, values) or _leak(values, label)


def _holds_nothing(column: Column, values: pl.Series) -> str | None:
    """Say why no feature can be made of a column's values."""
    if column.missing == 1:
        return "no row has a value"
    if column.distinct <= 1 and column.missing == 0:
        return "one value in all rows"
    if column.type in ("other", "floats"):
        return "no field can hold such values"
    if column.type == "moment" or (column.type == "str" and _is_moment(values)):
        return "another time"
    return None


def _means_nothing(column: Column, values: pl.Series) -> str | None:
    """Say why a column must not, or need not, be looked at."""
    if column.name in _TAKEN:
        return "its name is that of a role that another column has"
    word = hint(column.name, LEAKS)
    if word is not None:
        return f"may leak the label: '{word}' is known only after the impression"
    if column.unique and (column.type == "str" or hint(column.name, IDS)):
        return "a value a row: it says nothing of another row"
    if column.words > 3 and column.distinct > 0.5 * len(values):
        return "free text"
    return None


def _leak(values: pl.Series, label: pl.Series) -> str | None:
    """Say whether a column gives the label away: by its values, or by being missing."""
    known = label.is_not_null()
    frame = pl.DataFrame({"label": label, "missing": values.is_null()}).filter(known)
    rate = frame["label"].mean()
    if not isinstance(rate, float) or not 0 < min(rate, 1 - rate) * len(frame) >= 20:
        return None
    if _told(frame, "missing", rate) > 0:
        return "leaks the label: it is missing just where there is a click, or where there is none"
    if 1 < values.n_unique() <= 50 and not isinstance(values.dtype, pl.List):
        frame = frame.with_columns(values.filter(known).alias("value"))
        if _told(frame, "value", rate) > 0:
            return "leaks the label: its values tell the clicks from the rest"
    return None


def _told(frame: pl.DataFrame, by: str, rate: float) -> int:
    """Return 1 where knowing a column leaves less than a hundredth of the errors, else 0."""
    rates = frame.group_by(by).agg(pl.len(), rate=pl.col("label").mean())
    errors = rates.select((pl.min_horizontal("rate", 1 - pl.col("rate")) * pl.col("len")).sum())
    return int(errors.item() < 0.01 * min(rate, 1 - rate) * len(frame))


def _is_moment(values: pl.Series) -> bool:
    known = values.drop_nulls()
    return bool(known.str.contains(r"^\d{4}-\d{2}-\d{2}([T ]|$)").all()) and len(known) > 0


def _is_id_with_gaps(column: Column, values: pl.Series) -> bool:
    known = values.drop_nulls()
    named = hint(column.name, IDS) is not None
    return column.type == "float" and named and bool((known == known.floor()).all())


def _is_quantity(column: Column) -> bool:
    if column.type == "float":
        return True
    named = hint(column.name, IDS) is not None
    return column.type == "int" and not named and column.distinct > _FEW


def _quantity(column: Column) -> Made:
    low, middle, high = column.low, column.middle, column.high
    text = f"{low:g} to {high:g}, median {middle:g}"
    positive = low >= 0 or abs(low) < 0.01 * high
    if positive and column.tail > 10 * max(middle, 1.0):
        return Made(column, "log1p", f"{text}: a long tail")
    return Made(column, "numeric", text)
