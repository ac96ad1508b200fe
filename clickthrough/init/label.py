"""Which column is the label, and from where on it is a click. Pure."""

from dataclasses import dataclass

import polars as pl

from clickthrough.errors import DataError
from clickthrough.init.names import hint
from clickthrough.init.profile import Column, Profile, is_whole
from clickthrough.init.vocabulary import LABELS, RATINGS

_SAY = "say from where on it is a click with --label-at-least NUMBER"
_OTHER = "name another with --label COLUMN"


@dataclass(frozen=True)
class Choice:
    """A column with the reason why it was taken."""

    column: str
    reason: str


def label_candidates(profile: Profile) -> list[str]:
    """Return the columns that hold two values which are a label's: 0 and 1, -1 and 1, a bool."""
    return [c.name for c in profile.columns.values() if _two_values(c) is not None]


def guess_label(
    profile: Profile, named: str | None, source: str, at_least: float | None = None
) -> tuple[Choice, float | None]:
    """Find the label, and from where on it is a click; None where it is 0 and 1.

    Args:
        profile: of the log.
        named: the column, if its owner names it.
        source: how errors call the log.
        at_least: from where on it is a click, if its owner says so.

    Raises:
        DataError: it cannot be told, or the column is no label as it stands.
    """
    name = named or _by_name(profile, source)
    column, values = profile.columns[name], profile.rows[name]
    like = any(hint(name, level) for level in LABELS)
    said = "as you said" if named else "named like a label" if like else "by its name"
    if at_least is None:
        at_least, why = _threshold(column, values, source)
    elif column.type not in ("int", "float"):
        raise DataError(f"{source}: {_shown(column, values)}; --label-at-least takes numbers")
    else:
        why = f"{at_least:g} or more is a click"
    share = _number(clicks_of(values, at_least).mean())
    if profile.whole and share in (0, 1):
        raise DataError(f"{source}: {_all_alike(column, values, at_least, share)}; {_OTHER}")
    return Choice(name, f"{said}: {why}; {share:.2%} clicks"), at_least


def clicks_of(values: pl.Series, at_least: float | None) -> pl.Series:
    """Return a label as 0.0 and 1.0."""
    label = values.cast(pl.Float64)
    return label if at_least is None else (label >= at_least).cast(pl.Float64)


def _by_name(profile: Profile, source: str) -> str:
    """Return the column of a label's values that is named like one, or else the one of ratings."""
    binary = label_candidates(profile)
    for level in LABELS:
        found = [name for name in binary if hint(name, level)]
        exact = [name for name in found if name.lower() in level] or found
        if len(exact) == 1:
            return exact[0]
        if exact:
            raise DataError(_cannot_tell(exact, profile, source))
    rated = [c.name for c in profile.columns.values() if _is_rating(c, profile.rows[c.name])]
    if len(rated) == 1:
        return rated[0]
    raise DataError(_cannot_tell(binary, profile, source))


def _threshold(column: Column, values: pl.Series, source: str) -> tuple[float | None, str]:
    """Return from where on a label is a click, and why."""
    two = _two_values(column)
    if two is not None:
        return (1.0 if column.low == -1 else None), two
    if column.type in ("int", "float") and column.distinct == 1 and column.low in (0, 1):
        return None, f"{column.low:g} alone"
    if _is_rating(column, values):
        stars = 0.8 * column.high
        return stars, f"a rating up to {column.high:g}, from {stars:g} on it is a click"
    if _counts(column, values):
        return 1.0, f"counts from 0 to {column.high:g}, of which 1 or more is a click"
    raise DataError(f"{source}: {_shown(column, values)}; {_way_out(column, values)}")


def _two_values(column: Column) -> str | None:
    """Name the two values of a label."""
    if column.type == "bool":
        return "true and false"
    ends = (column.low, column.high)
    if column.type in ("int", "float") and column.distinct == 2 and ends in ((0, 1), (-1, 1)):
        return f"{column.low:g} and 1"
    return None


def _is_rating(column: Column, values: pl.Series) -> bool:
    """Tell ratings: they are named so, and come in whole or half steps up to 3 to 10."""
    if column.type not in ("int", "float") or not hint(column.name, RATINGS):
        return False
    steps = values.drop_nulls().cast(pl.Float64) * 2
    few = 3 <= column.distinct <= 21 and column.low >= 0 and 3 <= column.high <= 10
    return few and bool((steps == steps.round()).all())


def _counts(column: Column, values: pl.Series) -> bool:
    return column.type in ("int", "float") and column.low == 0 and is_whole(values)


def _shown(column: Column, values: pl.Series) -> str:
    """Say what a column holds that is no label."""
    if column.distinct == 0:
        return f"column '{column.name}' holds no values"
    if column.type in ("int", "float"):
        what = "whole numbers" if is_whole(values) else "fractions"
        found = f"{what} from {column.low:g} to {column.high:g}"
    elif column.type == "str":
        some = [repr(str(text)[:20]) for text in values.drop_nulls().unique().sort().head(3)]
        more = ", ..." if column.distinct > len(some) else ""
        found = f"texts ({', '.join(some)}{more})"
    else:
        found = "dates and times" if column.type == "moment" else "lists or records"
    return (
        f"column '{column.name}' holds {found}; a label holds 0 and 1, -1 and 1, true and false, "
        "or counts from 0 on, or ratings where its name says so"
    )


def _way_out(column: Column, values: pl.Series) -> str:
    if column.type in ("int", "float") and column.distinct:
        return f"{_SAY}, or {_OTHER}"
    if column.type == "str" and column.distinct == 2:
        return f"write it as 0 and 1 first, or {_OTHER}"
    return _OTHER


def _all_alike(column: Column, values: pl.Series, at_least: float | None, share: float) -> str:
    if values.null_count() == len(values):
        return f"column '{column.name}' holds no values"
    which = "no row is a click" if share == 0 else "every row is a click"
    said = "" if at_least is None else f", {at_least:g} or more being a click"
    return f"by column '{column.name}' {which}{said}, so nothing can be learned of it"


def _cannot_tell(binary: list[str], profile: Profile, source: str) -> str:
    """Say what speaks against a guess, and how to name the label."""
    say = "say which with --label COLUMN"
    if binary:
        held = f"columns of 0 and 1: {', '.join(binary)}"
        return f"{source}: cannot tell the label; {held}; {say}"
    named = [c for c in profile.columns.values() if any(hint(c.name, level) for level in LABELS)]
    for column in named:
        values = profile.rows[column.name]
        if _counts(column, values) and column.high > 1:
            held = f"'{column.name}' holds counts up to {column.high:g}"
            take = f"--label {column.name} takes 1 or more for a click"
            return f"{source}: no column holds 0 and 1 alone; {held}: {take}"
    if named and named[0].distinct == 1:
        value = profile.rows[named[0].name].drop_nulls()[0]
        alone = f"column '{named[0].name}' holds {value} in every row, so nothing can be learned"
        return f"{source}: {alone} of it; {_OTHER}"
    if named:
        shown = _shown(named[0], profile.rows[named[0].name])
        return f"{source}: {shown}; {_way_out(named[0], profile.rows[named[0].name])}"
    known = ", ".join(profile.columns)
    return f"{source}: no column holds 0 and 1 alone, so none is the label; found {known}; {say}"


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
