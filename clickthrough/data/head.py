"""The first lines of a CSV's table, to tell by them how it is written."""

import io
from itertools import islice
from pathlib import Path

from clickthrough.data.csv_shape import LINES, head_lines
from clickthrough.data.encoding import HEAD, blocks_of, encoding_of
from clickthrough.data.form import TableForm
from clickthrough.data.rewriting import is_plain, table_lines
from clickthrough.data.unpack import opened_plain


def head_of(source: Path, form: TableForm) -> list[str]:
    """Return the first lines of a table that are not blank.

    Args:
        source: a CSV file, plain or compressed.
        form: how its lines are written, as far as that is known.

    Raises:
        DataError: the file is empty, no text, or its first line is blank or without end.
    """
    with opened_plain(source) as file:
        head = file.read(HEAD)
        encoding = encoding_of(head, form.encoding, blocks_of(file))
    if is_plain(form, encoding):
        return head_lines(io.BytesIO(head), str(source))
    lines = text_lines(head, encoding)
    return [line for line in islice(table_lines(lines, form), LINES) if line.strip()]


def text_lines(head: bytes, encoding: str) -> list[str]:
    """Return the whole lines of a file's first bytes, without their ends.

    Args:
        head: the bytes.
        encoding: of the text.
    """
    text = head.decode(encoding, "replace").removeprefix("\ufeff")
    lines = [line.rstrip("\r") for line in text.split("\n")]
    return lines[:-1] if len(head) == HEAD else lines
