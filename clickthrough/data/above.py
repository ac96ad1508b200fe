"""Lines that are left out above a table without a header, and look like rows of values."""

from itertools import islice

from clickthrough.data.csv_shape import LINES
from clickthrough.data.form import TableForm
from clickthrough.data.head import text_lines
from clickthrough.data.rewriting import table_lines
from clickthrough.data.sniff import speaks_for_header, table_rows
from clickthrough.errors import DataError


def row_above(head: bytes, encoding: str, form: TableForm, width: int) -> int | None:
    """Return the number of a line above a table that is as wide as it, and no header.

    Args:
        head: the first bytes of a file.
        encoding: of its text.
        form: how it is said to be written.
        width: of the table.
    """
    lines = text_lines(head, encoding)
    kept = [*islice(table_lines(lines, form.with_skip(0)), form.skip + LINES)]
    rows = [*table_rows(kept[form.skip :], form)]
    for line in kept[: form.skip]:
        cells = next(table_rows([line], form), [])
        filled = sum(cell.strip() != "" for cell in cells)
        as_wide = len(cells) == width > 1 and filled > width // 2
        if as_wide and speaks_for_header(cells, rows) <= 0:
            return lines.index(line) + 1
    return None


def refuse_row_above(head: bytes, encoding: str, form: TableForm, name: str) -> None:
    """Refuse a file without a header of which a row of values would be left out.

    Args:
        head: its first bytes.
        encoding: of its text.
        form: how it is said to be written.
        name: how errors call it.

    Raises:
        DataError: names the row.
    """
    width = len(form.columns or ())
    row = row_above(head, encoding, form, width) if form.skip and width else None
    if row is not None:
        raise DataError(
            f"{name}: row {row} has {width} fields, as the table has, but 'data.skip: {form.skip}' "
            "leaves it out; expected a line that is no row"
        )
