"""Scoring a file of impressions with the predictor."""

import csv
import json
import tempfile
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from clickthrough.config.data import ListFormat, TabularData
from clickthrough.errors import DataError, RequestError
from clickthrough.features.shown import shown
from clickthrough.features.values import is_missing
from clickthrough.serving.predictor import Prediction, Predictor

_CHUNK = 5_000
_COLUMNS = ("request_id", "item", "probability", "logit")


def predict_file(predictor: Predictor, source: Path, out: Path) -> int:
    """Score every impression of a file.

    Args:
        predictor: what scores.
        source: ``.csv``, ``.jsonl`` or ``.parquet``, raw fields of one impression a row, the
            rows of a request one after another.
        out: ``.csv`` or ``.jsonl``: request, item, probability and logit in the same order. It
            appears when it is whole.

    Returns:
        The number of impressions.

    Raises:
        DataError: a file cannot be read or written, or a row is malformed.
    """
    if out.suffix not in (".csv", ".jsonl"):
        raise DataError(f"{out}: expected a name that ends in .csv or .jsonl")
    names = ("request_id", predictor.bundle.schema.input_name("request_id"))
    data = predictor.bundle.config.data
    lists = data.lists if isinstance(data, TabularData) else {}
    count = 0
    try:
        with tempfile.TemporaryDirectory(dir=out.parent) as folder:
            beside = Path(folder) / out.name
            with beside.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                if out.suffix == ".csv":
                    writer.writerow(_COLUMNS)
                for rows in _chunks(_rows(source, lists), names):
                    for prediction in _score(predictor, rows, source, count):
                        _write(prediction, writer if out.suffix == ".csv" else file)
                    count += len(rows)
            beside.replace(out)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{source} -> {out}: {error}") from None
    return count


def _score(
    predictor: Predictor, rows: list[dict[str, Any]], source: Path, before: int
) -> list[Prediction]:
    try:
        return predictor.predict(rows).predictions
    except RequestError as error:
        raise DataError(f"{source}: after {before} rows: {error}") from None


def _write(prediction: Prediction, to: Any) -> None:  # noqa: ANN401
    values = [getattr(prediction, name) for name in _COLUMNS]
    if hasattr(to, "writerow"):
        to.writerow(values)
    else:
        to.write(json.dumps(dict(zip(_COLUMNS, values, strict=True))) + "\n")


def _chunks(
    rows: Iterator[dict[str, Any]], names: tuple[str, str]
) -> Iterator[list[dict[str, Any]]]:
    """Gather rows into chunks that never divide a request."""
    chunk: list[dict[str, Any]] = []
    keyed = ((_request_of(row, names), row) for row in rows)
    for request, group in groupby(enumerate(keyed), lambda e: e[0] if e[1][0] is None else e[1][0]):
        del request
        if len(chunk) >= _CHUNK:
            yield chunk
            chunk = []
        chunk.extend(row for _, (_, row) in group)
    if chunk:
        yield chunk


def _request_of(row: dict[str, Any], names: tuple[str, str]) -> str | None:
    """Return the request that a row names, as it will be read; None where it names none."""
    value = next((row[name] for name in reversed(row) if name in names), None)
    return None if is_missing(value) or value == "" else str(value)


def _rows(source: Path, lists: Mapping[str, ListFormat]) -> Iterator[dict[str, Any]]:
    if source.suffix == ".csv":
        with source.open(encoding="utf-8", newline="") as file:
            yield from (_divided(row, lists) for row in csv.DictReader(file))
    elif source.suffix in (".jsonl", ".ndjson"):
        yield from _json_lines(source)
    elif source.suffix == ".parquet":
        yield from _parquet(source)
    else:
        raise DataError(f"{source}: expected a name that ends in .csv, .jsonl or .parquet")


def _divided(row: dict[str, Any], lists: Mapping[str, ListFormat]) -> dict[str, Any]:
    """Divide the texts that hold several values, as the reader of the log does."""
    for name, form in lists.items():
        if row.get(name):
            row[name] = row[name].split(form.separator)
        elif name in row:
            row[name] = None
    return row


def _json_lines(source: Path) -> Iterator[dict[str, Any]]:
    with source.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise DataError(f"{source}: line {number}: not JSON: {error}") from None
            if not isinstance(row, dict):
                raise DataError(f"{source}: line {number}: expected an object, found {shown(row)}")
            yield row


def _parquet(source: Path) -> Iterator[dict[str, Any]]:
    try:
        import polars as pl
    except ModuleNotFoundError:
        raise DataError(f"{source}: Parquet needs pip install 'clickthrough[train]'") from None
    try:
        frame = pl.read_parquet(source)
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{source}: not readable as Parquet: {error}") from None
    for row in frame.iter_rows(named=True):
        yield {k: v.isoformat() if isinstance(v, datetime) else v for k, v in row.items()}
