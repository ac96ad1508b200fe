"""Values as a caller sends them, read by the type of their field.

Many values are read at once where all are of the very type that the schema wants, as those of a
program's requests are; anything else goes value by value. What a caller sends is of any size: what
is too long to be a value is refused before it is looked through.
"""

from array import array
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from math import isfinite
from typing import Any, NamedTuple

from clickthrough.features.python_values import plain
from clickthrough.schema import MISSING_INT, FieldType

Scalar = int | float | str | None
Value = Scalar | list[Scalar]

LISTS: dict[FieldType, FieldType] = {"ints": "int", "floats": "float", "strs": "str"}
"""The types of lists, with that of their entries."""

EXPECTED: dict[FieldType, str] = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "ints": "a list of whole numbers",
    "floats": "a list of numbers",
    "strs": "a list of texts",
}
_MISSING = type(None)
MANY = 4_096
"""Entries of lists, which are looked through without asking whether rows share some."""
_WRITTEN = (int, float, str, type(None))
"""Scalars of JSON; a truth value is an int."""
_LONGEST_INT, _LONGEST_FLOAT = 64, 400
"""Characters of a number that is sent as text: zeros on either side are allowed for."""


class TextLimits(NamedTuple):
    """Bytes of UTF-8 that a text may have.

    Attributes:
        id_bytes: the id of a request, user or item.
        text_bytes: any other text, an entry of a list too.
    """

    id_bytes: int = 256
    text_bytes: int = 4_096


USUAL_LIMITS = TextLimits()


class TooLongError(ValueError):
    """A text is longer than it may be.

    Attributes:
        found: its length in bytes of UTF-8.
    """

    def __init__(self, found: int) -> None:
        super().__init__(found)
        self.found = found


def are_exact(values: Sequence[object], kind: FieldType, most: int) -> bool:
    """Say whether values are as they are to be read: None, or of the very type and sound.

    Args:
        values: of one or more fields of a type.
        kind: the type.
        most: the bytes that a text may have.
    """
    exact = _EXACT.get(kind)
    types = set(map(type, values))
    if exact is None or not types <= {exact, _MISSING}:
        return False
    present = [value for value in values if value is not None] if _MISSING in types else values
    return not present or _AT_ONCE[kind](present, most)


def are_exact_lists(values: Sequence[object], kind: FieldType, most: int) -> bool:
    """Say whether values are lists, or None, whose entries are as they are to be read.

    Args:
        values: of a field.
        kind: the type of their entries.
        most: the bytes that a text may have.
    """
    if not set(map(type, values)) <= {list, _MISSING}:
        return False
    lists: list[list[object]] = [value for value in values if value]  # type: ignore[misc]
    if sum(map(len, lists)) > MANY:  # rows may share a list, of any length: it is read once
        lists = [*{id(value): value for value in lists}.values()]
    return are_exact([*chain.from_iterable(lists)], kind, most)


def is_missing(value: object) -> bool:
    """Say whether a value stands for none: null, NaN, by which data frames say so, or infinity."""
    return value is None or (isinstance(value, float) and not isfinite(value))


def read_text(value: object, most: int) -> str | None:
    """Return a text, or a whole number as one.

    Args:
        value: what was sent.
        most: the bytes that it may have.

    Raises:
        TooLongError: it has more.
        ValueError: it is neither.
    """
    if not isinstance(value, _WRITTEN):
        return read_text(plain(value), most)
    if is_missing(value) or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError
    text = value if type(value) is str else str(value)
    # half a surrogate pair is no text, and no encoding of one
    size = len(text) if text.isascii() else len(text.encode())
    if size > most:
        raise TooLongError(size)
    return text


def _read_int(value: object) -> int | None:
    if type(value) is int and MISSING_INT < value < -MISSING_INT:
        return value  # nearly every id: the rest of the checks would only slow it
    if not isinstance(value, _WRITTEN):
        return _read_int(plain(value))
    if is_missing(value) or value == "":
        return None
    if isinstance(value, bool) or value is None:
        raise ValueError
    number = int(value) if not isinstance(value, str) else _int_of_text(value)
    if number != value and not isinstance(value, str):
        raise ValueError
    if not MISSING_INT < number < -MISSING_INT:
        raise ValueError
    return number


def _int_of_text(text: str) -> int:
    """Read ``118`` and ``118.0``: exact for any length, unlike a detour over float."""
    if len(text) > _LONGEST_INT:
        raise ValueError
    whole, _, fraction = text.strip().partition(".")
    if fraction.strip("0") or "_" in whole:
        raise ValueError
    return int(whole)


def _read_float(value: object) -> float | None:
    if type(value) is float and isfinite(value):
        return value
    if not isinstance(value, _WRITTEN):
        return _read_float(plain(value))
    if is_missing(value) or value == "":
        return None
    if isinstance(value, bool) or value is None:
        raise ValueError
    if isinstance(value, str) and len(value) > _LONGEST_FLOAT:
        raise ValueError
    number = float(value)
    return number if isfinite(number) else None


def _read_bool(value: object) -> int | None:
    if not isinstance(value, _WRITTEN):
        return _read_bool(plain(value))
    if is_missing(value) or value == "":
        return None
    if isinstance(value, str):
        value = _TRUTHS.get(value[:_LONGEST_TRUTH].lower())
    if value not in (0, 1) or not isinstance(value, bool | int):
        raise ValueError
    return int(value)


def _read_list(read: Callable[[object], Value], value: object) -> list[Scalar] | None:
    if is_missing(value):
        return None
    if not isinstance(value, list | tuple):
        return _read_list(read, plain(value))
    return [read(entry) for entry in value]  # type: ignore[misc]


def reader_of(kind: FieldType, most: int) -> Callable[[object], Value]:
    """Return what reads a value of a type: None where it is missing.

    It raises :class:`ValueError` or :class:`OverflowError` where the value is of another type, and
    :class:`TooLongError` where a text has more bytes than ``most``.
    """
    if kind in LISTS:
        return partial(_read_list, reader_of(LISTS[kind], most))
    return partial(read_text, most=most) if kind == "str" else _READ[kind]


_READ: dict[FieldType, Callable[[object], Scalar]] = {
    "int": _read_int,
    "float": _read_float,
    "bool": _read_bool,
}
_TRUTHS = {"true": 1, "false": 0, "1": 1, "0": 0}
_LONGEST_TRUTH = 1 + max(map(len, _TRUTHS))


def _fit(numbers: Sequence[int], _: int) -> bool:
    try:
        array("q", numbers)  # sooner than their minimum and maximum
    except OverflowError:
        return False
    return MISSING_INT not in numbers


def _finite(numbers: Sequence[float], _: int) -> bool:
    # a sum is finite only if all are; of large ones it may not be, though all are
    return isfinite(sum(numbers)) or all(map(isfinite, numbers))


def _texts(texts: Sequence[str], most: int) -> bool:
    """Say whether no text is empty, too long or holds half a surrogate pair."""
    sizes = set(map(len, texts))
    if 0 in sizes or max(sizes) > most:
        return False
    return "".join(texts).isascii() or all(_encodes(text, most) for text in texts)


def _encodes(text: str, most: int) -> bool:
    try:
        return len(text.encode()) <= most
    except UnicodeEncodeError:
        return False


_EXACT: dict[FieldType, type] = {"int": int, "float": float, "str": str}
_AT_ONCE: dict[FieldType, Callable[[Sequence[Any], int], bool]] = {
    "int": _fit,
    "float": _finite,
    "str": _texts,
}
