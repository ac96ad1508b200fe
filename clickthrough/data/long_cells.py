"""Lines of a CSV without what their cells hold, for a reader that counts cells.

Python's reader takes 131,072 characters a cell, a bound of the whole process; logs hold texts and
JSON that are longer.
"""

import re
from collections.abc import Iterable, Iterator

_LONGEST = 131_072
_CLOSED = r'[^"]*(?:""[^"]*)*"(?!")'
"""What a quoted cell holds, to its closing quote."""
_CLOSING = re.compile(_CLOSED)


def without_cells(lines: Iterable[str], separator: str) -> Iterator[str]:
    r"""Yield lines of a CSV that divide into as many cells, or are wrong, as they were.

    Those that lie within a cell are left out.

    Args:
        lines: of the file, with their ends.
        separator: between cells.

    >>> [*without_cells(['a,"b\n', 'c\n', '""d"",e",fg\n'], ",")]
    ['x,"\n', '",x\n']
    """
    sign = re.escape(separator)
    bare = re.compile(rf"[^{sign}\r\n]*")
    cell = rf'(?:"{_CLOSED}|[^{sign}"\r\n]*)'
    usual = re.compile(rf"{cell}(?:{sign}{cell})*[\r\n]*")
    within = False
    for line in lines:
        if not within and len(line) <= _LONGEST and usual.fullmatch(line):
            yield line
            continue
        made, within = _without(line, within, bare)
        if made:
            yield made


def _without(line: str, within: bool, bare: re.Pattern[str]) -> tuple[str, bool]:
    """Return a line without what its cells hold, and whether it ends within one.

    Args:
        line: of the file.
        within: whether it begins within a quoted cell.
        bare: matches a cell without quotes.
    """
    made, place, begins = list[str](), 0, True
    while within or place < len(line):
        if within or (begins and line[place] == '"'):
            start = place if within else place + 1
            made += [] if within else ['"']
            closed = _CLOSING.match(line, start)
            if closed is None:
                return "".join([*made, "\n"]) if made else "", True
            made.append('"')
            place, within, begins = closed.end(), False, False
        elif end := bare.match(line, place).end() - place:  # type: ignore[union-attr]
            made.append("x")
            place, begins = place + end, False
        else:
            made.append(line[place])
            place, begins = place + 1, True
    return "".join(made), False
