"""The files of MovieLens before its releases had CSV files, written anew as those.

``ratings.dat`` and ``movies.dat`` (1M, 10M) divide fields by ``::``; ``u.item`` (100K) has a flag
for each of 19 genres; both may be in Latin-1. No table reader takes them as they are, so nothing
that could be read otherwise is taken for one. ``u.data`` is an ordinary table without a header.
"""

import csv
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from clickthrough.errors import DataError

RATINGS = ("userId", "movieId", "rating", "timestamp")
_MOVIES = ("movieId", "title", "genres")
_GENRES = ("unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime",
           "Documentary", "Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery",
           "Romance", "Sci-Fi", "Thriller", "War", "Western")  # fmt: skip
_FLAGS = 5
"""Fields of a ``u.item`` before its flags: number, title, two dates, an address."""
LONGEST = 10_000
"""Bytes of a first line; a file whose first line is longer is none of these."""


@dataclass(frozen=True)
class _Form:
    """How a file is written, and what it becomes.

    Attributes:
        line: what its first line is like.
        between: what divides its fields.
        width: how many there are.
        names: the header of what it becomes.
        separator: of what it becomes: that of the log which stands beside it.
        row: makes a row of its fields.
    """

    line: str
    between: str
    width: int
    names: tuple[str, ...]
    separator: str = ","
    row: Callable[[Sequence[str]], Sequence[str]] = lambda fields: fields


def _with_genres(fields: Sequence[str]) -> Sequence[str]:
    flags = zip(_GENRES, fields[_FLAGS:], strict=True)
    genres = "|".join(genre for genre, flag in flags if flag == "1")
    return [fields[0], fields[1], genres or "(no genres listed)"]


_FORMS = (
    _Form(r"\d+::\d+::\d+(\.\d+)?::\d+", "::", 4, RATINGS),
    _Form(r"\d+::.+::[^:]+", "::", 3, _MOVIES),
    _Form(r"\d+\|.*(\|[01]){19}", "|", _FLAGS + len(_GENRES), _MOVIES, "\t", _with_genres),
)


def rewritten(path: Path, folder: Callable[[], Path]) -> Path:
    """Return a file as it is, or written anew as CSV.

    Args:
        path: a plain file.
        folder: gives where the new one goes.

    Raises:
        DataError: a line has another number of fields than the first one.
    """
    form = _form_of(path)
    if form is None:
        return path
    with (
        path.open("rb") as source,
        tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", newline="", dir=folder(), suffix=".csv", delete=False
        ) as target,
    ):
        writer = csv.writer(target, delimiter=form.separator, lineterminator="\n")
        writer.writerow(form.names)
        for number, line in enumerate(source, 1):
            fields = _text(line).split(form.between)
            if len(fields) != form.width:
                found = f"row {number} has {len(fields)} fields, expected {form.width}"
                raise DataError(f"{path}: {found}, divided by '{form.between}'")
            writer.writerow(form.row(fields))
    return Path(target.name)


def is_tabbed(line: bytes) -> bool:
    """Tell the first line of a ``u.data``: four whole numbers, divided by tabs."""
    return re.fullmatch(r"\d+\t\d+\t\d+\t\d+", _text(line)) is not None


def is_ratings(line: bytes) -> bool:
    """Tell the first line of a file of ratings, in any of its forms."""
    text = _text(line)
    return is_tabbed(line) or bool(re.fullmatch(_FORMS[0].line, text)) or text == ",".join(RATINGS)


def _form_of(path: Path) -> _Form | None:
    try:
        with path.open("rb") as file:
            line = _text(file.readline(LONGEST))
    except OSError:  # whoever reads it says so
        return None
    return next((form for form in _FORMS if re.fullmatch(form.line, line)), None)


def _text(line: bytes) -> str:
    """Return a line in UTF-8, or else in Latin-1, of which every byte is a sign."""
    line = line.rstrip(b"\r\n")
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("latin-1")
