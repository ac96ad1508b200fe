"""How the cells of a CSV are written: numbers, and texts that stand for no value. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import polars as pl

from clickthrough.data.form import TableForm
from clickthrough.data.written_numbers import number_pattern, plain_texts
from clickthrough.init.dialect import Settings
from clickthrough.init.number_signs import SIGNS, Style, style_of

_SURE = ("\\N", "NULL", "null", "Null", "(null)", "[NULL]", "<NULL>", "<null>", "#NULL!", "#N/A",
         "N/A", "n/a", "<NA>", "NaN", "nan", "NAN", "-nan", "-NaN", "NaT")  # fmt: skip
"""What stands for no value wherever it stands."""
_BESIDE_NUMBERS = ("NA", "na", "None", "none", "nil", "?", "-", "--", "---", ".", "..", "*",
                   "missing", "unknown", "undefined", "#VALUE!", "#REF!", "#DIV/0!")  # fmt: skip
"""What stands for no value in a column where all else is a number or a date."""
_LIKE_DATES = r"^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}"
_NUMBERS = "|".join(
    number_pattern(TableForm(thousands=sign, decimal=decimal)) for sign, decimal in SIGNS
)


def told_missing(rows: pl.DataFrame) -> Settings:
    """Tell texts that stand for no value, in all columns or in some.

    Args:
        rows: texts.
    """
    everywhere: dict[str, list[str]] = {}
    within: dict[str, list[str]] = {}
    for name in rows.columns:
        texts = rows[name].drop_nulls()
        marks = {*texts.filter(texts.is_in([*_SURE, *_BESIDE_NUMBERS])).unique()}
        for mark in (mark for mark in _SURE if mark in marks):
            everywhere.setdefault(mark, []).append(name)
        able = [mark for mark in _BESIDE_NUMBERS if mark in marks]
        rest = texts.filter(~texts.is_in([*marks])) if able else texts
        if able and len(rest) and rest.str.contains(f"{_NUMBERS}|{_LIKE_DATES}").all():
            within[name] = able
    found: Settings = {}
    if everywhere:
        where = "; ".join(f"{mark} in {_listed(names)}" for mark, names in everywhere.items())
        found["missing"] = ([*everywhere], f"stand for no value: {where}")
    if within:
        where = "; ".join(f"{name}: {', '.join(marks)}" for name, marks in within.items())
        why = f"stand for no value where all else is numbers or dates: {where}"
        found["missing_in"] = (within, f"{why}{_values_elsewhere(rows, within)}")
    return found


def _values_elsewhere(rows: pl.DataFrame, within: Mapping[str, Sequence[str]]) -> str:
    """Say where the marks of some columns are taken for values."""
    marks = {mark for own in within.values() for mark in own}
    others = [n for n in rows.columns if n not in within and rows[n].is_in([*marks]).any()]
    return f"; in {_listed(others)} they stay values" if others else ""


def told_numbers(rows: pl.DataFrame, separator: str = ",") -> Settings:
    """Tell which columns hold numbers that are not written as in a program, and how.

    A log has one style: that of most columns; those of another stay texts.

    Args:
        rows: texts; null where there is no value.
        separator: of the file's cells.
    """
    styles = {name: style_of(rows[name], separator) for name in rows.columns}
    found = {name: style for name, style in styles.items() if style is not None}
    if not found:
        return {}
    best = _most_common([*found.values()])
    taken = {n: style for n, style in found.items() if style.goes_with(best)}
    decimal = next((s.decimal for s in taken.values() if s.decimal), ".")
    thousands = next((s.thousands for s in taken.values() if s.thousands), None)
    why = "; ".join(
        f"{name} holds numbers such as {style.example}{style.doubt}"
        for name, style in taken.items()
    )
    settings: Settings = {"numbers": ([*taken], why)}
    if decimal != ".":
        settings["decimal"] = (decimal, "before the digits of their fractions")
    if thousands is not None:
        settings["thousands"] = (thousands, "between their groups of three digits")
    return settings


def plain_cells(rows: pl.DataFrame, form: TableForm) -> pl.DataFrame:
    """Return texts as a plain CSV holds them.

    Args:
        rows: texts.
        form: how they are written.
    """
    return plain_texts(rows.lazy(), replace(form, types={})).collect()


def _most_common(styles: Sequence[Style]) -> Style:
    """Return the style that most columns go with."""
    counts = Counter({place: sum(style.goes_with(one) for style in styles)
                      for place, one in enumerate(styles)})  # fmt: skip
    return styles[max(counts, key=lambda place: (counts[place], styles[place].sure, -place))]


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
