"""The one reader of labels: a click, none, or not known; and what is said of those that are odd."""

from collections.abc import Collection
from dataclasses import dataclass

import polars as pl

UNREAD = float("-inf")
"""Stands for what a label cannot be, so that the check finds it: a text that is no number."""
_TEXTS = (pl.String, pl.Categorical, pl.Enum)
_LOOKED_AT = 1_000_000
"""Rows that are looked at for what a label holds, once it is known to be odd."""
_NO = {
    "yes": ("no",),
    "y": ("n",),
    "t": ("f",),
    "true": ("false",),
    "on": ("off",),
    "pos": ("neg",),
    "positive": ("negative",),
    "click": ("no click", "noclick", "non click", "nonclick", "not click", "impression", "view",
              "skip", "none"),
    "clicked": ("not clicked", "notclicked", "no click", "non clicked", "unclicked", "impression",
                "shown", "viewed", "skipped", "ignored"),
}  # fmt: skip
"""A text that says of an impression that it was clicked -> those that say that it was not."""
CLICK_TEXTS = frozenset(_NO)
NOT_CLICKED = (
    "a click probability needs impressions that were shown and not clicked too: log what was "
    "shown, one row an impression, with 0 where it was not clicked"
)


@dataclass(frozen=True)
class Click:
    """What of a label is a click; 1 and true are where nothing is said.

    Attributes:
        at_least: a number from which on it is one.
        texts: what its text says where it is one, whatever their case and blanks around.
    """

    at_least: float | None = None
    texts: tuple[str, ...] = ()


ONE = Click()
"""1 and true are clicks."""


def clicked(column: pl.Expr, dtype: pl.DataType, click: Click) -> pl.Expr:
    """Return a label as Float64: 1 for a click, 0 for none, null where it is not known.

    What is none of these stays what it is, ``UNREAD`` for what is no number, so that the check can
    name it.

    Args:
        column: of a file.
        dtype: its type there; coded texts are not their codes.
        click: what of it is a click.
    """
    if click.texts:
        return _is_one_of(column, dtype, click.texts)
    number = _number(column, dtype)
    if click.at_least is None:
        return number
    enough = (number.fill_nan(None) >= click.at_least).cast(pl.Float64)
    return pl.when(number == UNREAD).then(number).otherwise(enough)


def text_of(column: pl.Expr) -> pl.Expr:
    """Return what the texts of a label are compared by; null where they are blank."""
    said = column.cast(pl.String).str.strip_chars().str.to_lowercase()
    return pl.when(said != "").then(said)


def click_text(texts: Collection[str]) -> str | None:
    """Return which of two texts says that an impression was clicked, where that is well known.

    >>> click_text(["no", "yes"]), click_text(["clicked", "not_clicked"]), click_text(["a", "b"])
    ('yes', 'clicked', None)
    """
    if len(texts) != 2:
        return None
    one, other = sorted(texts)
    for click, none in ((one, other), (other, one)):
        if none.replace("_", " ").replace("-", " ") in _NO.get(click, ()):
            return click
    return None


def said_of_odd(labels: pl.LazyFrame, click: Click, found: float, rows: int) -> str:
    """Say what a label holds that is no label, and which setting would say what it means.

    Args:
        labels: its column alone, as it is in the file.
        click: what is said to be a click.
        found: the first of it that is odd, as :func:`clicked` returns it.
        rows: how many are.
    """
    column, dtype = pl.first(), labels.collect_schema().dtypes()[0]
    some = labels.head(_LOOKED_AT)
    odd = clicked(column, dtype, click) == UNREAD
    unread = some.filter(odd).head(1).collect().to_series().to_list()
    shown = repr(unread[0]) if unread else repr(found)
    counted = f"found {shown} ({rows} rows)"
    if click.texts:
        return f"expected texts, for 'data.label_is' is {listed(click.texts)}; {counted}"
    if click.at_least is not None:
        return f"expected numbers, for 'data.label_at_least' is {click.at_least:g}; {counted}"
    kind = text_of(column) if unread else _number(column, dtype)
    values = some.select(kind.alias("value")).unique().drop_nulls().sort("value").collect()
    advice = _say_text if unread else _say_number
    return f"expected 0 or 1, {counted}; {advice(values['value'].to_list())}"


def listed(texts: Collection[str], most: int = 3) -> str:
    """Return texts in quotes, of many the first.

    >>> listed(["a", "b"]), listed("abcd")
    ("'a', 'b'", "'a', 'b', 'c', ...")
    """
    shown = [repr(text[:20]) for text in list(texts)[:most]]
    return ", ".join([*shown, *(["..."] if len(texts) > most else [])])


def _is_one_of(column: pl.Expr, dtype: pl.DataType, texts: Collection[str]) -> pl.Expr:
    """Compare a label with texts; one of numbers with those texts that are numbers."""
    if not dtype.is_numeric():
        known = sorted({text.strip().lower() for text in texts})
        return text_of(column).is_in(known).cast(pl.Float64)
    number = column.cast(pl.Float64).fill_nan(None)
    known_numbers = pl.Series([*texts]).cast(pl.Float64, strict=False).drop_nulls()
    if known_numbers.is_empty():
        return pl.when(number.is_not_null()).then(pl.lit(UNREAD))
    return number.is_in(known_numbers.to_list()).cast(pl.Float64)


def _number(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Return the number that a label is or says; of texts also true and false."""
    if dtype not in _TEXTS:
        return column.cast(pl.Float64, strict=False)
    said = text_of(column)
    number = said.replace({"true": "1", "false": "0"}).cast(pl.Float64, strict=False)
    return pl.when(said.is_not_null() & number.is_null()).then(pl.lit(UNREAD)).otherwise(number)


def _say_text(texts: list[str]) -> str:
    known = click_text(texts)
    if known is not None:
        return f"say that '{known}' is a click with 'data.label_is: {known}'"
    if len(texts) == 2:
        return f"say which of {listed(texts)} is a click with 'data.label_is: TEXT'"
    return f"it holds {listed(texts)}: say which texts are clicks with 'data.label_is: TEXT'"


def _say_number(values: list[float]) -> str:
    """Return the threshold that is likely meant; of other numbers only how it is said."""
    low, high = values[0], values[-1]
    whole = all(value == round(value) for value in values if abs(value) < float("inf"))
    if len(values) == 2:
        return (
            f"it is {low:g} or {high:g}: 'data.label_at_least: {high:g}' takes {high:g} for a click"
        )
    if whole and low == 0:
        return f"it counts up to {high:g}: 'data.label_at_least: 1' takes 1 or more for a click"
    return (
        f"it goes from {low:g} to {high:g}: say from where on it is a click with "
        "'data.label_at_least: NUMBER'"
    )
