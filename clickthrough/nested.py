"""Nested objects by path: ``{"user": {"id": 7}}`` says what ``{"user.id": 7}`` says.

Where a row says a thing twice, the last holds, as in any reader of JSON. A path repeats the names
above it, so that a small row could make names without end: what a row may make is bounded by what
it says itself.
"""

import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain

DEPTH = 16
"""Objects within one another; of more a row is refused."""
_FREE = 4_096
"""Signs that the paths of a row may repeat, however short it is."""
_TIMES = 16
"""So many times what a row says of names may its paths repeat where that is more."""
_ENTRY = 5
"""Signs of an entry beside its name: quotes, a colon, a comma, a value."""
_MOST_NAMES = 100
"""Names of an unknown object that are told one by one."""

_SHOWN = 60
"""Signs of a path in a message."""


class NestingError(ValueError):
    """Objects nest deeper than is read, or their paths are too long together; says where."""


def nest(rows: Sequence[dict[str, object]]) -> bool:
    """Say whether any of some rows holds an object: sooner than row by row."""
    return dict in map(type, chain.from_iterable(map(dict.values, rows)))


def flat(row: dict[str, object], known: Collection[str] | None = None) -> dict[str, object]:
    """Return a row without objects in it; one without any is returned as it is.

    Args:
        row: of JSON.
        known: the paths of objects that mean something: of any other that holds many names, only
            its own is told; by default all of them do.

    Raises:
        NestingError: they nest deeper than :data:`DEPTH`, or a small row would make long names.

    >>> flat({"ad": 3, "user": {"id": 7, "home": {"city": "Oslo"}}})
    {'ad': 3, 'user.id': 7, 'user.home.city': 'Oslo'}
    """
    if dict not in map(type, row.values()):
        return row
    found: dict[str, object] = {}
    if _take(row, "", found, known, DEPTH, _FREE) < 0:
        _refuse_long(row)
        _take(row, "", found, known, DEPTH, sys.maxsize)
    return found


def _take(
    row: Mapping[str, object],
    before: str,
    found: dict[str, object],
    known: Collection[str] | None,
    depth: int,
    free: int,
) -> int:
    """Take what an object holds; return what is left of the signs that paths may repeat."""
    if not depth:
        raise NestingError(f"'{before[:_SHOWN]}...': objects nest more than {DEPTH} deep")
    free -= len(before) * len(row)
    for name, value in row.items() if free >= 0 else ():
        path = before + name
        if type(value) is not dict:
            found[path] = value
        elif known is None or path in known or not _has_many(value):
            free = _take(value, f"{path}.", found, known, depth - 1, free)
            if free < 0:
                break
        else:
            found[path] = None
    return free


def _refuse_long(row: Mapping[str, object]) -> None:
    """Refuse a row whose paths repeat far more than it says: that of the longest is named."""
    said = made = longest = 0
    worst, objects = "", [("", 0, row)]
    while objects:
        path, length, own = objects.pop()
        said += sum(map(len, own)) + _ENTRY * len(own)
        made += length * len(own)
        if length * len(own) > longest:
            worst, longest = path, length * len(own)
        objects += [
            (f"{path}{name[:_SHOWN]}."[:_SHOWN], length + len(name) + 1, value)
            for name, value in own.items()
            if type(value) is dict
        ]
    if made > _TIMES * said:
        raise NestingError(
            f"'{worst}...': the paths of what it holds would have {made:,} signs, of {said:,}; "
            "keys that are values belong into a list"
        )


def _has_many(row: Mapping[str, object]) -> bool:
    """Say whether an object holds more names than are told, itself or in other objects."""
    left, objects = _MOST_NAMES, [row]
    while objects and left >= 0:
        own = objects.pop()
        left -= len(own)
        objects += [value for value in own.values() if type(value) is dict]
    return left < 0


def parents(names: Iterable[str]) -> frozenset[str]:
    """Return the objects in which nested names stand.

    >>> sorted(parents(["user.home.city", "ad"]))
    ['user', 'user.home']
    """
    ends = ((name, place) for name in names for place, sign in enumerate(name) if sign == ".")
    return frozenset(name[:place] for name, place in ends)
