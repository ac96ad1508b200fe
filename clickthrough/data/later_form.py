"""How a file that comes after a log is written: as the log was, or plainly, or as it looks."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from clickthrough.data.above import row_above
from clickthrough.data.encoding import HEAD, blocks_of, encoding_of
from clickthrough.data.form import TableForm
from clickthrough.data.head import head_of
from clickthrough.data.sniff import sniff, table_rows
from clickthrough.data.unpack import opened_plain
from clickthrough.data.written_numbers import number_pattern


@dataclass(frozen=True)
class LaterForm:
    """What is known of the file before it is opened.

    Attributes:
        log: how the log was written.
        known: names by which columns mean something.
        columns: the names of the log's columns, where it had no header.
    """

    log: TableForm
    known: Collection[str]
    columns: Sequence[str] | None

    def of(self, source: Path) -> TableForm:
        """Return the form of a CSV.

        Raises:
            DataError: it is empty, or no text.
        """
        able = [*self._able(source)]
        meant = [one for one in able if one.means_something(self)]
        if not meant:
            return able[-1].form if able else self.log
        best = max(meant, key=lambda one: one.share)  # of equals the first: as the log was
        return self._with_numbers(best)

    def differences(self, form: TableForm) -> list[str]:
        """Say of a form where it is not the log's."""
        told = []
        if form.separator != self.log.separator:
            told.append(f"read with {form.separator!r} between fields")
        if form.encoding != self.log.encoding:
            told.append(f"read as UTF-8, as its bytes are, and not as {self.log.encoding}")
        if self.log.skip and self.columns and not form.skip:
            told.append("none of its first lines is left out: they are as wide as its rows")
        if self.log.numbers and not form.numbers:
            told.append("its numbers are read as a program writes them, which the log's were not")
        return told

    def _able(self, source: Path) -> Iterator["_Read"]:
        """Yield the ways in which the file may be read."""
        log = replace(self._as_shown(source), columns=None, types={})
        for form in [log] if log.has_plain_lines else [log, log.with_plain_lines()]:
            lines = head_of(source, form)
            if lines:
                shown = sniff(lines, form).separator
                for separator in dict.fromkeys((log.separator, shown)):
                    read = replace(form, separator=separator)
                    yield _Read(read, [*table_rows(lines, read)])

    def _as_shown(self, source: Path) -> TableForm:
        """Return the log's form, but for an encoding and lines above that the file has not."""
        with opened_plain(source) as file:
            head = file.read(HEAD)
            encoding = encoding_of(head, self.log.encoding, blocks_of(file))
        log = replace(self.log, encoding=None) if encoding == "utf-8" else self.log
        row = (
            row_above(head, encoding, log, len(self.columns)) if log.skip and self.columns else None
        )
        return log if row is None else log.with_skip(0)

    def _with_numbers(self, read: "_Read") -> TableForm:
        """Read numbers as a program writes them where all are so, and not all are as the log's."""
        names, rows, form = read.rows[0], read.rows[1:], read.form
        if not set(names) & set(self.known):
            names, rows = list(self.columns or []), read.rows
            form = replace(form, columns=tuple(names))
        whole = [row for row in rows if len(row) == len(names)]
        cells: set[str] = set()
        for place, name in enumerate(names):
            if name in form.numbers:
                marks = {"", *form.missing, *form.missing_in.get(name, ())}
                cells |= {row[place] for row in whole} - marks
        plain = replace(form, numbers=(), decimal=".", thousands=None)
        return form if _fit(cells, form) or not _fit(cells, plain) else plain


@dataclass(frozen=True)
class _Read:
    """The first rows of a file, read in a form."""

    form: TableForm
    rows: list[list[str]]

    def means_something(self, later: LaterForm) -> bool:
        """Say whether its first row is a header of the log's names, or as wide as its rows."""
        first = self.rows[0] if self.rows else []
        as_wide = later.columns is not None and len(first) == len(later.columns)
        return as_wide or bool(set(first) & set(later.known))

    @property
    def share(self) -> float:
        """The share of rows that are as wide as the first."""
        return sum(len(row) == len(self.rows[0]) for row in self.rows) / len(self.rows)


def _fit(cells: Collection[str], form: TableForm) -> bool:
    pattern = re.compile(number_pattern(form))
    return all(pattern.search(cell) for cell in cells)
