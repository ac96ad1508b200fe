"""What the values of JSON are, and the one type that a column of several kinds has.

A kind is ``int`` (of 64 bits), ``big`` (a larger one), ``float``, ``str``, ``bool`` or ``object``;
of a list ``[`` and the kind of an entry. NaN and null are of none: they are missing values.
"""

from array import array
from collections.abc import Sequence
from itertools import chain
from math import isfinite, isnan

import polars as pl

_WORDS = {"int": "whole numbers", "big": "whole numbers beyond 64 bits", "float": "fractions",
          "str": "texts", "bool": "truth values", "object": "objects",
          "huge": "numbers of hundreds of digits"}  # fmt: skip
_SINGLE = {str: "str", bool: "bool", dict: "object"}
_LONGEST = 1_024
"""Bits of a whole number: of more, it is none as a fraction either."""
_WHY = "clickthrough:"
"""Begins the name of the only field of a type that says why it is none of a field."""
_EMPTY = "[]"
"""The kind of a list without an entry."""


def kinds_of(values: Sequence[object]) -> set[str]:
    """Return the kinds of values as they come from JSON."""
    types = set(map(type, values))
    found = {_SINGLE[kind] for kind in types if kind in _SINGLE}
    if int in types:
        found |= _of_numbers(values, types)
    if float in types and any(type(value) is float and not isnan(value) for value in values):
        found.add("float")
    if list in types:
        lists = [value for value in values if type(value) is list]
        entries = kinds_of([*chain.from_iterable(lists)])
        found |= {f"[{kind}" for kind in entries} or {_EMPTY}
    return found


def _of_numbers(values: Sequence[object], types: set[type]) -> set[str]:
    plain = values if types == {int} else [value for value in values if type(value) is int]
    try:
        array("q", plain)  # type: ignore[type-var]
    except OverflowError:
        long = any(value.bit_length() > _LONGEST for value in plain)  # type: ignore[attr-defined]
        return {"int", "huge" if long else "big"}
    return {"int"}


def settled(kinds: set[str]) -> pl.DataType:
    """Return the type of a column; one that no field can have where its kinds do not go together.

    >>> settled({"int", "float"}), settled({"int", "str"}), settled(set())
    (Float64, String, Null)
    """
    if not kinds:
        return pl.Null()
    if all(kind.startswith("[") for kind in kinds):
        inner = settled({kind[1:] for kind in kinds - {_EMPTY}})
        odd = isinstance(inner, pl.Struct | pl.List | pl.Boolean)
        return _unfit(kinds) if odd else pl.List(inner)
    if kinds == {"int"}:
        return pl.Int64()
    if kinds == {"bool"}:
        return pl.Boolean()
    if kinds <= {"int", "big", "str"}:
        return pl.String()
    return pl.Float64() if kinds <= {"int", "big", "float"} else _unfit(kinds)


def _unfit(kinds: set[str]) -> pl.DataType:
    """Return a type that says why it is none of a field."""
    return pl.Struct({_WHY + _said(kinds): pl.Boolean})


def _said(kinds: set[str]) -> str:
    """Say what there is.

    >>> _said({"str", "float", "[object"})
    'fractions, texts and lists'
    """
    whole = [word for kind, word in _WORDS.items() if kind in kinds]
    lists = {kind[1:] for kind in kinds if kind.startswith("[")}
    if lists and not whole:
        inner = "lists" if any(kind.startswith("[") for kind in lists) else _said(lists - {"]"})
        return f"lists of {inner}"
    *first, last = [*whole, *(["lists"] if lists else [])]
    return f"{', '.join(first)} and {last}" if first else last


def is_unfit(dtype: pl.DataType) -> bool:
    """Tell the type of a column whose values do not go together, or are objects in lists."""
    return why_unfit(dtype) is not None


def why_unfit(dtype: pl.DataType) -> str | None:
    """Say what a column holds that no field can; None of any other type."""
    if not isinstance(dtype, pl.Struct) or len(dtype.fields) != 1:
        return None
    said = dtype.fields[0].name
    return said.removeprefix(_WHY) if said.startswith(_WHY) else None


def built(name: str, values: Sequence[object], dtype: pl.DataType) -> pl.Series:
    """Return values as a column of the type that their kinds have."""
    if isinstance(dtype, pl.Struct | pl.Null):
        return pl.Series(name, [None] * len(values), dtype)
    if isinstance(dtype, pl.List):
        return pl.Series(name, [_listed(value, dtype.inner) for value in values], dtype)
    made = pl.Series(name, _as(values, dtype), dtype)
    return made.fill_nan(None) if dtype == pl.Float64 else made


def _listed(value: object, dtype: object) -> list[object] | None:
    if type(value) is not list:
        return None
    made = _as(value, dtype)
    if dtype == pl.Float64:  # a list cannot say that an infinity is counted
        made = [entry if entry is None or isfinite(entry) else None for entry in made]  # type: ignore[arg-type]
    return [*made]


def _as(values: Sequence[object], dtype: object) -> Sequence[object]:
    """Return values as Polars takes them for a type: NaN is null, numbers among texts are texts."""
    types = set(map(type, values)) - {type(None)}
    if dtype == pl.Float64:
        return values if int not in types else [_float(value) for value in values]
    if dtype == pl.String and int in types:
        return [str(v) if type(v) is int else v if type(v) is str else None for v in values]
    if float in types:
        return [None if type(value) is float else value for value in values]
    return values


def _float(value: object) -> object:
    return float(value) if type(value) is int else value
