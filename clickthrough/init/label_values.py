"""What the values of a column say of its being a label. Pure."""

from collections.abc import Iterable

import polars as pl

from clickthrough.data.labels import ONE, Click, click_text, text_of
from clickthrough.init.names import hint
from clickthrough.init.profile import Column, is_whole
from clickthrough.init.vocabulary import RATINGS

_FEW = 50
"""Texts of a column that may be a label: of more, none says what a click is."""


def two_values(column: Column, values: pl.Series) -> tuple[Click, str] | None:
    """Name the two values of a label, and which is a click."""
    if column.type == "bool":
        return ONE, "true and false"
    ends = (column.low, column.high)
    if column.type in ("int", "float") and column.distinct == 2 and ends in ((0, 1), (-1, 1)):
        at_least = 1.0 if column.low == -1 else None
        return Click(at_least), f"{column.low:g} and 1"
    texts = few_texts(column, values)
    known = click_text(texts)
    if known is None:
        return None
    other = next(text for text in texts if text != known)
    return Click(texts=(known,)), f"'{known}' is a click, '{other}' is none"


def few_texts(column: Column, values: pl.Series) -> list[str]:
    """Return the few texts of a column as they are compared, in order; none where it has many."""
    if column.type not in ("str", "bool") or column.distinct > _FEW:
        return []
    return compared(values.drop_nulls().unique().to_list())


def compared(texts: Iterable[object]) -> list[str]:
    """Return texts as labels are compared, each once, in order."""
    frame = pl.DataFrame({"text": [str(text) for text in texts]}, schema={"text": pl.String})
    return frame.select(text_of(pl.col("text")).unique().drop_nulls().sort()).to_series().to_list()


def is_rating(column: Column, values: pl.Series) -> bool:
    """Tell ratings: they are named so, and come in whole or half steps up to 3 to 10."""
    if column.type not in ("int", "float") or not hint(column.name, RATINGS):
        return False
    steps = values.drop_nulls().cast(pl.Float64) * 2
    few = 3 <= column.distinct <= 21 and column.low >= 0 and 3 <= column.high <= 10
    return few and bool((steps == steps.round()).all())


def counts(column: Column, values: pl.Series) -> bool:
    """Tell whole numbers from 0 on."""
    return column.type in ("int", "float") and column.low == 0 and is_whole(values)
