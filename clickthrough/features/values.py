"""Values as a caller sends them, read by the type of their field.

Many values are read at once where all are of the very type that the schema wants, as those of a
program's requests are; anything else goes value by value.
"""

from collections.abc import Callable, Sequence
from math import isfinite
from typing import Any

import numpy as np

from clickthrough.schema import MISSING_INT, FieldType

Scalar = int | float | str | None
Value = Scalar | list[Scalar]

LISTS: dict[FieldType, FieldType] = {"ints": "int", "floats": "float", "strs": "str"}
"""The types of lists, with that of their entries."""

EXPECTED: dict[FieldType, str] = {
    "int": "a whole number",
    "float": "a finite number",
    "str": "text",
    "bool": "true or false",
    "ints": "a list of whole numbers",
    "floats": "a list of finite numbers",
    "strs": "a list of texts",
}
_MISSING = type(None)


def are_exact(values: Sequence[object], kind: FieldType) -> bool:
    """Say whether values are as they are to be read: None, or of the very type and sound."""
    exact = _EXACT.get(kind)
    types = set(map(type, values))
    if exact is None or not types <= {exact, _MISSING}:
        return False
    present = [value for value in values if value is not None] if _MISSING in types else values
    return not present or _AT_ONCE[kind](present)


def read_text(value: object) -> str | None:
    """Return a text, or a whole number as one.

    Raises:
        ValueError: it is neither.
    """
    if value is None or value == "":
        return None
    if type(value) is str and value.isascii():
        return value
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError
    text = str(value)
    text.encode()  # half a surrogate pair is no text
    return text


def _read_int(value: object) -> int | None:
    if type(value) is int and MISSING_INT < value < -MISSING_INT:
        return value  # nearly every id: the rest of the checks would only slow it
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError
    number = int(value) if not isinstance(value, str) else _int_of_text(value)
    if number != value and not isinstance(value, str):
        raise ValueError
    if not MISSING_INT < number < -MISSING_INT:
        raise ValueError
    return number


def _int_of_text(text: str) -> int:
    """Read ``118`` and ``118.0``: exact for any length, unlike a detour over float."""
    whole, _, fraction = text.strip().partition(".")
    if fraction.strip("0") or "_" in whole:
        raise ValueError
    return int(whole)


def _read_float(value: object) -> float | None:
    if type(value) is float and isfinite(value):
        return value
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError
    number = float(value)
    if np.isinf(number):
        raise ValueError
    return None if np.isnan(number) else number


def _read_bool(value: object) -> int | None:
    if value is None or value == "":
        return None
    texts = {"true": 1, "false": 0, "1": 1, "0": 0}
    if isinstance(value, str):
        value = texts.get(value.lower())
    if value not in (0, 1) or not isinstance(value, bool | int):
        raise ValueError
    return int(value)


def _read_list(read: Callable[[object], Scalar]) -> Callable[[object], list[Scalar] | None]:
    def read_entries(value: object) -> list[Scalar] | None:
        if value is None:
            return None
        if not isinstance(value, list | tuple):
            raise ValueError
        return [read(entry) for entry in value]

    return read_entries


READ: dict[FieldType, Callable[[object], Value]] = {
    "int": _read_int,
    "float": _read_float,
    "str": read_text,
    "bool": _read_bool,
    "ints": _read_list(_read_int),
    "floats": _read_list(_read_float),
    "strs": _read_list(read_text),
}
"""For each type what reads a value: None where it is missing, an error where it is of another."""


def _fit(numbers: Sequence[int]) -> bool:
    return min(numbers) > MISSING_INT and max(numbers) < -MISSING_INT


def _finite(numbers: Sequence[float]) -> bool:
    return all(map(isfinite, numbers))


def _texts(texts: Sequence[str]) -> bool:
    """Say whether no text is empty or holds half a surrogate pair."""
    return "" not in texts and ("".join(texts).isascii() or all(map(_encodes, texts)))


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


_EXACT: dict[FieldType, type] = {"int": int, "float": float, "str": str}
_AT_ONCE: dict[FieldType, Callable[[Sequence[Any]], bool]] = {
    "int": _fit,
    "float": _finite,
    "str": _texts,
}
