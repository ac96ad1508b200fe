"""The names of a CSV's columns, told from its header: each has one, and no two have the same."""

from collections.abc import Iterator, Sequence
from itertools import count


def column_names(header: Sequence[str]) -> tuple[str, ...]:
    """Name every column: a blank cell by its place, a name that comes again by a number.

    Args:
        header: the cells of the header.

    >>> column_names(["", "slot", "slot"])
    ('column_1', 'slot', 'slot_2')
    """
    names: list[str] = []
    for place, cell in enumerate(header, 1):
        wanted = cell if cell.strip() else f"column_{place}"
        free = cell.strip() and cell not in names
        names.append(wanted if free else _unused(wanted, {*header, *names}, not cell.strip()))
    return tuple(names)


def renamed(header: Sequence[str], names: Sequence[str]) -> list[str]:
    """Say of each column whose name is not what its header says why."""
    cells = enumerate(zip(header, names, strict=True), 1)
    return [
        f"column {place} has no name in the header: it is called '{name}'"
        if not cell.strip()
        else f"the header names '{cell}' again in column {place}: there it is called '{name}'"
        for place, (cell, name) in cells
        if cell != name
    ]


def _unused(wanted: str, taken: set[str], first: bool) -> str:
    """Return a name that no other column has."""
    return next(name for name in _numbered(wanted, first) if name not in taken)


def _numbered(name: str, first: bool) -> Iterator[str]:
    if first:
        yield name
    for number in count(2):
        yield f"{name}_{number}"
