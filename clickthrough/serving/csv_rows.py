"""Bodies of CSV: comma-separated, an impression a row, an empty cell is a missing value.

Cells are texts; the parser reads them by the schema, as it reads texts in JSON. Lists are divided
as the configuration says that the log's were, so that a cell means what it means to ``predict``.
A column that means nothing is passed over.
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
from clickthrough.features.unknown import nothing_known
from clickthrough.features.values import LISTS, Scalar
from clickthrough.schema import NUMBER
from clickthrough.serving.bodies import NO_TEXT, WrongBody, is_text
from clickthrough.serving.contract import Row

_LONGEST_NUMBER = 64
"""Characters: no time is written longer."""
_MOST_COLUMNS = 10_000
"""No log has more; each takes time, whether it means something or not."""
_MOST_NAMED = 20
"""Columns in a message."""
CSV = "text/csv"
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
        RequestError: it is empty, no CSV, names a column twice, no field, or too many columns; has
            too many rows, one of another length than the header, or a list that cannot be divided.
    """
    if not is_text(data):
        raise WrongBody(400, NO_TEXT)
    lines = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
    cells = _cells(lines)
    if names is None:
        names = next(cells, [])
        _check_header(names)
    known = _known(names, bundle)
    rows: list[Row] = []
    blank = False
    for row in cells:
        if not row:  # blank lines may end the body
            blank = True
            continue
        if blank:
            raise RequestError(f"row {len(rows)} (line {lines.line_num}): follows a blank line")
        if len(rows) == most:
            raise RequestError(f"more than {most} impressions (serving.max_impressions)")
        if len(row) != len(names):
            raise _of_length(f"row {len(rows)} (line {lines.line_num})", row, names)
        rows.append({name: row[place] or None for place, name in known})
    if not rows and not data.strip():
        raise RequestError("the body is empty: expected an impression a row")
    for name, read in _readers([name for _, name in known], bundle).items():
        for of in rows:
            of[name] = read(text) if isinstance(text := of[name], str) else None
    return rows


def _known(names: Sequence[str], bundle: Bundle) -> list[tuple[int, str]]:
    """Return the columns that mean something, by their places.

    Raises:
        RequestError: there is none, as where the first line is a row of a CSV without a header.
    """
    aliases = bundle.schema.aliases()
    known = [(place, name) for place, name in enumerate(names) if name in aliases]
    if not known:
        lead = "the first line names no field that is known to the model"
        said = nothing_known(lead, names, field_names(bundle))
        raise RequestError(f"{said}; what has no such line is '{CSV}; header=absent'")
    return known


def _cells(lines: Iterator[list[str]]) -> Iterator[list[str]]:
    try:
        yield from lines
    except csv.Error as error:
        number = getattr(lines, "line_num", 0)
        raise RequestError(f"line {number}: not readable as CSV: {error}") from None


def _check_header(names: Sequence[str]) -> None:
    if not names:
        raise RequestError("the body is empty: expected a first line that names the columns")
    if len(names) > _MOST_COLUMNS:
        raise RequestError(f"the first line names {len(names)} columns: at most {_MOST_COLUMNS}")
    name, times = Counter(names).most_common(1)[0]
    if times > 1:
        raise RequestError(f"the first line names the column {shown(name)} {times} times")


def _of_length(where: str, row: Sequence[str], names: Sequence[str]) -> RequestError:
    """Return what is wrong with a row that has another length than the header."""
    more = ["..."] if len(names) > _MOST_NAMED else []
    named = ", ".join([*map(shown, names[:_MOST_NAMED]), *more])
    return RequestError(f"{where}: {len(row)} cells, expected {len(names)}: {named}")


def _readers(names: Sequence[str], bundle: Bundle) -> dict[str, Callable[[str], Cell]]:
    """Return what reads the cells of those columns that are more than texts.

    Raises:
        RequestError: one holds lists, and nobody has said how they are written.
    """
    aliases = bundle.schema.aliases()
    made = {name: _reader(name, aliases[name], bundle) for name in names}
    return {name: read for name, read in made.items() if read is not None}


def _reader(name: str, ours: str, bundle: Bundle) -> Callable[[str], Cell] | None:
    """Return what reads the cells of a column, by its name there and by ours."""
    schema, data = bundle.schema, bundle.config.data
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
