"""How a CSV is written, told from its first lines: separator, and header or none."""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from clickthrough.data.csv_shape import BLANK, SEPARATORS
from clickthrough.data.form import TableForm
from clickthrough.data.rewriting import without_escapes

PLAIN = TableForm()
_NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*")
_DATED = re.compile(r"\s*\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ].*)?")
_NOTHING = ("", "na", "nan", "null", "none", "\\n")
_MOST = 0.8
"""Share of a column's cells from which on they have a type."""


def sniff(lines: list[str], known: TableForm = PLAIN) -> TableForm:
    """Tell the form of a CSV.

    The separator is the one that divides most rows into as many fields as possible.

    Args:
        lines: the first lines of its table.
        known: what is known of its form.

    >>> sniff(["a;b", "1;2", "3;4"]).separator
    ';'
    >>> sniff(["1;2", "3;4"]).columns
    ('column_1', 'column_2')
    """
    form = best_separated(lines, known)
    first, *rows = list(table_rows(lines, form)) or [[]]
    if is_header(first, rows):
        return form
    return replace(form, columns=tuple(f"column_{place + 1}" for place in range(len(first))))


def best_separated(lines: list[str], known: TableForm) -> TableForm:
    """Return the form whose separator divides most rows into as many fields as possible."""
    able = [replace(known, separator=sign) for sign in SEPARATORS]
    form = max(able, key=lambda form: fields(lines, form))
    by_blanks = replace(known, separator=BLANK)
    alone = fields(lines, form)[1] <= 1 and fields(lines, by_blanks)[0] >= _MOST
    return by_blanks if alone else form


def is_header(first: list[str], rows: Sequence[Sequence[str]]) -> bool:
    """Tell whether a first row names columns.

    A blank, a number or a text that comes twice is one odd cell, and not a row of values: each
    cell is held against the column below it, and most decide.

    Args:
        first: the cells of the first row.
        rows: those below.
    """
    score = speaks_for_header(first, rows)
    odd = any(not cell.strip() or _NUMBER.fullmatch(cell) for cell in first)
    return score > 0 or (score == 0 and not odd and len(set(first)) == len(first))


def speaks_for_header(first: list[str], rows: Sequence[Sequence[str]]) -> int:
    """Return by how many cells more a first row speaks for a header than for a row of values."""
    if _counts_up(first):
        return len(first)
    below = [[row[place] for row in rows if place < len(row)] for place in range(len(first))]
    return sum(_speaks(cell, column) for cell, column in zip(first, below, strict=True))


def _speaks(cell: str, below: list[str]) -> int:
    """Return 1 where a cell speaks for a header, -1 where it is a value like those below."""
    known = [text for text in below if text.strip().lower() not in _NOTHING]
    number = _NUMBER.fullmatch(cell) is not None
    if not known:
        return 0
    if not cell.strip():
        return int(_is_index(below))
    if number:
        return -int(_share(_NUMBER, known) >= _MOST)
    if cell in known:
        return -1
    typed = not _DATED.fullmatch(cell) and max(_share(_NUMBER, known), _share(_DATED, known))
    return int(typed >= _MOST or _repeats(known))


def _repeats(known: list[str]) -> bool:
    """Tell a column of few values: one that is not among them is its name."""
    return len(known) >= 20 and len(set(known)) <= len(known) / 4


def _is_index(below: list[str]) -> bool:
    """Tell the index of a table, whose name is blank: numbers from 0 or 1 on."""
    return any(below == [str(start + row) for row in range(len(below))] for start in (0, 1))


def _counts_up(first: list[str]) -> bool:
    """Tell a header whose columns are numbered, with or without that of an index."""
    names = first[1:] if first and not first[0].strip() else first
    return len(names) > 3 and names == [str(place) for place in range(len(names))]


def _share(pattern: re.Pattern[str], texts: list[str]) -> float:
    return sum(pattern.fullmatch(text) is not None for text in texts) / len(texts)


def fields(lines: list[str], form: TableForm) -> tuple[float, int]:
    """Return how good a separator is: the share of rows that have the usual width, and that width.

    A share, for of the right separator there are fewer rows than lines where a quoted field runs
    over several of them.
    """
    widths = Counter(len(row) for row in table_rows(lines, form))
    width, count = max(widths.items(), key=lambda item: (item[1], item[0]), default=(0, 0))
    return (count / widths.total(), width) if width > 1 else (0.0, width)


def table_rows(lines: Iterable[str], form: TableForm) -> Iterator[list[str]]:
    """Yield the rows of lines, without cells where one cannot be read.

    That is a quoted carriage return, which is not in quotes by a wrong separator, or a cell longer
    than Python reads: the table's own reader takes both, or refuses them with their place.
    """
    if form.escape:
        lines = map(without_escapes(form.quote), lines)
    reader = csv.reader(
        lines, delimiter=form.separator, quotechar=form.quote, skipinitialspace=form.trim
    )
    while True:
        try:
            row = next(reader)
            yield [cell.strip() for cell in row] if form.trim else row
        except csv.Error:
            yield []
        except StopIteration:
            return
