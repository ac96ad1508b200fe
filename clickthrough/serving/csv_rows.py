"""Bodies of CSV: comma-separated, an impression a row, an empty cell is a missing value.

Cells are texts; the parser reads them by the schema, as it reads texts in JSON. Lists are divided
as the configuration says that the log's were, so that a cell means what it means to ``predict``.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from clickthrough.bundle.load import Bundle
from clickthrough.config.data import TabularData
from clickthrough.errors import RequestError
from clickthrough.features.shown import shown
from clickthrough.features.values import LISTS, Scalar
from clickthrough.schema import NUMBER
from clickthrough.serving.bodies import NO_TEXT, WrongBody, is_text
from clickthrough.serving.contract import Row

_LONGEST_NUMBER = 64
"""Characters: no time is written longer."""
_MOST_NAMED = 20
"""Columns in a message."""
Cell = Scalar | list[Scalar]


def field_names(bundle: Bundle) -> list[str]:
    """Return the raw fields that a bundle reads, by the log's names, in the order of its plan."""
    return [bundle.schema.input_name(name) for name in bundle.plan.fields]


def read_csv(data: bytes, bundle: Bundle, most: int, names: Sequence[str] | None) -> list[Row]:
    """Read impressions.

    Args:
        data: as it came; a mark of the byte order is passed over.
        bundle: knows what columns hold.
        most: rows.
        names: of the columns where no header names them.

    Raises:
        WrongBody: it is no text in UTF-8.
        RequestError: it is empty, no CSV, names a column twice, has too many rows, a row of another
            length than the header, or a list that cannot be divided.
    """
    if not is_text(data):
        raise WrongBody(400, NO_TEXT)
    lines = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
    cells = _cells(lines)
    if names is None:
        names = next(cells, [])
        _check_header(names)
    rows: list[list[str]] = []
    blank = False
    for row in cells:
        if not row:  # blank lines may end the body
            blank = True
            continue
        if blank:
            raise RequestError(f"row {len(rows)} (line {lines.line_num}): follows a blank line")
        rows.append(row)
        if len(rows) > most:
            raise RequestError(f"more than {most} impressions (serving.max_impressions)")
        if len(row) != len(names):
            raise _of_length(rows, lines.line_num, names)
    if not rows and not data.strip():
        raise RequestError("the body is empty: expected an impression a row")
    readers = {name: read for name in names if (read := _reader(name, bundle))}
    made: list[Row] = [
        {name: cell or None for name, cell in zip(names, row, strict=True)} for row in rows
    ]
    for name, read in readers.items():
        for of in made:
            of[name] = read(text) if isinstance(text := of[name], str) else None
    return made


def _cells(lines: Iterator[list[str]]) -> Iterator[list[str]]:
    try:
        yield from lines
    except csv.Error as error:
        number = getattr(lines, "line_num", 0)
        raise RequestError(f"line {number}: not readable as CSV: {error}") from None


def _check_header(names: Sequence[str]) -> None:
    if not names:
        raise RequestError("the body is empty: expected a first line that names the columns")
    name, times = Counter(names).most_common(1)[0]
    if times > 1:
        raise RequestError(f"the first line names the column {shown(name)} {times} times")


def _of_length(rows: Sequence[Sequence[str]], line: int, names: Sequence[str]) -> RequestError:
    """Return what is wrong with the last row, which has another length than the header."""
    more = ["..."] if len(names) > _MOST_NAMED else []
    named = ", ".join([*map(shown, names[:_MOST_NAMED]), *more])
    place, found = len(rows) - 1, len(rows[-1])
    return RequestError(f"row {place} (line {line}): {found} cells, expected {len(names)}: {named}")


def _reader(name: str, bundle: Bundle) -> Callable[[str], Cell] | None:
    """Return what reads the cells of a column that are more than texts, if it is such a one.

    Raises:
        RequestError: it holds lists, and nobody has said how they are written.
    """
    schema, data = bundle.schema, bundle.config.data
    ours = schema.aliases().get(name)
    if ours == "time" and schema.time.unit == "iso" and schema.time.format is None:
        return _time  # a number is one of seconds, as in JSON
    if ours not in bundle.plan.fields or schema.fields[ours] not in LISTS:
        return None
    lists = data.lists if isinstance(data, TabularData) else {}
    form = lists.get(schema.input_name(ours))
    if form is None:
        raise RequestError(
            f"column {shown(name)} holds lists, and the log's were not written in a CSV, so "
            "nothing says how they are divided: send JSON"
        )
    return partial(_divided, form.separator)


def _time(text: str) -> Cell:
    if len(text) > _LONGEST_NUMBER or not re.fullmatch(NUMBER, text):
        return text
    return float(text) if "." in text else int(text)


def _divided(separator: str, text: str) -> Cell:
    """Divide a text into entries, an empty one of which is missing; see ``data/tabular.py``."""
    return [entry or None for entry in text.split(separator)]
