"""The first read: from a reader's raw frame to a checked dataset in the cache."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import polars as pl

from clickthrough.data.checks import check, count_duplicates
from clickthrough.data.dataset import ABOUT, HISTORY, IMPRESSIONS, About, Dataset, load_dataset
from clickthrough.data.raw import RawLog
from clickthrough.errors import DataError

_FORMAT = 2
"""Raised when the layout of the cache changes, so that old conversions are not reused."""


def convert(
    cache: Path, settings: str, files: Iterable[Path], read: Callable[[], RawLog]
) -> Dataset:
    """Return the dataset of some files, converting them unless the cache has them.

    Args:
        cache: the cache directory.
        settings: every setting that changes the outcome, as text.
        files: the files that are read; the cache is keyed by their names, sizes and times.
        read: opens the log, called only on a first read.

    Raises:
        DataError: a file is missing, or the log fails a check.
    """
    target = cache / fingerprint(settings, files)
    if target.exists():
        return load_dataset(target)
    cache.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix="converting-", dir=cache))
    try:
        _write(read(), beside)
        beside.replace(target)
    except OSError as error:
        if not target.exists():  # else another process converted the same log meanwhile
            raise DataError(f"{target}: cannot be written: {error}") from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return load_dataset(target)


def fingerprint(settings: str, files: Iterable[Path]) -> str:
    """Name a conversion by what it depends on."""
    stats = []
    for path in files:
        if not path.is_file():
            raise DataError(f"{path}: no such file")
        stat = path.stat()
        stats.append([str(path.resolve()), stat.st_size, stat.st_mtime_ns])
    text = json.dumps([_FORMAT, settings, stats])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _write(raw: RawLog, folder: Path) -> None:
    path = folder / IMPRESSIONS
    try:
        _sorted(raw).sink_parquet(path)
        if raw.history is not None:
            raw.history.sort("user", "time").sink_parquet(folder / HISTORY)
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{raw.name}: cannot be read: {error}") from None
    raw = replace(raw, notes=(*raw.notes, *_unite_duplicates(path, raw)))
    report = check(pl.scan_parquet(path), raw)
    about = About(log_schema=raw.schema, report=report, divided=raw.divided)
    (folder / ABOUT).write_text(about.model_dump_json(indent=2))


def _unite_duplicates(path: Path, raw: RawLog) -> list[str]:
    """Make one row of impressions that repeat an item within their request; say how many.

    A request and item name an impression, online as here; the first row stands, clicked if any is.
    """
    extra = count_duplicates(pl.scan_parquet(path), raw)
    if not extra:
        return []
    pair = ["request_id", "item"]
    label, alone = pl.col("label"), pl.col("item").is_null()
    clicked = pl.when(alone).then(label).otherwise(label.max().over(pair))
    rows = pl.scan_parquet(path).with_columns(clicked)
    first = alone | pl.struct(pair).is_first_distinct()
    united = rows.filter(first).drop("row").with_row_index("row").cast({"row": pl.Int64})
    beside = path.with_suffix(".united")
    united.sink_parquet(beside)
    beside.replace(path)
    return [f"{extra} impressions that repeat an item of their request were united with it"]


def _sorted(raw: RawLog) -> pl.LazyFrame:
    """Sort by time, a request's rows side by side in the order of the file."""
    rows = raw.impressions.with_row_index("row")
    if "request_id" in raw.schema.roles:
        # a request is one moment: the earliest that any of its rows names
        earliest = pl.col("time").min().over("request_id")
        rows = rows.with_columns(pl.when(pl.col("time").is_not_null()).then(earliest))
    else:
        rows = rows.with_columns(pl.col("row").cast(pl.Int64).alias("request_id"))
    ordered = rows.sort("time", "request_id", "row").drop("row")
    return ordered.with_row_index("row").cast({"row": pl.Int64})
