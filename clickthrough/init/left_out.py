"""Why a column would be left out: it holds nothing, says nothing, or tells the label. Pure."""

import polars as pl

from clickthrough.config.data import OURS
from clickthrough.data.kinds import why_unfit
from clickthrough.init.names import hint, leak, names_rows, one_of_many
from clickthrough.init.profile import Column
from clickthrough.init.roles import Guess
from clickthrough.init.vocabulary import IDS

FLAGS = {"user": "--user", "item": "--item", "time": "--time", "label": "--label",
         "request_id": "--request"}  # fmt: skip
DECIMAL_COMMA = (
    "numbers with a decimal comma, or lists of two: 'numbers' and 'decimal' would read them"
)
DATED = (
    r"^\s*(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}|\d{1,2}/\d{1,2}/\d{2}"
    r"|\d{1,2}[-/ ][A-Za-z]{3,9}[-/ ]\d{2,4}|[A-Za-z]{3,9},? \d{1,2},? \d{4})([T :,].*)?$"
)
"""Dates as people write them, with a clock or without."""


def reason_to_drop(column: Column, values: pl.Series, label: pl.Series, guess: Guess) -> str | None:
    """Return why a column would be left out, if it would.

    Args:
        column: without a role.
        values: of it.
        label: 0.0 and 1.0.
        guess: the roles of other columns.
    """
    return (
        _holds_nothing(column, values)
        or _is_taken(column, guess)
        or _means_nothing(column, values)
        or _leak_by_name(column, guess)
        or _leak(values, label)
    )


def is_dated(values: pl.Series, most: float = 1.0) -> bool:
    """Tell texts of which so many, as a share, are dates, with a clock or without."""
    if values.dtype != pl.String:
        return False
    known = values.drop_nulls().head(1_000)
    return len(known) > 0 and known.str.contains(DATED).sum() >= most * len(known)


def _holds_nothing(column: Column, values: pl.Series) -> str | None:
    """Say why no feature can be made of a column's values."""
    if (why := why_unfit(values.dtype)) is not None:
        return f"holds {why}, of which no feature can be made"
    if column.missing == 1:
        return "no row has a value"
    if column.distinct <= 1 and column.missing == 0:
        return "one value in all rows"
    if column.type in ("other", "floats"):
        return "no feature can be made of such values"
    if values.dtype == pl.String and bool(values.drop_nulls().str.contains(r"^-?\d+,\d+$").all()):
        return DECIMAL_COMMA
    if column.type == "float" and column.high >= 2**53 and one_of_many(column.name):
        return "ids by their name, but beyond what fractions hold exactly"
    if column.type == "moment" or is_dated(values):
        return "dates or times, of which no feature is made"
    return None


def _is_taken(column: Column, guess: Guess) -> str | None:
    """Say why a column could not be told from a role, or from what is kept beside the rows."""
    if column.name in OURS:
        return "clickthrough calls a column of its own so; rename it to use it"
    if column.name not in FLAGS:
        return None
    other = guess.columns.get(column.name)
    if other is not None:
        return f"its name is that of a role that column '{other}' has"
    return f"it was not taken for the role of its name; {FLAGS[column.name]} takes it"


def _means_nothing(column: Column, values: pl.Series) -> str | None:
    """Say why nothing can be learned of a column."""
    if column.type == "int" and counts_rows(column, values):
        return "row numbers"
    if column.unique and (column.type == "str" or hint(column.name, IDS)):
        return "a value a row: it says nothing of another row"
    if column.words > 3 and column.distinct > 0.5 * len(values):
        return "free text"
    return None


def counts_rows(column: Column, values: pl.Series) -> bool:
    """Tell whole numbers that count the rows from 0 or 1 on.

    Of a sample through a file the numbers jump from place to place. Where the name is that of an
    index, a few rows may be missing, or the count may begin anew, as where tables were joined.
    """
    if column.missing or len(values) < 2 or values[0] not in (0, 1):
        return column.unique and names_rows(column.name) and column.missing == 0
    steps = values.cast(pl.Int64).diff().drop_nulls()
    ones = int((steps == 1).sum())
    if column.unique and bool((steps > 0).all()) and len(values) >= 10:
        return ones == len(steps) or (len(values) > 1_000 and ones >= len(steps) - 20)
    return names_rows(column.name) and (column.unique or ones >= 0.95 * len(steps))


def _leak_by_name(column: Column, guess: Guess) -> str | None:
    word = leak(column.name, guess.label.column)
    if word is None:
        return None
    return f"may leak the label: '{word}' in its name hints at what comes after the impression"


def _leak(values: pl.Series, label: pl.Series) -> str | None:
    """Say whether a column gives the label away: by its values, or by being missing."""
    known = label.is_not_null()
    frame = pl.DataFrame({"label": label, "missing": values.is_null()}).filter(known)
    rate = frame["label"].mean()
    if not isinstance(rate, float) or not 0 < min(rate, 1 - rate) * len(frame) >= 20:
        return None
    if _told(frame, "missing", rate):
        return "leaks the label: it is missing almost just where there is a click, or where none is"
    if 1 < values.n_unique() <= 50 and not isinstance(values.dtype, pl.List):
        frame = frame.with_columns(values.filter(known).alias("value"))
        if _told(frame, "value", rate):
            return "leaks the label: its values tell the clicks from the rest, or almost"
    return None


def _told(frame: pl.DataFrame, by: str, rate: float) -> bool:
    """Tell whether knowing a column leaves less than a hundredth of the errors."""
    rates = frame.group_by(by).agg(pl.len(), rate=pl.col("label").mean())
    errors = rates.select((pl.min_horizontal("rate", 1 - pl.col("rate")) * pl.col("len")).sum())
    return bool(errors.item() < 0.01 * min(rate, 1 - rate) * len(frame))
