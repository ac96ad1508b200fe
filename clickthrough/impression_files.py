"""Files of impressions as columns of raw fields, the rows of a request never divided."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self, TypeVar

from clickthrough.config.base import unknown_name
from clickthrough.config.data import TabularData
from clickthrough.data.unpack import is_lines, opened_plain
from clickthrough.errors import DataError, RequestError
from clickthrough.features.rows import RowColumns, RowParser
from clickthrough.features.values import is_missing
from clickthrough.json_lines import Row, read_rows
from clickthrough.predictions import OWN

if TYPE_CHECKING:
    import polars as pl

    from clickthrough.bundle.load import Bundle
    from clickthrough.data.impressions import Impressions

EVERY = "*"
"""Keeps every column."""
_LINES = 1_000
"""Lines that are scored at once."""
_Line = tuple[int, Row]
"""A line's number, and what it says."""


@dataclass(frozen=True)
class Batch:
    """Impressions of a file, the rows of a request side by side.

    Attributes:
        said: what the rows say, as a caller would; their places are those of the file, as an
            editor counts rows.
        beside: what is written beside predictions.
    """

    said: RowColumns
    beside: dict[str, Sequence[object]]


@dataclass(frozen=True)
class ImpressionFile:
    """What is in a file.

    Attributes:
        batches: of its impressions.
        whole: whether the rows of each request stand one after another: then batches come in the
            order of the file.
        notes: what is to be told of it.
        ignored: its columns that mean nothing to the model: of JSON lines, as they are met.
    """

    batches: Iterator[Batch]
    whole: bool
    notes: list[str]
    ignored: dict[str, None]


@contextmanager
def opened(
    bundle: "Bundle", parser: RowParser, source: Path, keep: Sequence[str], least: int
) -> Iterator[ImpressionFile]:
    """Open a file by its name.

    Args:
        bundle: for which it is read.
        parser: knows what fields are called.
        source: CSV, Parquet or JSON lines. Lines need no Polars, unless side tables lie beside.
        keep: columns that are kept beside.
        least: rows of a batch, but for the last.

    Raises:
        DataError: it cannot be read, or means nothing to the model.
    """
    if source.is_dir():
        raise DataError(f"{source}: is a directory; predict takes a file at a time")
    data = _table_of(bundle)
    if is_lines(source) and not (_has_sides(data) and _has_polars() and not _is_blank(source)):
        names = (bundle.schema.input_name("request_id"), "request_id")
        yield _json_file(source, parser, names, keep, least)
        return
    import polars as pl

    from clickthrough.data.formats import refuse_other_formats
    from clickthrough.data.impressions import read_impressions
    from clickthrough.data.unpack import unpacking

    refuse_other_formats(source)
    try:
        with unpacking(bundle.config.data.cache) as plain:
            found = read_impressions(source, bundle.schema, parser.fields, data, plain)
            kept = _kept(keep, found.columns, source)
            yield _table(found, kept, least)
    except pl.exceptions.PolarsError as error:  # also of what is read while rows are scored
        reason = str(error).split("\n", 1)[0]
        raise DataError(f"{source}: cannot be read: {reason}") from None


def opened_frame(
    bundle: "Bundle", parser: RowParser, rows: "pl.DataFrame", name: str, least: int
) -> ImpressionFile:
    """Take a frame for a file; see :func:`opened`.

    Args:
        bundle: for which it is read.
        parser: knows what fields are called.
        rows: an impression a row.
        name: how errors call it.
        least: rows of a batch, but for the last.
    """
    from clickthrough.data.impressions import impressions_of_frame

    found = impressions_of_frame(rows, bundle.schema, parser.fields, _table_of(bundle), name)
    return _table(found, [], least)


def _table_of(bundle: "Bundle") -> TabularData | None:
    """Return how a bundle's log was written, where it was a table, with side tables beside it.

    What the bundle holds of a side table is what the service answers by.
    """
    data = bundle.config.data
    if not isinstance(data, TabularData):
        return None
    held = {side.form.name for side in bundle.sides}
    joins = [join for join in data.joins if join.file.name not in held]
    return data.model_copy(update={"joins": joins})


def _has_sides(data: TabularData | None) -> bool:
    """Say whether side tables lie where they lay, of which the bundle holds nothing."""
    return data is not None and any(join.file.is_file() for join in data.joins)


def _has_polars() -> bool:
    """Say whether side tables can be joined: an installation of the scorer alone cannot."""
    try:
        import polars  # noqa: F401
    except ModuleNotFoundError:
        return False
    return True


def _is_blank(source: Path) -> bool:
    with opened_plain(source) as file:
        return not file.read(1 << 16).strip()


