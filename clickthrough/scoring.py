"""Scoring a file of impressions with the predictor."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from clickthrough.config.base import unknown_name
from clickthrough.config.data import TabularData
from clickthrough.errors import DataError, RequestError
from clickthrough.features.shown import shown
from clickthrough.features.values import is_missing
from clickthrough.predictions import OWN, PREDICTED, Written, writing
from clickthrough.serving.predictor import Predictor, Scored

EVERY = "*"
"""Keeps every column."""
_CHUNK = 1_000
"""Rows scored at once: of more, the arrays would not lie in the processor's cache."""
_MOST_TOLD = 20
"""Columns in a note."""

_Raw = dict[str, object]


@dataclass(frozen=True)
class _Row:
    """An impression of a file.

    Attributes:
        raw: its fields, as a caller would send them.
        beside: what is written beside its prediction, ``row`` first: its place in the file, as an
            editor counts rows.
        request: that it names, None where it names none.
    """

    raw: _Raw
    beside: Written
    request: str | None


@dataclass(frozen=True)
class _Source:
    """Impressions of a file, read twice where the rows of a request stand apart.

    Attributes:
        rows: in the order of the file.
        whole: whether the rows of each request stand one after another.
        notes: what is to be told of it.
    """

    rows: Iterator[_Row]
    whole: bool
    notes: list[str]


@dataclass(frozen=True)
class ScoredFile:
    """What became of a file.

    Attributes:
        rows: impressions scored.
        notes: what its owner should know: how it was read, what was ignored and what was absent.
    """

    rows: int
    notes: list[str]


def score_file(
    predictor: Predictor, source: Path, out: Path, keep: Sequence[str] = ()
) -> ScoredFile:
    """Score every impression of a file.

    Args:
        predictor: what scores.
        source: CSV, Parquet or JSON lines, raw fields of one impression a row.
        out: CSV, JSON lines or Parquet by its name, ``.gz`` where it ends so, or ``-`` for CSV on
            the standard output: row, request, item, probability and logit, in the order of the
            file. It appears when it is whole.
        keep: columns of the file that are written beside; ``*`` keeps all.

    Raises:
        DataError: a file cannot be read or written, is of another format, none of its columns is
            known, or a row is malformed: names the row.
    """
    sent, ignored, count = set[str](), dict[str, None](), 0
    apart: list[Written] = []
    try:
        with _opened(predictor, source, keep) as found, writing(out) as write:
            for rows in _chunks(found):
                scored = _scored(predictor, rows, source)
                count += len(rows)
                sent.update(*(row.raw for row in rows))
                ignored |= dict.fromkeys(scored.ignored)
                made = [_written(row, one) for row, one in zip(rows, scored.predictions)]  # noqa: B905
                if found.whole:
                    write(made)
                else:
                    apart += made
            write(sorted(apart, key=lambda made: made["row"]))  # type: ignore[arg-type, return-value]
    except BrokenPipeError:  # who reads the standard output has gone
        raise
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{source} -> {out}: {error}") from None
    notes = [*found.notes, *_ignored(list(ignored)), *_absent(predictor, sent)]
    return ScoredFile(count, notes)


def _written(row: _Row, prediction: object) -> Written:
    return row.beside | {name: getattr(prediction, name) for name in PREDICTED}


def _scored(predictor: Predictor, rows: Sequence[_Row], source: Path) -> Scored:
    try:
        return predictor.predict([row.raw for row in rows])
    except RequestError as error:
        now = time.time_ns() // 1_000
        for row in rows:  # which of them, by its place in the file
            try:
                predictor.scorer.parser.parse([row.raw], now)
            except RequestError as own:
                said = str(own).removeprefix("row 0: ")
                raise DataError(f"{source}: row {row.beside['row']}: {said}") from None
        raise DataError(f"{source}: {error}") from None


