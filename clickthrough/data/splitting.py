"""Rows of a CSV from its lines: as Python's strict reader divides them, but cells of any length.

A quote opens a cell only at its beginning. That reader takes 131,072 characters a cell, a bound of
the whole process, and it is not strict where blanks may stand after a closing quote.
"""

import csv
import re
from collections.abc import Iterable, Iterator

_LONGEST = 131_072
BLANKS = " \t\u00a0\u202f\u2009"


class SplitError(ValueError):
    """A row is of no CSV.

    Attributes:
        lines: of the row, up to where that showed.
    """

    def __init__(self, said: str, lines: int) -> None:
        super().__init__(f"{said}; a quote is never closed, or the file is cut")
        self.lines = lines


class Splitter:
    """Divides lines into rows of cells.

    Args:
        separator: between cells.
        quote: the sign around cells that hold a separator.
        trim: whether blanks around cells are no part of them.

    >>> [*Splitter(";", "'").rows(["a;'b", "c''d';5' high"])]
    [['a', "bc'd", "5' high"]]
    """

    def __init__(self, separator: str, quote: str = '"', trim: bool = False) -> None:
        sign, mark = re.escape(separator), re.escape(quote)
        blank = f"[{BLANKS.replace(separator, '')}]*+" if trim else ""
        self._separator, self._quote, self._trim = separator, quote, trim
        self._open = re.compile(blank + mark)
        self._held = re.compile(f"[^{mark}]*+(?:{mark}{mark}[^{mark}]*+)*+")
        self._bare = re.compile(rf"[^{sign}\r\n]*+")
        self._after = re.compile(rf"{blank}(?:({sign})|[\r\n]*\Z)")

    def rows(self, lines: Iterable[str]) -> Iterator[list[str]]:
        """Yield the rows; a blank line is one without cells.

        Raises:
            SplitError: a quote is never closed, or more than a separator follows a closed one.
        """
        cells, held, count = list[str](), list[str](), 0
        for line in lines:
            count += 1
            if count == 1 and (row := self._usual(line)) is not None:
                yield row
                count = 0
            elif not self._take(line, count, cells, held):
                yield [cell.strip(BLANKS) for cell in cells] if self._trim else cells
                cells, count = [], 0
        if count:
            raise SplitError("unexpected end of data", count)

    def ends_within(self, line: str, within: bool) -> bool:
        """Say whether a line ends within a quoted cell; one that is of no CSV does not.

        Args:
            line: the line.
            within: whether it begins so.
        """
        if self._quote not in line:
            return within
        try:
            return self._take(line, 1 + within, [], [])
        except SplitError:
            return False

    def _usual(self, line: str) -> list[str] | None:
        """Return the cells of a line without quotes, or of one that Python's reader takes, fast."""
        if self._quote in line:
            if self._trim or len(line) > _LONGEST:
                return None
            try:
                return next(csv.reader([line], delimiter=self._separator, quotechar=self._quote,
                                       strict=True))  # fmt: skip
            except csv.Error:  # it ends within a cell, or is wrong
                return None
        bare = line.rstrip("\r\n")
        cells = bare.split(self._separator)
        if self._trim:
            cells = [cell.strip(BLANKS) for cell in cells]
        return cells if cells != [""] else []

    def _take(self, line: str, count: int, cells: list[str], held: list[str]) -> bool:
        """Take the cells of a line; say whether it ends within one.

        Args:
            line: the line.
            count: which one of its row it is; all but the first begin within a cell.
            cells: of the row, in front of it; gets more.
            held: what the open cell holds; gets more.
        """
        place, within = 0, count > 1
        while True:
            if not within and (opened := self._open.match(line, place)):
                within, place = True, opened.end()
            found = _match(self._held if within else self._bare, line, place)
            place = found.end()
            if within:
                held.append(found[0].replace(self._quote * 2, self._quote))
                if place == len(line):
                    return True
                place += 1
            cells.append("".join(held) if within else found[0])
            held.clear()
            after = self._after.match(line, place)
            if after is None:
                raise SplitError(f"{self._separator!r} expected after {self._quote!r}", count)
            if after[1] is None:
                return False
            place, within = after.end(), False


def _match(pattern: re.Pattern[str], line: str, place: int) -> re.Match[str]:
    """Match what may match nothing."""
    found = pattern.match(line, place)
    assert found is not None  # noqa: S101
    return found
