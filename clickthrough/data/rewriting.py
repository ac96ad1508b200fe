"""CSV files whose lines no table reader takes as they are, written anew in UTF-8.

Another encoding, lines above the header, comments, blanks around cells, quotes of another kind: a
setting says of each that it is there, and what is written anew means the same.
"""

import io
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

from clickthrough.data.encoding import hint
from clickthrough.data.form import TableForm
from clickthrough.data.splitting import SplitError, Splitter
from clickthrough.errors import DataError


def is_plain(form: TableForm, encoding: str) -> bool:
    """Say whether the reader of tables takes the lines of a file as they are.

    Args:
        form: of the file.
        encoding: of its text.
    """
    return form.has_plain_lines and encoding == "utf-8"


def rewrite(path: Path, name: str, form: TableForm, encoding: str, target: IO[str]) -> None:
    """Write a file anew.

    Args:
        path: a plain file.
        name: how errors call it.
        form: how it is written.
        encoding: of its text.
        target: opened without translation of newlines.

    Raises:
        DataError: its bytes are no text in its encoding, or it is of no CSV.
    """
    with path.open("rb") as file:
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
        yield from _anew(kept, form)
    except SplitError as error:
        raise DataError(f"{name}: row {lines.count - error.lines + 1}: {error}") from None


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
    splitter = Splitter(form.separator, form.quote, form.trim)
    bare = without_escapes(form.quote) if form.escape else str
    inside, skipped = False, 0
    for line in lines:
        if form.comment is not None and not inside and line.startswith(form.comment):
            continue
        if skipped < form.skip:
            skipped += 1
            continue
        if form.comment is not None:
            inside = splitter.ends_within(bare(line), inside)
        yield line


def _anew(lines: Iterable[str], form: TableForm) -> Iterator[str]:
    """Write each row anew: its cells quoted as plain ones are."""
    if form.escape:
        lines = map(without_escapes(form.quote), lines)
    for row in Splitter(form.separator, form.quote, form.trim).rows(lines):
        yield f"{_joined(row, form.separator)}\n"


def _joined(row: list[str], separator: str) -> str:
    """Write a row, in quotes those of its cells that need them."""
    line = separator.join(row)
    odd = '"' in line or "\n" in line or "\r" in line or line.count(separator) >= max(len(row), 1)
    if not odd and row != [""]:
        return line
    signs, alone = ('"', "\n", "\r", separator), len(row) == 1
    return separator.join(
        _quoted(cell) if (alone and not cell) or any(sign in cell for sign in signs) else cell
        for cell in row
    )


def _quoted(cell: str) -> str:
    return '"{}"'.format(cell.replace('"', '""'))


def without_escapes(quote: str) -> Callable[[str], str]:
    """Return what writes a quote within a cell as two, and a backslash as one."""
    escaped = re.compile(rf"\\([{re.escape(quote)}\\])")

    def changed(line: str) -> str:
        return escaped.sub(lambda found: quote * 2 if found[1] == quote else found[1], line)

    return changed
