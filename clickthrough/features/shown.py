"""What a caller sent, as a message shows it: short, however large it is.

It is cut before it is written out, so that a message costs the same whatever is wrong.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

_MOST = 80
"""Characters of a value."""
_ENTRIES, _DEPTH = 8, 2
"""Entries of a list that are shown, and how deep."""
_BITS = 256
"""A larger whole number is not written out: that takes longer than linear in its length."""


def shown(value: object) -> str:
    """Return a value as a message shows it, in at most 80 characters.

    >>> shown("seven")
    "'seven'"
    >>> len(shown("x" * 1_000_000))
    80
    """
    return cut(_written(value, _DEPTH), _MOST)


def cut(text: str, most: int) -> str:
    """Return a text, its end replaced by an ellipsis where it has more characters than ``most``."""
    return text if len(text) <= most else text[: most - 1] + "…"


def _written(value: object, depth: int) -> str:
    if isinstance(value, str | bytes):
        return repr(value[:_MOST])
    if isinstance(value, int) and value.bit_length() > _BITS:
        return f"a whole number of {value.bit_length():,} bits"
    if value is None or isinstance(value, bool | int | float):
        return repr(value)
    if isinstance(value, list | tuple | Mapping):
        return _entries(value, depth)
    return f"a value of type {type(value).__name__}"


def _entries(value: Sequence[object] | Mapping[object, object], depth: int) -> str:
    first, last = "{}" if isinstance(value, Mapping) else "[]"
    if depth == 0 and len(value):
        return f"{first}…{last}"
    some: Iterable[object] = islice(value, _ENTRIES)
    if isinstance(value, Mapping):
        texts = [f"{_written(key, 0)}: {_written(value[key], depth - 1)}" for key in some]
    else:
        texts = [_written(entry, depth - 1) for entry in some]
    return first + ", ".join(texts + ["…"] * (len(value) > _ENTRIES)) + last
