"""Numbers as people write them: a comma before the digits of a fraction, signs between thousands.

The rules by which a column is one of numbers are those of the reader of plain tables, so that a
column has here the type that it has there, and its numbers are the same to the last bit.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from clickthrough.data.form import TableForm

BLANKS = " \u00a0\u202f\u2009"
"""What stands between thousands where that is a blank."""
_ENDING = r"([eE][-+]?\d+)?"


def number_pattern(form: TableForm) -> str:
    """Return the regular expression of numbers, whole ones or fractions.

    >>> import re
    >>> form = TableForm(decimal=",", thousands=".")
    >>> [bool(re.search(number_pattern(form), text)) for text in ("1.234,5", "0,71", "1.5", "7")]
    [True, True, False, True]
    """
    groups = rf"[1-9]\d{{0,2}}({_between(form)}\d{{3}})+" if form.thousands else r"\d+"
    point = re.escape(form.decimal)
    whole = rf"({groups}|\d+)"
    fraction = rf"({whole}({point}\d+)?|{point}\d+){_ENDING}|{whole}{point}"
    return rf"^([-+]?({fraction}|inf)|NaN)$"


def plainly(texts: pl.Expr, form: TableForm) -> pl.Expr:
    """Return numbers as a program writes them; what is none may become anything."""
    if form.thousands:
        texts = texts.str.replace_all(_between(form), "")
    return texts.str.replace(form.decimal, ".", literal=True)


def as_numbers(frame: pl.LazyFrame, form: TableForm) -> pl.LazyFrame:
    """Return a table with its columns of numbers, and of true and false, as such.

    Args:
        frame: all its columns are texts.
        form: how its numbers are written; a column whose type is given is made plain as far as it
            can be, and whoever gave the type looks whether all of it has it.
    """
    held = frame.collect_schema().names()
    numbers = [name for name, kind in form.types.items() if kind != "str" and name in held]
    kinds = _kinds(frame.select(name for name in held if name not in form.types), form)
    made = [plainly(pl.col(name), form) for name in numbers]
    return frame.with_columns(made + [kind.read(pl.col(n), form) for n, kind in kinds.items()])


def as_plain_texts(frame: pl.LazyFrame, form: TableForm) -> pl.LazyFrame:
    """Return a table of texts with those of its columns that are numbers as a program has them."""
    styled = [name for name, kind in _kinds(frame, form).items() if kind.styled]
    return frame.with_columns(plainly(pl.col(name), form) for name in styled)


@dataclass(frozen=True)
class _Kind:
    """What the texts of a column are.

    Attributes:
        dtype: their type.
        styled: whether they are numbers as people write them; a column of a table may be as a
            program writes it all the same.
    """

    dtype: type[pl.DataType]
    styled: bool = False

    def read(self, texts: pl.Expr, form: TableForm) -> pl.Expr:
        """Return the values of texts."""
        if self.dtype is pl.Boolean:
            return texts.str.to_lowercase() == "true"
        return (plainly(texts, form) if self.styled else texts).cast(self.dtype)


def _kinds(frame: pl.LazyFrame, form: TableForm) -> dict[str, _Kind]:
    """Return the kind of each column that is no text."""
    names = frame.collect_schema().names()
    asked = {f"{what}:{name}": test for name in names for what, test in _tests(name, form).items()}
    found = frame.select(**asked).collect(engine="streaming").row(0, named=True)
    kinds = {n: _kind({what: found[f"{what}:{n}"] for what in _tests(n, form)}) for n in names}
    return {name: kind for name, kind in kinds.items() if kind is not None}


def _tests(name: str, form: TableForm) -> dict[str, pl.Expr]:
    """Return what is asked of all texts of a column."""
    texts = pl.col(name)
    made: dict[str, pl.Expr] = {
        "known": texts.is_not_null().any(),
        "bool": texts.str.to_lowercase().is_in(["true", "false"]).all(),
    }
    for style, plain, pattern in (
        ("styled", plainly(texts, form), number_pattern(form)),
        ("plain", texts, number_pattern(TableForm())),
    ):
        made |= {
            f"{style} number": texts.str.contains(pattern).all()
            & ~plain.str.contains(r"^\+\d+$").any(),
            f"{style} whole": plain.str.contains(r"^-?\d+$").all(),
            f"{style} wide": (
                plain.cast(pl.Int64, strict=False).is_null() & texts.is_not_null()
            ).any(),
        }
    return made


def _kind(found: Mapping[str, bool]) -> _Kind | None:
    if not found["known"]:
        return None
    for style in ("styled", "plain"):
        if found[f"{style} number"]:
            whole = pl.Int128 if found[f"{style} wide"] else pl.Int64
            return _Kind(whole if found[f"{style} whole"] else pl.Float64, style == "styled")
    return _Kind(pl.Boolean) if found["bool"] else None


def _between(form: TableForm) -> str:
    """Return the regular expression of what stands between thousands."""
    return f"[{BLANKS}]" if form.thousands == " " else re.escape(form.thousands or "")
