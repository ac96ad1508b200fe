"""Which column is the label, and from where on it is a click. Pure."""

from dataclasses import dataclass

import polars as pl

from clickthrough.errors import DataError
from clickthrough.init.names import LABELS, RATINGS, hint
from clickthrough.init.profile import Column, Profile


@dataclass(frozen=True)
class Choice:
    """A column with the reason why it was taken."""

    column: str
    reason: str


def label_candidates(profile: Profile) -> list[str]:
    """Return the columns that hold 0 and 1 alone, or true and false."""
    return [c.name for c in profile.columns.values() if _is_binary(c, profile.rows)]


def guess_label(profile: Profile, named: str | None, source: str) -> tuple[Choice, float | None]:
    """Find the label, and from where on it is a click; None where it is 0 and 1.

    Args:
        profile: of the log.
        named: the column, if its owner names it.
        source: how errors call the log.

    Raises:
        DataError: it cannot be told, or the named column holds neither 0 and 1 nor ratings.
    """
    binary = label_candidates(profile)
    if named is not None:
        return Choice(named, "as you said"), _threshold(profile.columns[named], source)
    for level in LABELS:
        found = [name for name in binary if hint(name, level)]
        exact = [name for name in found if name.lower() in level] or found
        if len(exact) == 1:
            share = _number(profile.rows[exact[0]].cast(pl.Float64).mean())
            return Choice(exact[0], f"0 and 1, named like a label; {share:.2%} ones"), None
        if exact:
            binary = exact
            break
    rated = [c for c in profile.columns.values() if hint(c.name, RATINGS) and _stars(c)]
    if len(rated) == 1 and not [name for name in binary if any(hint(name, w) for w in LABELS)]:
        reason = f"a rating up to {rated[0].high:g}: from {_stars(rated[0]):g} on it is a click"
        return Choice(rated[0].name, reason), _stars(rated[0])
    raise DataError(_cannot_tell(binary, profile, source))


def _threshold(column: Column, source: str) -> float | None:
    """Return from where on a named label is a click; None where it is 0 and 1."""
    zeros_and_ones = column.low in (0, 1) and column.high in (0, 1) and column.distinct <= 2
    if column.type == "bool" or (column.type in ("int", "float") and zeros_and_ones):
        return None
    if _stars(column) is None:
        raise DataError(f"{source}: column '{column.name}' holds neither 0 and 1 nor ratings")
    return _stars(column)


def _cannot_tell(binary: list[str], profile: Profile, source: str) -> str:
    if binary:
        return (
            f"{source}: cannot tell the label; columns of 0 and 1: {', '.join(binary)}; "
            "say which with --label COLUMN"
        )
    return (
        f"{source}: no column holds 0 and 1 alone, so none is the label; "
        f"found {', '.join(profile.columns)}; say which with --label COLUMN"
    )


def _is_binary(column: Column, rows: pl.DataFrame) -> bool:
    if column.type == "bool":
        return True
    numbers = column.type in ("int", "float")
    return numbers and column.distinct == 2 and (column.low, column.high) == (0, 1)


def _stars(column: Column) -> float | None:
    """Return from where on a rating is a click: 4 of 5, 8 of 10."""
    if column.type in ("int", "float") and 3 <= column.distinct <= 21 and column.high <= 10:
        return 0.8 * column.high
    return None


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