def _table(found: "Impressions", kept: Sequence[str], least: int) -> ImpressionFile:
    """Return the impressions of a CSV or Parquet file."""
    import polars as pl

    whole = found.is_whole()
    parts = found.parts(kept) if whole else iter([found.together(kept)])
    batches = (
        Batch(found.said_of(frame), found.beside_of(frame))
        for frame in _undivided(parts, found.requests_of, lambda a, b: pl.concat([a, b]), least)
    )
    return ImpressionFile(batches, whole, found.notes, dict.fromkeys(found.ignored))


def _json_file(
    source: Path, parser: RowParser, names: Sequence[str], keep: Sequence[str], least: int
) -> ImpressionFile:
    """Return the impressions of JSON lines; requests go by ``names``, the owner's first.

    The file is read twice: whether requests stand apart must be known before the first is scored.
    """

    def request_of(line: _Line) -> str | None:
        return _request_of(line[1], names)

    def requests_of(lines: list[_Line]) -> list[str | None]:
        return [*map(request_of, lines)]

    wanted = dict.fromkeys(name for name in keep if name != EVERY)
    runs = list[str]()
    for request, some in groupby(_json_lines(source), request_of):
        if request is not None:
            runs.append(request)
        for _, raw in some if EVERY in keep else ():
            wanted.update(dict.fromkeys(raw))
    whole = len(runs) == len(set(runs))
    lines = _json_lines(source)
    parts = _parts(lines) if whole else iter([_together([*lines], requests_of)])
    ignored = dict[str, None]()

    def batches() -> Iterator[Batch]:
        for part in _undivided(parts, requests_of, lambda a, b: a + b, least):
            rows = [raw for _, raw in part]
            try:
                columns, unknown = parser.gather(rows)
            except RequestError as error:
                raise DataError(f"{source}: {error}") from None
            ignored.update(dict.fromkeys(unknown))
            kept: dict[str, Sequence[object]] = {
                name: [raw.get(name) for raw in rows] for name in wanted if name not in OWN
            }
            yield Batch(RowColumns(columns, [number for number, _ in part]), kept)

    return ImpressionFile(batches(), whole, [], ignored)


def _json_lines(source: Path) -> Iterator[_Line]:
    with opened_plain(source) as file:
        yield from enumerate(chain.from_iterable(read_rows(file, str(source))), 1)


def _parts(lines: Iterator[_Line]) -> Iterator[list[_Line]]:
    while part := [*islice(lines, _LINES)]:
        yield part


def _together(
    lines: list[_Line], requests_of: Callable[[list[_Line]], list[str | None]]
) -> list[_Line]:
    """Put the rows of each request side by side."""
    requests: dict[object, list[_Line]] = {}
    for line, request in zip(lines, requests_of(lines), strict=True):
        requests.setdefault(line[0] if request is None else request, []).append(line)
    return [*chain.from_iterable(requests.values())]


def _request_of(raw: Mapping[str, object], names: Sequence[str]) -> str | None:
    """Return the request that a row names, as it will be read; None where it names none.

    Args:
        raw: the row.
        names: that it may go by, the owner's first.
    """
    value = next((raw[name] for name in names if name in raw), None)
    return None if is_missing(value) or value == "" else str(value)


class _Rows(Protocol):
    """Rows that can be cut, as those of a list or of a frame can."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: slice, /) -> Self: ...


_Some = TypeVar("_Some", bound=_Rows)


def _undivided(
    parts: Iterator[_Some],
    requests_of: Callable[[_Some], list[str | None]],
    joined: Callable[[_Some, _Some], _Some],
    least: int,
) -> Iterator[_Some]:
    """Cut rows anew, each time at the first end of a request after ``least`` rows."""
    rest: _Some | None = None
    for part in parts:
        rows = part if rest is None else joined(rest, part)
        start = 0
        for end in _ends(requests_of(rows), least):
            yield rows[start:end]
            start = end
        rest = rows[start:]
    if rest is not None and len(rest):
        yield rest


def _ends(requests: Sequence[str | None], least: int) -> Iterator[int]:
    """Yield where to cut; of what follows the last cut, the end is not yet known."""
    start = 0
    while start + least < len(requests):
        end = start + least
        while end < len(requests) and None is not requests[end - 1] == requests[end]:
            end += 1
        if end == len(requests):
            return
        yield end
        start = end


def _kept(keep: Sequence[str], columns: Sequence[str], source: Path) -> list[str]:
    """Return the columns that are kept.

    Raises:
        DataError: the file lacks one.
    """
    for name in keep:
        if name not in (EVERY, *columns):
            raise DataError(f"{source}: {unknown_name(name, 'column', list(columns))}")
    wanted = columns if EVERY in keep else dict.fromkeys(keep)
    return [name for name in wanted if name not in OWN]
