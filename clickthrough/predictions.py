"""Files of predictions: written a chunk at a time, and there only when they are whole."""

import csv
import gzip
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO, cast

from clickthrough.cleanup import scratch_beside
from clickthrough.errors import DataError, install_hint
from clickthrough.full_disk import full_disk_told

PREDICTED = ("request_id", "item", "probability", "logit")
OWN = ("row", *PREDICTED)
"""Names of a file of predictions; a caller's column of such a name is not kept."""
Written = dict[str, Sequence[object]]
"""Rows of the file, a column each: what the caller kept, after ``row``, and :data:`PREDICTED`."""
Write = Callable[[Written], None]

_STANDARD_OUTPUT = Path("-")
_SUFFIXES = (".csv", ".jsonl", ".parquet")


@contextmanager
def writing(out: Path) -> Iterator[Write]:
    """Yield what writes rows to a file, or to the standard output as CSV.

    Args:
        out: ``.csv``, ``.jsonl`` (both also with ``.gz``), ``.parquet``, or ``-``.

    Raises:
        DataError: its name has none of these endings.
    """
    if out == _STANDARD_OUTPUT:
        yield _csv_writer(sys.stdout)
        return
    inner = Path(out.stem if out.suffix == ".gz" else out.name).suffix
    if inner not in _SUFFIXES or out.name.endswith(".parquet.gz"):
        raise DataError(
            f"{out}: expected - or a name that ends in .csv, .jsonl, .csv.gz, .jsonl.gz or .parquet"
        )
    with scratch_beside(out) as folder:
        beside = folder / out.name
        if inner == ".parquet":
            with _parquet(beside, folder, out) as write:
                yield write
        else:
            with _text(beside) as file:
                yield _csv_writer(file) if inner == ".csv" else _json_writer(file)
        beside.replace(out)


@contextmanager
def _text(path: Path) -> Iterator[TextIO]:
    if path.suffix == ".gz":
        with gzip.open(path, "wt", encoding="utf-8", newline="") as packed:
            yield cast(TextIO, packed)
    else:
        with path.open("w", encoding="utf-8", newline="") as file:
            yield file


def _csv_writer(file: TextIO) -> Write:
    writer, names = csv.writer(file), list[str]()

    def write(columns: Written) -> None:
        if not names:
            names.extend(columns)
            writer.writerow(names)
        writer.writerows(zip(*(_cells(columns[name]) for name in names), strict=True))

    return write


def _cells(values: Sequence[object]) -> Sequence[object]:
    if not {list, dict} & set(map(type, values)):
        return values
    return [json.dumps(v, default=str) if isinstance(v, list | dict) else v for v in values]


def _json_writer(file: TextIO) -> Write:
    def write(columns: Written) -> None:
        names = list(columns)
        for row in zip(*columns.values(), strict=True):
            file.write(json.dumps(dict(zip(names, row, strict=True)), default=str) + "\n")

    return write


@contextmanager
def _parquet(path: Path, folder: Path, out: Path) -> Iterator[Write]:
    """Write each chunk beside, and all of them as one in the end."""
    try:
        import polars as pl
    except ModuleNotFoundError:
        raise DataError(f"{path.name}: Parquet needs polars: {install_hint('train')}") from None
    parts: list[Path] = []

    def write(columns: Written) -> None:
        parts.append(folder / f"{len(parts)}.parquet")
        # strict would refuse a column of JSON lines that holds whole numbers and others
        made = pl.DataFrame(columns, strict=False)
        with full_disk_told(folder, out):
            made.write_parquet(parts[-1])

    yield write
    frames = [pl.scan_parquet(part, glob=False) for part in parts]
    with full_disk_told(folder, out):
        pl.concat(frames, how="diagonal_relaxed").sink_parquet(path)
