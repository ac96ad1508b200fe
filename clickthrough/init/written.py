"""How the cells of a CSV are written: numbers, and texts that stand for no value. Pure."""

from collections.abc import Iterable

import polars as pl

from clickthrough.data.form import TableForm
from clickthrough.data.written_numbers import BLANKS, as_plain_texts, number_pattern
from clickthrough.init.dialect import Settings

_SURE = ("\\N", "NULL", "null", "Null", "(null)", "[NULL]", "<NULL>", "<null>", "#N/A", "N/A",
         "n/a", "<NA>", "NaN", "nan", "NAN", "-nan", "-NaN", "NaT")  # fmt: skip
"""What stands for no value wherever it stands."""
_BESIDE_NUMBERS = ("NA", "na", "None", "none", "nil", "?", "-", "--", "---", ".", "..", "*",
                   "missing", "unknown", "undefined", "#VALUE!", "#REF!", "#DIV/0!")  # fmt: skip
"""What stands for no value where all else in a column is a number or a date."""
_LIKE_DATES = r"^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}"
_STYLES = [
    TableForm(decimal=decimal, thousands=thousands)
    for decimal, thousands in (
        (".", None), (".", ","), (".", " "), (".", "'"), (".", "_"), (",", None), (",", "."),
        (",", " "), (",", "'"),
    )
]  # fmt: skip
_COMMA, _COMMA_AND_POINTS = 5, 6


def told_missing(rows: pl.DataFrame) -> Settings:
    """Tell texts that stand for no value.

    Args:
        rows: texts.
    """
    found: dict[str, list[str]] = {}
    for name in rows.columns:
        texts = rows[name].drop_nulls()
        marks = {*texts.filter(texts.is_in([*_SURE, *_BESIDE_NUMBERS])).unique()}
        held = [mark for mark in _SURE if mark in marks]
        able = [mark for mark in _BESIDE_NUMBERS if mark in marks]
        rest = texts.filter(~texts.is_in([*marks])) if able else texts
        if able and len(rest) and _numbers_or_dates(rest):
            held += able
        for mark in held:
            found.setdefault(mark, []).append(name)
    if not found:
        return {}
    where = "; ".join(f"{mark} in {_listed(names)}" for mark, names in found.items())
    return {"missing": ([*found], f"stand for no value: {where}")}


def told_numbers(rows: pl.DataFrame) -> Settings:
    """Tell how numbers are written, where not as in a program.

    The style is the one that makes numbers of most columns of texts.

    Args:
        rows: texts; null where there is no value.
    """
    odd = {name: fits for name in rows.columns if (fits := _fitting(rows[name])) and 0 not in fits}
    if not odd:
        return {}
    # of several that fit, the first: fractions of just three digits, none below 1, are rare
    best = max(range(len(_STYLES)), key=lambda style: sum(style in fits for fits in odd.values()))
    taken = {name: fits for name, fits in odd.items() if best in fits}
    if best == _COMMA and _points_are_thousands(rows):
        best = _COMMA_AND_POINTS
    style = _STYLES[best]
    why = f"numbers such as {_example(rows[next(iter(taken))], style)} in {_listed([*taken])}"
    if _ambiguous(odd.values(), best):
        why += "; the sign may stand before fractions, or else between thousands"
    settings: Settings = {}
    if style.decimal != ".":
        settings["decimal"] = (style.decimal, why)
    if style.thousands is not None:
        settings["thousands"] = (style.thousands, why)
    return settings


def _example(column: pl.Series, style: TableForm) -> str:
    """Return a number that has the sign of a style."""
    sign = style.decimal if style.decimal != "." else style.thousands or "."
    known = column.drop_nulls()
    having = known.filter(known.str.contains(f"[{BLANKS if sign == ' ' else sign}]"))
    return str(having[0] if len(having) else known[0])


def _points_are_thousands(rows: pl.DataFrame) -> bool:
    """Say whether a point stands between thousands, in a table that has commas for fractions."""
    points = [name for name in rows.columns if rows[name].str.contains(r"^[-+]?\d+\.\d").any()]
    return any(_COMMA_AND_POINTS in _fitting(rows[name]) for name in points)


def plain_cells(rows: pl.DataFrame, form: TableForm) -> pl.DataFrame:
    """Return texts as a plain CSV holds them.

    Args:
        rows: texts.
        form: how they are written.
    """
    if form.missing:
        kept = pl.when(~pl.all().is_in(form.missing)).then(pl.all())
        rows = rows.select(kept)
    return rows if form.has_plain_numbers else as_plain_texts(rows.lazy(), form).collect()


def _fitting(column: pl.Series) -> list[int]:
    """Return the places of the styles in which all of a column is numbers."""
    texts = column.drop_nulls()
    if not len(texts) or not texts.head(100).str.contains(r"^[-+]?\d|^[-+]?[.,]\d").all():
        return []
    return [
        place
        for place, style in enumerate(_STYLES)
        if texts.str.contains(number_pattern(style)).all()
    ]


def _ambiguous(fits: Iterable[list[int]], best: int) -> bool:
    """Say whether a sign could have another part in all columns that tell of it."""
    style = _STYLES[best]
    both = set.intersection(*map(set, fits))
    others = [_STYLES[place] for place in both if place != best]
    return any(style.decimal == one.thousands or style.thousands == one.decimal for one in others)


def _numbers_or_dates(texts: pl.Series) -> bool:
    numbers = "|".join(number_pattern(style) for style in _STYLES)
    return bool(texts.str.contains(f"{numbers}|{_LIKE_DATES}").all())


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
