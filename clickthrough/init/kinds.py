"""What kind of feature each remaining column is, or why it would be left out. Pure."""

from dataclasses import dataclass
from typing import Literal

import polars as pl

from clickthrough.init.label import clicks_of
from clickthrough.init.left_out import reason_to_drop
from clickthrough.init.names import declared_type, one_of_many
from clickthrough.init.profile import Column, Profile, is_whole
from clickthrough.init.roles import Guess

Kind = Literal["categorical", "hashed", "numeric", "log1p", "bag", "drop"]

HUGE = 1_000_000
"""Values of a column from which on ids are hashed, so that no vocabulary need be held."""
_FEW = 20
"""Whole numbers of so few values are taken for codes, not for quantities."""
_REPEATS = 3
"""Rows a value from which on whole numbers are taken for codes, where their name says nothing."""


@dataclass(frozen=True)
class Made:
    """What is made of a column."""

    column: Column
    kind: Kind
    reason: str

    @property
    def separator(self) -> str | None:
        """What divides the texts of a bag into entries; None where they are lists."""
        if self.kind != "bag" or self.column.type in ("ints", "strs"):
            return None
        return " " if declared_type(self.column.name) == "token_seq" else self.column.separator


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
    return [_made(column, profile.rows[column.name], label, guess, scale) for column in rest]


def clicks(rows: pl.DataFrame, guess: Guess) -> pl.Series:
    """Return the label as 0.0 and 1.0."""
    return clicks_of(rows[guess.label.column], guess.click)


def _made(column: Column, values: pl.Series, label: pl.Series, guess: Guess, scale: float) -> Made:
    reason = reason_to_drop(column, values, label, guess)
    if reason is not None:
        return Made(column, "drop", reason)
    declared = declared_type(column.name)
    if declared is not None:
        return _as_declared(column, values, declared, scale)
    if column.type in ("ints", "strs"):
        return Made(column, "bag", "lists")
    if column.type == "str" and column.separator is not None:
        return Made(column, "bag", f"texts that '{column.separator}' divides into few entries")
    if column.type in ("int", "float"):
        why = _why_id(column, values)
        return _quantity(column) if why is None else _ids(column, values, why, scale)
    of = "true and false" if column.type == "bool" else "texts"
    return _ids(column, values, column.force_text or of, scale)


def _as_declared(column: Column, values: pl.Series, declared: str, scale: float) -> Made:
    """Take a column for what its name says that it is."""
    why = f"its name says '{declared}'"
    if declared == "float" and column.type in ("int", "float"):
        return _quantity(column)
    if declared == "float_seq":
        return Made(column, "drop", f"{why}: no feature is made of lists of fractions")
    if declared == "token_seq" and column.type not in ("bool", "float"):
        return Made(column, "bag", why)
    if column.type == "float" and not is_whole(values):
        return _quantity(column)  # fractions are no ids, whatever the name says
    return _ids(column, values, column.force_text or why, scale)


def _ids(column: Column, values: pl.Series, why: str, scale: float) -> Made:
    if column.distinct * scale > HUGE and column.distinct > 0.2 * len(values):
        return Made(column, "hashed", f"{why}; about {column.distinct * scale:,.0f} values")
    return Made(column, "categorical", why)


def _why_id(column: Column, values: pl.Series) -> str | None:
    """Say why numbers are taken for ids or codes; None where they are a quantity."""
    gaps = ", fractions only because some are missing" if column.missing else ""
    if column.type == "float" and not is_whole(values):
        return None
    written = gaps or ", written as fractions" if column.type == "float" else ""
    named = one_of_many(column.name)
    if named:
        return f"ids or codes by their name{written}"
    if column.type == "float" and not column.missing:
        return None
    if column.distinct <= _FEW and column.type == "int":
        return "whole numbers of few values"
    repeats = (1 - column.missing) * len(values) / max(column.distinct, 1)
    if named is None and repeats >= _REPEATS and not _is_spread(column) and column.type == "int":
        return f"whole numbers that come back, {repeats:.0f} rows a value"
    return None


def _is_spread(column: Column) -> bool:
    """Tell numbers that must be a quantity: less than 0, or with a long tail."""
    return column.low < -1 or column.tail > 10 * max(column.middle, 1.0)


def _quantity(column: Column) -> Made:
    low, middle, high = column.low, column.middle, column.high
    text = f"{low:g} to {high:g}, median {middle:g}"
    positive = low >= 0 or abs(low) < 0.01 * high
    if positive and column.tail > 10 * max(middle, 1.0):
        return Made(column, "log1p", f"{text}: a long tail")
    return Made(column, "numeric", text)
