"""How a CSV is written, told from its first lines: separator, and header or none."""

import csv
import re
from collections import Counter

from clickthrough.data.scan import TableForm

_SEPARATORS = (",", "\t", ";", "|")
_NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*")


def sniff(lines: list[str]) -> TableForm:
    """Tell the form of a CSV.

    The separator is the one that divides most lines into as many fields as possible; a first row
    with a number, a blank or the same text twice is no header.

    Args:
        lines: the first lines of the file.

    >>> sniff(["a;b", "1;2", "3;4"]).separator
    ';'
    >>> sniff(["1;2", "3;4"]).columns
    ('column_1', 'column_2')
    """
    separator = max(_SEPARATORS, key=lambda sign: _fields(lines, sign))
    first = next(csv.reader(lines[:1], delimiter=separator), [])
    if is_header(first):
        return TableForm(separator)
    return TableForm(separator, tuple(f"column_{place + 1}" for place in range(len(first))))


def is_header(row: list[str]) -> bool:
    """Tell whether a first row names columns."""
    named = all(text.strip() and not _NUMBER.fullmatch(text) for text in row)
    return named and len(set(row)) == len(row)


def _fields(lines: list[str], separator: str) -> tuple[int, int]:
    """Return how good a separator is: lines of the most frequent width above 1, and that width."""
    widths = Counter(len(row) for row in csv.reader(lines, delimiter=separator))
    width, count = max(widths.items(), key=lambda item: (item[1], item[0]), default=(0, 0))
    return (count, width) if width > 1 else (0, width)
