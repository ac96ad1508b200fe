"""The order of files by their names, in which numbers count as numbers: day 2 precedes day 10."""

import re
from collections.abc import Iterable
from pathlib import Path

_NUMBER = re.compile(r"([0-9]+)")


def in_order(paths: Iterable[Path]) -> list[Path]:
    """Return paths by their names, a directory's files together.

    >>> [path.name for path in in_order(map(Path, ["day-10.csv", "day-2.csv"]))]
    ['day-2.csv', 'day-10.csv']
    """
    return sorted(paths, key=lambda path: ([*map(_by_numbers, path.parts)], path))


def _by_numbers(name: str) -> list[str | int]:
    """Return texts and numbers by turns, so that each is compared with its like."""
    return [int(p) if place % 2 else p for place, p in enumerate(_NUMBER.split(name))]
