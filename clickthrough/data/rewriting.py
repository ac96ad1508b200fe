"""CSV files whose lines no table reader takes as they are, written anew in UTF-8.

Another encoding, lines above the header, comments, blanks around cells, quotes of another kind: a
setting says of each that it is there, and what is written anew means the same.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

from clickthrough.data.encoding import HEAD, encoding_of, hint
from clickthrough.data.form import TableForm
from clickthrough.errors import DataError

_BLANKS = " \t\u00a0\u202f\u2009"


def is_plain(form: TableForm, head: bytes) -> bool:
    """Say whether the reader of tables takes the lines of a file as they are.

    Args:
        form: of the file.
        head: its first bytes.
    """
    return form.has_plain_lines and encoding_of(head[:HEAD], form.encoding) == "utf-8"


def rewrite(path: Path, name: str, form: TableForm, target: IO[str]) -> None:
    """Write a file anew.

    Args:
        path: a plain file.
        name: how errors call it.
        form: how it is written.
        target: opened without translation of newlines.

    Raises:
        DataError: its bytes are no text in its encoding, or it is of no CSV.
    """
    with path.open("rb") as file:
        encoding = encoding_of(file.read(HEAD), form.encoding)
        file.seek(0)
        for line in rewritten_lines(file, encoding, form, name):
            target.write(line)


def rewritten_lines(source: IO[bytes], encoding: str, form: TableForm, name: str) -> Iterator[str]:
    """Yield the rows of a file's table as lines of a plain one.

    Args:
        source: at its beginning.
        encoding: of its text.
        form: how it is written.
        name: how errors call it.

    Raises:
        DataError: see :func:`rewrite`.
    """
    lines = _Lines(source, encoding, name)
    kept = table_lines(lines, form)
    try:
        yield from _anew(kept, form) if _has_odd_cells(form) else kept
    except csv.Error as error:
        raise DataError(f"{name}: row {lines.count}: not readable as CSV: {error}") from None


def lines_above(source: IO[bytes], encoding: str, form: TableForm, name: str) -> int:
    """Return how many lines stand above the first row of a table, be it a header."""
    if not form.skip and form.comment is None:
        return 0
    lines = _Lines(source, encoding, name)
    found = next(table_lines(lines, form), None)
    return lines.count - (found is not None)


class _Lines:
    """The lines of a text, counted; their ends stay as they are."""

    def __init__(self, source: IO[bytes], encoding: str, name: str) -> None:
        self._source, self._encoding, self._name = source, encoding, name
        self.count = 0

    def __iter__(self) -> Iterator[str]:
        with_mark = "utf-8-sig" if self._encoding == "utf-8" else self._encoding
        text = io.TextIOWrapper(self._source, with_mark, newline="")
        try:
            for line in text:
                self.count += 1
                yield line
        except UnicodeDecodeError as error:
            raise DataError(self._said(error.object, error.start)) from None
        finally:
            with suppress(ValueError):  # closed before all of it was read
                text.detach()

    def _said(self, content: bytes, start: int) -> str:
        """Say which bytes are none of the encoding; all lines before them were counted."""
        row = self.count + content[:start].count(b"\n") + 1
        found = content[max(start - 20, 0) : start + 20]
        may = hint(content[start:]) if self._encoding == "utf-8" else "see 'data.encoding'"
        return f"{self._name}: row {row}: not {self._encoding.upper()}: {found!r}; {may}"


def table_lines(lines: Iterable[str], form: TableForm) -> Iterator[str]:
    """Leave out comments, and of the other lines those above the table."""
    inside, skipped = False, 0
    for line in lines:
        if form.comment is not None and not inside and line.startswith(form.comment):
            continue
        if skipped < form.skip:
            skipped += 1
            continue
        inside ^= line.count(form.quote) % 2 == 1
        yield line


def _has_odd_cells(form: TableForm) -> bool:
    return form.trim or form.escape or form.quote != '"'


def _anew(lines: Iterable[str], form: TableForm) -> Iterator[str]:
    """Write each row anew: its cells quoted as plain ones are."""
    if form.escape:
        lines = map(without_escapes(form.quote), lines)
    rows = csv.reader(
        lines,
        delimiter=form.separator,
        quotechar=form.quote,
        skipinitialspace=form.trim,
        strict=not form.trim,  # blanks may stand after a quote
    )
    out = io.StringIO()
    writer = csv.writer(out, delimiter=form.separator, lineterminator="\n")
    for row in rows:
        writer.writerow([cell.strip(_BLANKS) for cell in row] if form.trim else row)
        yield out.getvalue()
        out.seek(0)
        out.truncate()


def without_escapes(quote: str) -> Callable[[str], str]:
    """Return what writes a quote within a cell as two, and a backslash as one."""
    escaped = re.compile(rf"\\([{re.escape(quote)}\\])")

    def changed(line: str) -> str:
        return escaped.sub(lambda found: quote * 2 if found[1] == quote else found[1], line)

    return changed
