"""Tables as a terminal can hold them: without empty columns, and folded where they are wide."""

from collections.abc import Sequence

from rich.cells import cell_len
from rich.table import Column, Table

_BORDER = 3
"""Columns of the terminal that a column takes beside its text."""
_NOTHING = {"", "–"}


def folded(table: Table, width: int) -> list[Table]:
    """Return a table as several that fit, each with the first column, none with an empty one.

    Args:
        table: its cells are texts.
        width: columns of the terminal.

    Returns:
        The table itself where there is nothing to change.
    """
    places = [place for place, column in enumerate(table.columns) if not place or _holds(column)]
    widths = {place: _width(table.columns[place]) for place in places}
    wraps = all(column.justify != "right" for column in table.columns)  # texts do, numbers do not
    groups = [places[1:]] if wraps else _groups(places, widths, width)
    if len(groups) == 1 and len(places) == len(table.columns):
        return [table]
    made = [_part(table, [0, *group]) for group in groups]
    made[0].title, made[-1].caption = table.title, table.caption
    return made


def _groups(places: Sequence[int], widths: dict[int, int], width: int) -> list[list[int]]:
    """Divide the places of columns into groups that fit beside the first column."""
    groups: list[list[int]] = [[]]
    room = left = width - widths[0] - 1
    for place in places[1:]:
        if widths[place] > left and groups[-1]:
            groups.append([])
            left = room
        groups[-1].append(place)
        left -= widths[place]
    return groups


def _part(table: Table, places: Sequence[int]) -> Table:
    chosen = [table.columns[place] for place in places]
    made = Table(
        *(Column(c.header, justify=c.justify, min_width=c.min_width) for c in chosen), box=table.box
    )
    cells = zip(*(column.cells for column in chosen), strict=True)
    for row, own in zip(table.rows, cells, strict=True):
        made.add_row(*own, end_section=row.end_section)
    return made


def _holds(column: Column) -> bool:
    cells = [str(cell) for cell in column.cells]
    return not cells or any(cell not in _NOTHING for cell in cells)


def _width(column: Column) -> int:
    texts = [column.header, *column.cells]
    lines = (line for text in texts for line in str(text).split("\n"))
    return max(max(map(cell_len, lines), default=0), column.min_width or 0) + _BORDER
