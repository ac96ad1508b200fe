"""Which column is the label, and what of it is a click. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from clickthrough.data.labels import ONE, Click, clicked, listed
from clickthrough.errors import DataError
from clickthrough.init.label_faults import all_alike, cannot_tell, no_label, shown
from clickthrough.init.label_values import compared, counts, few_texts, is_rating, two_values
from clickthrough.init.names import hint, words
from clickthrough.init.profile import Column, Profile
from clickthrough.init.vocabulary import LABELS

_NO = frozenset({"not", "no", "non", "without", "un"})
"""Words by which a column says the contrary: not_clicked."""


@dataclass(frozen=True)
class Choice:
    """A column with the reason why it was taken."""

    column: str
    reason: str


def label_candidates(profile: Profile) -> list[str]:
    """Return the columns that hold two values which are a label's: 0 and 1, yes and no, a bool."""
    columns = profile.columns.values()
    return [c.name for c in columns if two_values(c, profile.rows[c.name]) is not None]


def guess_label(
    profile: Profile, named: str | None, source: str, click: Click = ONE
) -> tuple[Choice, Click]:
    """Find the label, and what of it is a click.

    Args:
        profile: of the log.
        named: the column, if its owner names it.
        source: how errors call the log.
        click: what of it is a click, if its owner says so.

    Raises:
        DataError: it cannot be told, or the column is no label as it stands.
    """
    if click.texts and click.at_least is not None:
        raise DataError(f"{source}: expected either --label-is or --label-at-least, not both")
    name = named or _by_text(profile, click, source) or _by_name(profile, source)
    column, values = profile.columns[name], profile.rows[name]
    like = any(hint(name, level) for level in LABELS)
    said = "as you said" if named else "named like a label" if like else "by its name"
    meant, why = _as_said(column, values, click, source) or _meaning(column, values, source)
    share = _number(clicks_of(values, meant).mean())
    if profile.whole and share in (0, 1):
        raise DataError(f"{source}: {all_alike(column, values, meant, share)}")
    return Choice(name, f"{said}: {why}; {share:.2%} clicks"), meant


def clicks_of(values: pl.Series, click: Click) -> pl.Series:
    """Return a label as 0.0 and 1.0."""
    frame = values.to_frame()
    return frame.select(clicked(pl.col(values.name), values.dtype, click)).to_series()


def columns_that_hold(profile: Profile, texts: Sequence[str]) -> list[str]:
    """Return the columns of few texts that hold one of these."""
    wanted, columns = set(compared(texts)), profile.columns.values()
    return [c.name for c in columns if wanted & set(few_texts(c, profile.rows[c.name]))]


def _by_text(profile: Profile, click: Click, source: str) -> str | None:
    """Return the column that holds what its owner says a click is; the one named like a label."""
    if not click.texts:
        return None
    held = columns_that_hold(profile, click.texts)
    like = [name for name in held if any(hint(name, level) for level in LABELS)] or held
    if len(like) == 1:
        return like[0]
    what = f"columns that hold {listed(click.texts)}: {', '.join(like) or 'none'}"
    raise DataError(f"{source}: cannot tell the label; {what}; say which with --label COLUMN")


def _by_name(profile: Profile, source: str) -> str:
    """Return the column of a label's values that is named like one, or else the one of ratings."""
    binary = label_candidates(profile)
    for level in LABELS:
        found = [n for n in binary if hint(n, level) and not _NO & set(words(n))]
        exact = [name for name in found if name.lower() in level] or found
        if len(exact) == 1:
            return exact[0]
        if exact:
            raise DataError(cannot_tell(exact, profile, source))
    rated = [c.name for c in profile.columns.values() if is_rating(c, profile.rows[c.name])]
    if len(rated) == 1:
        return rated[0]
    raise DataError(cannot_tell(binary, profile, source))


def _as_said(
    column: Column, values: pl.Series, click: Click, source: str
) -> tuple[Click, str] | None:
    """Return what the owner says a click is, and why; None where nothing is said."""
    if click.at_least is not None:
        if column.type not in ("int", "float"):
            held = f"{source}: {shown(column, values)}; --label-at-least takes numbers"
            raise DataError(f"{held}; --label-is TEXT says which text is a click")
        return click, f"{click.at_least:g} or more is a click"
    if not click.texts:
        return None
    if not clicks_of(values, click).eq(1).any():
        held = shown(column, values)
        raise DataError(f"{source}: {held}, and {listed(click.texts)} is not among them")
    return click, f"{listed(click.texts)} is a click, other texts are none"


def _meaning(column: Column, values: pl.Series, source: str) -> tuple[Click, str]:
    """Return what of a label is a click by its values, and why."""
    two = two_values(column, values)
    if two is not None:
        return two
    if column.type in ("int", "float") and column.distinct == 1 and column.low in (0, 1):
        return ONE, f"{column.low:g} alone"
    if is_rating(column, values):
        stars = 0.8 * column.high
        return Click(stars), f"a rating up to {column.high:g}, from {stars:g} on it is a click"
    if counts(column, values):
        return Click(1.0), f"counts from 0 to {column.high:g}, of which 1 or more is a click"
    raise DataError(f"{source}: {no_label(column, values)}")


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
