"""Columns of a CSV that are read as texts first: for their numbers, or their missing values.

Numbers as people write them have a comma before the digits of a fraction, or signs between
thousands. Which columns are written so is said in the configuration, never guessed of a file: so a
number means the same in all files of a log and in those that come later. A column has the type that
it would have in a plain table, and its numbers are the same to the last bit.
"""

import re
from collections.abc import Mapping, Sequence

import polars as pl

from clickthrough.data.form import TableForm
from clickthrough.errors import DataError

BLANKS = " \u00a0\u202f\u2009"
"""What stands between thousands where that is a blank."""
APOSTROPHES = "'\u2019"
_ENDING = r"([eE][-+]?\d+)?"


def number_pattern(form: TableForm) -> str:
    """Return the regular expression of numbers, whole ones or fractions.

    >>> import re
    >>> form = TableForm(decimal=",", thousands=".")
    >>> [bool(re.search(number_pattern(form), text)) for text in ("1.234,5", "0,71", "1.5", "7")]
    [True, True, False, True]
    """
    groups = rf"[1-9]\d{{0,2}}({between(form)}\d{{3}})+" if form.thousands else r"\d+"
    point = re.escape(form.decimal)
    whole = rf"({groups}|\d+)"
    fraction = rf"({whole}({point}\d+)?|{point}\d+){_ENDING}|{whole}{point}"
    return rf"^([-+]?({fraction}|inf)|-?NaN)$"


def plainly(texts: pl.Expr, form: TableForm) -> pl.Expr:
    """Return numbers as a program writes them."""
    if form.thousands:
        texts = texts.str.replace_all(between(form), "")
    return texts.str.replace(form.decimal, ".", literal=True)


def read_as_texts(form: TableForm, names: Sequence[str]) -> list[str]:
    """Return the columns of a CSV that its reader must leave as texts."""
    own = {*form.numbers, *form.missing_in}
    return [name for name in names if name in own and not _is_text(name, form)]


def plain_texts(frame: pl.LazyFrame, form: TableForm) -> pl.LazyFrame:
    """Return texts as a plain table holds them, a misfit as it is.

    Args:
        frame: all its columns are texts.
        form: how they are written.
    """
    held = frame.collect_schema().names()
    frame = without_missing(frame, form)
    styled = [name for name in form.numbers if name in held and not _is_text(name, form)]
    return frame.with_columns(plainly(pl.col(name), form) for name in styled)


def typed_texts(frame: pl.LazyFrame, form: TableForm, name: str, first: int) -> pl.LazyFrame:
    """Return a table with the types of the columns that were read as texts.

    Args:
        frame: the table.
        form: how it is written; a column whose type is given stays a text with plain numbers.
        name: how errors call it.
        first: the number of its first row.

    Raises:
        DataError: a column of ``numbers`` holds something else: names its row.
    """
    types = frame.collect_schema()
    own = [n for n in read_as_texts(form, types.names()) if types[n] == pl.String]
    frame = without_missing(frame, form)
    styled = [name for name in own if name in form.numbers]
    _refuse_misfit(frame, styled, form, name, first)
    frame = frame.with_columns(plainly(pl.col(name), form) for name in styled)
    kinds = _kinds(frame.select(n for n in own if n not in form.types))
    return frame.with_columns(_as(pl.col(name), kind) for name, kind in kinds.items())


def without_missing(frame: pl.LazyFrame, form: TableForm) -> pl.LazyFrame:
    """Return a table without the texts that stand for no value."""
    types = frame.collect_schema()
    texts = [name for name, dtype in types.items() if dtype == pl.String]
    marks = {n: [*form.missing, *form.missing_in.get(n, ())] for n in texts}
    return frame.with_columns(
        pl.when(~pl.col(name).is_in(own)).then(pl.col(name)) for name, own in marks.items() if own
    )


def _is_text(name: str, form: TableForm) -> bool:
    return form.types.get(name) == "str"


def _refuse_misfit(
    frame: pl.LazyFrame, names: Sequence[str], form: TableForm, name: str, first: int
) -> None:
    pattern = number_pattern(form)
    for column in names:
        odd = ~pl.col(column).str.contains(pattern)
        rows = frame.select(column).with_row_index("__row", offset=first).filter(odd).head(1)
        for row, found in rows.collect(engine="streaming").iter_rows():
            style = f"1{form.thousands or ''}234{form.decimal}5"
            raise DataError(
                f"{name}: row {row}, column '{column}': expected a number such as {style}, as "
                f"'numbers' says, found {found!r}"
            )


def _kinds(frame: pl.LazyFrame) -> dict[str, pl.DataType]:
    """Return the type of each column that holds no texts, by the rules of a plain table."""
    names = frame.collect_schema().names()
    asked = {f"{what}:{name}": test for name in names for what, test in _tests(name).items()}
    found = frame.select(**asked).collect(engine="streaming").row(0, named=True) if asked else {}
    kinds = {n: _kind({what: found[f"{what}:{n}"] for what in _tests(n)}) for n in names}
    return {name: kind for name, kind in kinds.items() if kind is not None}


def _tests(name: str) -> dict[str, pl.Expr]:
    """Return what is asked of all texts of a column."""
    texts = pl.col(name)
    whole = texts.cast(pl.Int64, strict=False)
    return {
        "known": texts.is_not_null().any(),
        "bool": texts.str.to_lowercase().is_in(["true", "false"]).all(),
        "number": texts.str.contains(number_pattern(TableForm())).all()
        & ~texts.str.contains(r"^\+\d+$").any(),
        "whole": texts.str.contains(r"^-?\d+$").all(),
        "wide": (whole.is_null() & texts.is_not_null()).any(),
    }


def _kind(found: Mapping[str, bool]) -> pl.DataType | None:
    if not found["known"]:
        return None
    if found["number"]:
        whole = pl.Int128() if found["wide"] else pl.Int64()
        return whole if found["whole"] else pl.Float64()
    return pl.Boolean() if found["bool"] else None


def _as(texts: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    return texts.str.to_lowercase() == "true" if dtype == pl.Boolean else texts.cast(dtype)


def between(form: TableForm) -> str:
    """Return the regular expression of what stands between thousands."""
    kinds = {" ": f"[{BLANKS}]", "'": f"[{APOSTROPHES}]"}
    return kinds.get(form.thousands or "", re.escape(form.thousands or ""))
