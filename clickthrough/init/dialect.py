"""How the lines of a CSV are written, told from the first ones, with reasons. Pure."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from clickthrough.data.csv_shape import LINES, SEPARATORS
from clickthrough.data.encoding import (
    encoding_of,
    guessed,
    in_pairs,
    is_by_chance_utf8,
    is_utf8,
    may_be_text,
)
from clickthrough.data.form import TableForm
from clickthrough.data.head import text_lines
from clickthrough.data.rewriting import table_lines, without_escapes
from clickthrough.data.sniff import best_separated, fields, is_header, sniff, table_rows
from clickthrough.data.splitting import SplitError, Splitter

_COMMENTS = ("#", "//")
_MOST_ABOVE = 20
"""Lines above a header that are looked through."""
_LEAST = 2
"""Lines with cells in apostrophes, by fewer of which nothing is told."""
_OFTEN = 0.8
"""Share of rows, or of cells, that a form must fit."""
_SIGNS = re.escape("".join(SEPARATORS))
_APOSTROPHES = re.compile(rf"(?:^|[{_SIGNS}])\s*'(?:[^'\\]|''|\\.)*'\s*(?=$|[{_SIGNS}])")
_QUOTES = re.compile(rf"(?:^|[{_SIGNS}])\s*\"[^\"\n]*\"\s*(?=$|[{_SIGNS}])")
_IN_QUOTES = re.compile(r'"[^"]*"')
_WORD = re.compile(r"[^\s,;\"]*[^\x00-\x7f][^\s,;\"]*")

Settings = dict[str, tuple[Any, str]]
"""What differs from a plain CSV, and why: a value and a reason each."""


@dataclass(frozen=True)
class Told:
    """The form of a CSV.

    Attributes:
        form: its separator, whether it has a header, and how its lines are written.
        reasons: a setting -> why it is what it is; of those that differ from a plain CSV's.
    """

    form: TableForm
    reasons: dict[str, str] = field(default_factory=dict)


def told_encoding(head: bytes, blocks: Sequence[bytes]) -> Settings:
    """Tell the encoding of a text; nothing where it shows by itself, or none fits.

    Args:
        head: its first bytes.
        blocks: bytes from it.
    """
    if encoding_of(head, None) != "utf-8" or not may_be_text(head) or all(map(is_utf8, blocks)):
        return {}
    beyond = [line for block in blocks for line in block.split(b"\n") if not line.isascii()]
    odd = [line for line in beyond if not is_utf8(line)]
    text = b"\n".join(beyond)
    found = guessed(text if in_pairs(text) else b"\n".join(odd))
    # lines that are UTF-8 speak for a text in it with a damaged sign, unless by chance
    damaged = len(odd) < _OFTEN * len(beyond)
    if found is None or (damaged and not is_by_chance_utf8(text, found)):
        return {}
    words = _WORD.findall(text.decode(found, "replace"))
    shown = Counter(words).most_common(1)[0][0]
    return {"encoding": (found, f"it is not UTF-8; another if texts such as {shown} are odd")}


def told_form(head: bytes, encoding: Settings, later: Iterable[bytes] = ()) -> Told:
    """Tell the form of a CSV from its first lines, and from those later ones that are unlike them.

    Args:
        head: its first bytes.
        encoding: of its text; see :func:`told_encoding`.
        later: what follows, as far as it was read.
    """
    found: Settings = dict(encoding)
    said = encoding["encoding"][0] if encoding else None
    coding = encoding_of(head, said)
    lines = text_lines(head, coding)
    unlike = _unlike(lines, b"".join([head, *later]).decode(coding, "replace").split("\n"))
    form = TableForm(encoding=said)
    tells: Sequence[Callable[[list[str], TableForm], Settings]]
    tells = (_quote, _trim, _escape, _comment, _above)
    for tell in tells:
        seen = [*islice(table_lines(lines, form), LINES)]
        more = tell([*seen, *table_lines(unlike, form.with_skip(0))], form)
        form = replace(form, **{setting: value for setting, (value, _) in more.items()})
        found |= more
    kept = [line for line in table_lines(lines, form) if line.strip()][:LINES]
    return Told(sniff(kept, form), {setting: why for setting, (_, why) in found.items()})


def _unlike(head: list[str], every: list[str]) -> list[str]:
    """Return lines below the first ones that are of another width, or hold what may tell a form.

    Args:
        head: the first lines.
        every: all that were read, from the first one on.
    """
    first = head[:LINES]
    _, width, best = _best(first, TableForm())
    sign, count = best.separator, width - 1

    def is_as_wide(line: str) -> bool:  # the dear ways last
        bare = line.count(sign) == count or _IN_QUOTES.sub("", line).count(sign) == count
        return bare or _width(line, best) == width

    later = (line.rstrip("\r") for line in islice(every, len(first), None))
    telling = (
        line
        for line in later
        if line.startswith(_COMMENTS) or '\\"' in line or (line and not is_as_wide(line))
    )
    return [*islice(telling, LINES)]


def _comment(lines: list[str], form: TableForm) -> Settings:
    """Tell comments: lines that begin with a sign for them, and are not as wide as the rows."""
    for sign in _COMMENTS:
        comments = [line for line in lines if line.startswith(sign)]
        rest = [line for line in lines if line.strip() and not line.startswith(sign)]
        if not comments or len(rest) < 2:
            continue
        share, width, best = _best(rest, form)
        as_wide = any(_width(line, best) == width for line in comments)  # a header, or values
        if share >= _OFTEN and width > 1 and not as_wide:
            said = comments[0][:40]
            return {"comment": (sign, f"lines such as {said} are no part of the table")}
    return {}


def _quote(lines: list[str], form: TableForm) -> Settings:
    """Tell apostrophes around cells: then none stands anywhere but around a cell or within one."""
    del form
    having = [line for line in lines if "'" in line]
    quoted = [line for line in having if "'" not in _APOSTROPHES.sub("", line)]
    if len(quoted) < max(_LEAST, _OFTEN * len(having)) or any(map(_QUOTES.search, lines)):
        return {}
    return {"quote": ("'", "cells stand in apostrophes")}


def _escape(lines: list[str], form: TableForm) -> Settings:
    """Tell quotes within cells that have a backslash before them."""
    if f"\\{form.quote}" not in "\n".join(lines):
        return {}
    escaped = replace(form, escape=True)
    if _strict(lines, escaped) <= _strict(lines, form):
        return {}
    return {"escape": (True, "quotes within cells have a backslash before them")}


def _above(lines: list[str], form: TableForm) -> Settings:
    """Tell lines above the header: of another width than it and all rows have."""
    share, width, best = _best(lines, form)
    if width < 2 or share < _OFTEN:
        return {}
    first = next(
        (place for place, line in enumerate(lines)
         if _width(line, best) == width and _filled(line, best) > width // 2),
        0,
    )  # fmt: skip
    rows = [*table_rows([line for line in lines[first:] if line.strip()], best)]
    whole = all(_is_title(line, width, best) for line in lines[:first])
    if not 0 < first <= _MOST_ABOVE or not whole or not is_header(rows[0], rows[1:]):
        return {}
    return {"skip": (first, "lines above the header")}


def _is_title(line: str, width: int, form: TableForm) -> bool:
    """Tell a line above a table: of few cells, or one by which Excel is told the separator."""
    whole = line.count(form.quote) % 2 == 0
    return whole and (_filled(line, form) <= width // 2 or line.lower().startswith("sep="))


def _trim(lines: list[str], form: TableForm) -> Settings:
    """Tell blanks that stand around most cells."""
    _, _, best = _best(lines, form)
    rows = table_rows(lines, replace(best, trim=False))
    cells = [cell for row in rows for cell in row[1:] if cell.strip()]
    before = sum(cell[0] in " \t" for cell in cells)
    after = sum(cell[-1] in " \t" for cell in cells)
    if not cells or max(before, after) < _OFTEN * len(cells):
        return {}
    return {"trim": (True, "blanks stand around cells")}


def _best(lines: list[str], form: TableForm) -> tuple[float, int, TableForm]:
    """Return how well rows are divided by the best separator: share, width, form."""
    rows = [line for line in lines if line.strip()]
    best = best_separated(rows, replace(form, trim=True))
    return *fields(rows, best), best


def _width(line: str, form: TableForm) -> int:
    """Return the number of cells of a line, none of a blank one."""
    return len(_cells(line, form))


def _filled(line: str, form: TableForm) -> int:
    """Return the number of cells that are not blank; Excel fills titles up with blank ones."""
    return sum(cell != "" for cell in _cells(line, form))


def _cells(line: str, form: TableForm) -> list[str]:
    return next(table_rows([line], replace(form, trim=True)), [])


def _strict(lines: list[str], form: TableForm) -> float:
    """Return the share of rows of the usual width; 0 where one is of no CSV."""
    if form.escape:
        lines = [*map(without_escapes(form.quote), lines)]
    shares = []
    for sign in SEPARATORS:
        try:
            rows = [*Splitter(sign, form.quote, form.trim).rows(lines)]
        except SplitError:
            continue
        widths = Counter(len(row) for row in rows if row)
        if max(widths, default=0) > 1:
            shares.append(max(widths.values()) / widths.total())
    return max(shares, default=0.0)
