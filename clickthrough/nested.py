"""Nested objects by path: ``{"user": {"id": 7}}`` says what ``{"user.id": 7}`` says.

Where a row says a thing twice, the last holds, as in any reader of JSON.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

DEPTH = 16
"""Objects within one another; of more a row is refused."""


class TooDeepError(ValueError):
    """Objects nest deeper than is read; says where."""


def nest(rows: Sequence[dict[str, object]]) -> bool:
    """Say whether any of some rows holds an object: sooner than row by row."""
    return dict in map(type, chain.from_iterable(map(dict.values, rows)))


def flat(row: dict[str, object]) -> dict[str, object]:
    """Return a row without objects in it; one without any is returned as it is.

    Raises:
        TooDeepError: they nest deeper than :data:`DEPTH`.

    >>> flat({"ad": 3, "user": {"id": 7, "home": {"city": "Oslo"}}})
    {'ad': 3, 'user.id': 7, 'user.home.city': 'Oslo'}
    """
    if dict not in map(type, row.values()):
        return row
    found: dict[str, object] = {}
    _take(row, "", found, DEPTH)
    return found


def _take(row: Mapping[str, object], before: str, found: dict[str, object], left: int) -> None:
    if not left:
        raise TooDeepError(f"'{before[:60]}...': objects nest more than {DEPTH} deep")
    for name, value in row.items():
        if type(value) is dict:
            _take(value, f"{before}{name}.", found, left - 1)
        else:
            found[before + name] = value


def parents(names: Iterable[str]) -> frozenset[str]:
    """Return the objects in which nested names stand.

    >>> sorted(parents(["user.home.city", "ad"]))
    ['user', 'user.home']
    """
    ends = ((name, place) for name in names for place, sign in enumerate(name) if sign == ".")
    return frozenset(name[:place] for name, place in ends)
