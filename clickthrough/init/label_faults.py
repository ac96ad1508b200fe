"""What is said of a column that is no label, and what its owner can do. Pure."""

import polars as pl

from clickthrough.data.labels import CLICK_TEXTS, NOT_CLICKED, Click, listed
from clickthrough.init.label_values import counts, few_texts
from clickthrough.init.names import hint
from clickthrough.init.profile import Column, Profile, is_whole
from clickthrough.init.vocabulary import LABELS

_HOLDS = (
    "a label holds 0 and 1, -1 and 1, true and false, yes and no, or counts from 0 on, or ratings "
    "where its name says so"
)
_AT_LEAST = "say from where on it is a click with --label-at-least NUMBER"
_OTHER = "name another with --label COLUMN"


def shown(column: Column, values: pl.Series) -> str:
    """Say what a column holds that is no label."""
    if column.distinct == 0:
        return f"column '{column.name}' holds no values"
    if column.type in ("int", "float"):
        what = "whole numbers" if is_whole(values) else "fractions"
        found = f"{what} from {column.low:g} to {column.high:g}"
    elif column.type == "str":
        texts = values.drop_nulls().unique().sort()
        found = f"texts ({listed([str(text) for text in texts])})"
    else:
        found = "dates and times" if column.type == "moment" else "lists or records"
    return f"column '{column.name}' holds {found}"


def no_label(column: Column, values: pl.Series) -> str:
    """Say what a column holds that is no label, and what can be done."""
    held, texts = shown(column, values), few_texts(column, values)
    if _clicks_alone(column, values):
        return f"{_one_value(column, values)}, or {_OTHER}"
    if column.type in ("int", "float") and column.distinct:
        return f"{held}; {_HOLDS}; {_AT_LEAST}, or {_OTHER}"
    if len(texts) > 1 and column.type == "str":
        both = f"{'which of them is' if len(texts) == 2 else 'which texts are'} a click"
        return f"{held}; say {both} with --label-is TEXT, or {_OTHER}"
    return f"{held}; {_HOLDS}; {_OTHER}"


def _clicks_alone(column: Column, values: pl.Series) -> bool:
    """Tell a column that holds nothing but what says of an impression that it was clicked."""
    if column.type in ("int", "float", "bool"):
        return column.distinct == 1 and column.low == 1
    texts = few_texts(column, values)
    return len(texts) == 1 and texts[0] in CLICK_TEXTS


def all_alike(column: Column, values: pl.Series, click: Click, share: float) -> str:
    """Say why nothing can be learned of a label, and what to do."""
    if values.null_count() == len(values):
        return f"column '{column.name}' holds no values; {_OTHER}"
    if share == 1 and _clicks_alone(column, values):
        return f"{_one_value(column, values)}, or {_OTHER}"
    which = "no row is a click" if share == 0 else "every row is a click"
    said = "" if click.at_least is None else f", {click.at_least:g} or more being a click"
    said = f", {listed(click.texts)} being a click" if click.texts else said
    return f"by column '{column.name}' {which}{said}, so nothing can be learned of it; {_OTHER}"


def _one_value(column: Column, values: pl.Series) -> str:
    """Say of a label of clicks alone, with blanks or without, that it lacks the others."""
    value = values.drop_nulls()[0]
    if column.missing:
        return (
            f"column '{column.name}' holds {value} or a blank, and a blank is no label, so nothing "
            "can be learned of it: write 0 where an impression was shown and not clicked"
        )
    alone = f"column '{column.name}' holds {value} in every row, every row is a click"
    return f"{alone}, so nothing can be learned of it: {NOT_CLICKED}"


def cannot_tell(binary: list[str], profile: Profile, source: str) -> str:
    """Say what speaks against a guess, and how to name the label."""
    say = "say which with --label COLUMN"
    if binary:
        held = f"columns of 0 and 1, or of yes and no: {', '.join(binary)}"
        return f"{source}: cannot tell the label; {held}; {say}"
    named = [c for c in profile.columns.values() if any(hint(c.name, level) for level in LABELS)]
    for column in named:
        values = profile.rows[column.name]
        if counts(column, values) and column.high > 1:
            held = f"'{column.name}' holds counts up to {column.high:g}"
            take = f"--label {column.name} takes 1 or more for a click"
            return f"{source}: no column holds 0 and 1 alone; {held}: {take}"
    if named:
        column, values = named[0], profile.rows[named[0].name]
        return f"{source}: {_of_named(column, values)}"
    known = ", ".join(profile.columns)
    return (
        f"{source}: no column says whether an impression was clicked (found {known}): "
        f"{NOT_CLICKED}; where a column says so, name it with --label COLUMN"
    )


def _of_named(column: Column, values: pl.Series) -> str:
    """Say of the column that is named like a label why it is none."""
    if column.type in ("int", "float") and column.distinct == 1 and column.low == 0:
        left = " or a blank" if column.missing else " in every row"
        alone = f"column '{column.name}' holds 0{left}, no row is a click"
        return f"{alone}, so nothing can be learned of it; {_OTHER}"
    return no_label(column, values)