def _chunks(source: _Source) -> Iterator[list[_Row]]:
    """Gather rows into chunks that never divide a request."""
    rows = source.rows if source.whole else _together(source.rows)
    chunk: list[_Row] = []
    for _, group in groupby(rows, lambda row: row.request or row.beside["row"]):
        if len(chunk) >= _CHUNK:
            yield chunk
            chunk = []
        chunk.extend(group)
    if chunk:
        yield chunk


def _together(rows: Iterator[_Row]) -> Iterator[_Row]:
    """Put the rows of each request side by side."""
    requests: dict[object, list[_Row]] = {}
    for row in rows:
        requests.setdefault(row.request or row.beside["row"], []).append(row)
    for some in requests.values():
        yield from some


def _request_of(raw: _Raw, names: Sequence[str]) -> str | None:
    """Return the request that a row names, as it will be read; None where it names none.

    Args:
        raw: the row.
        names: that it may go by, the owner's first.
    """
    value = next((raw[name] for name in names if name in raw), None)
    return None if is_missing(value) or value == "" else str(value)


@contextmanager
def _opened(predictor: Predictor, source: Path, keep: Sequence[str]) -> Iterator[_Source]:
    """Open a file by its name."""
    names = (predictor.bundle.schema.input_name("request_id"), "request_id")
    if source.suffix in (".jsonl", ".ndjson"):
        yield _json_source(source, names, keep)
        return
    import polars as pl

    from clickthrough.data.formats import refuse_other_formats
    from clickthrough.data.impressions import read_impressions
    from clickthrough.data.unpack import unpacking

    refuse_other_formats(source)
    bundle = predictor.bundle
    data = bundle.config.data if isinstance(bundle.config.data, TabularData) else None
    known = predictor.scorer.parser.fields
    try:
        with unpacking(bundle.config.data.cache) as plain:
            found = read_impressions(source, bundle.schema, known, data, plain)
            kept = _kept(keep, found.columns, source)
            rows = (_Row(raw, beside, _request_of(raw, names)) for raw, beside in found.rows(kept))
            yield _Source(rows, found.is_whole(), [*found.notes, *_ignored(found.ignored)])
    except pl.exceptions.PolarsError as error:  # also of what is read while rows are scored
        reason = str(error).split("\n", 1)[0]
        raise DataError(f"{source}: cannot be read: {reason}") from None


def _json_source(source: Path, names: Sequence[str], keep: Sequence[str]) -> _Source:
    requests = [_request_of(raw, names) for _, raw in _json_lines(source)]
    runs = [request for request, _ in groupby(requests) if request is not None]

    def rows() -> Iterator[_Row]:
        for number, raw in _json_lines(source):
            wanted = raw if EVERY in keep else keep
            kept = {name: raw.get(name) for name in wanted if name not in OWN}
            yield _Row(raw, {"row": number, **kept}, _request_of(raw, names))

    return _Source(rows(), len(runs) == len(set(runs)), [])


def _json_lines(source: Path) -> Iterator[tuple[int, _Raw]]:
    with source.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise DataError(f"{source}: line {number}: not JSON: {error}") from None
            if not isinstance(row, dict):
                raise DataError(f"{source}: line {number}: expected an object, found {shown(row)}")
            yield number, row


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


def _ignored(names: Sequence[str]) -> list[str]:
    return [f"ignored, for they mean nothing to the model: {_listed(names)}"] if names else []


def _absent(predictor: Predictor, sent: set[str]) -> list[str]:
    """Say which fields that the model reads no row had."""
    schema = predictor.bundle.schema
    read = [*predictor.scorer.parser.fields, *(["time"] if "time" in schema.roles else [])]
    absent = [schema.input_name(name) for name in read]
    absent = [name for name, own in zip(absent, read, strict=True) if not {name, own} & sent]
    if not absent:
        return []
    return [f"absent, and taken as missing (a time as now): {_listed(absent)}"]


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MOST_TOLD
    some = ", ".join(names[:_MOST_TOLD])
    return f"{some} and {more:,} more" if more > 0 else some
