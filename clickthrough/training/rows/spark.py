"""Encoding on Spark: ranges of rows in, encoded Parquet out, by the one encoder in every worker.

A worker is told which rows to read, as :class:`Chunks` divides them, and reads them as this process
would: no request is divided, whatever batches Arrow makes, and no row is sent from one machine to
another before it is encoded. Workers need this package, Polars, narwhals and pyarrow; torch stays
where training is.
"""

import re
import warnings
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from clickthrough import parquet
from clickthrough.cleanup import scratch_directory
from clickthrough.errors import DataError
from clickthrough.features.engines import SparkEngine, open_engine
from clickthrough.full_disk import full_disk_told
from clickthrough.steps import counted
from clickthrough.training.rows.chunks import Chunks, divided, read_rows
from clickthrough.training.rows.encoding import Add, Encoding
from clickthrough.training.rows.flat import FlatForm

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

ENCODING = "encoding-"
"""What the names of its directories begin with."""
_OURS = re.compile(r"^clickthrough\.errors\.DataError: (.*)$", re.MULTILINE)


def encode_by_spark(chunks: Chunks, folder: Path, encoding: Encoding, add: Add) -> None:
    """Encode rows of a log on Spark, and add them to their tables in order of ``row``.

    Args:
        chunks: the rows.
        folder: where there is room; workers see it, and the log, by the same path.
        encoding: what makes tables.
        add: appends to a table.

    Raises:
        ConfigError: Spark is not installed.
        DataError: a weight is missing or negative, or the disk is full.
    """
    spans = list(chunks.spans(encoding.parts))
    form = FlatForm.of(encoding.encoder)
    for part in sorted(encoding.parts & {*chunks.parts.unique()}):
        for name in encoding.names(part):
            add(name, form.empty())  # a part without a labelled row is a table too
    if not spans:
        return
    with full_disk_told(folder, folder), scratch_directory(folder, ENCODING) as beside:
        with full_disk_told(beside, folder):  # while what fills it is there
            engine = open_engine("spark", beside)
            assert isinstance(engine, SparkEngine)  # noqa: S101
            rows = _with_parts(chunks, beside / "parts.parquet")
            _write(encoded(engine, rows, spans, encoding), beside / "encoded")
        _read(beside / "encoded", form, add)


def encoded(
    engine: SparkEngine, rows: pl.LazyFrame, spans: Sequence[slice], encoding: Encoding
) -> "DataFrame":
    """Encode rows on Spark.

    Args:
        engine: Spark.
        rows: what a worker reads of: impressions with their ``part`` and history.
        spans: ranges of whole requests, in order.
        encoding: what makes tables; Spark carries it to the workers.

    Returns:
        The columns of :class:`FlatForm`, a partition a range, in order of ``row``.
    """
    work = partial(encoded_spans, rows=rows, spans=spans, encoding=encoding)
    numbers = engine.session.range(0, len(spans), 1, len(spans))  # a partition each, in order
    with warnings.catch_warnings(action="ignore", category=FutureWarning):  # of pandas, unused here
        return numbers.mapInArrow(work, FlatForm.of(encoding.encoder).sql)


def encoded_spans(
    numbers: "Iterator[pa.RecordBatch]",
    rows: pl.LazyFrame,
    spans: Sequence[slice],
    encoding: Encoding,
) -> "Iterator[pa.RecordBatch]":
    """Read and encode the ranges that are asked for by number; in a worker."""
    form = FlatForm.of(encoding.encoder)
    for number in (number for batch in numbers for number in batch.column(0).to_pylist()):
        for chunk in divided(read_rows(rows, spans[number]), encoding.parts):
            for name, table in encoding.tables(chunk):
                yield from form.batches(name, table)


def _with_parts(chunks: Chunks, path: Path) -> pl.LazyFrame:
    """Return rows with their part, which is written for workers to read."""
    chunks.parts.alias("part").to_frame().write_parquet(path)
    return pl.concat([chunks.rows, parquet.scan(path)], how="horizontal")


def _write(rows: "DataFrame", path: Path) -> None:
    """Write Parquet, a file a partition in their order; what a worker refused is told as here."""
    from pyspark.errors import PySparkException

    try:
        rows.write.parquet(str(path))
    except PySparkException as error:
        told = _OURS.search(str(error))
        if told is None:
            raise
        raise DataError(told[1]) from None


def _read(path: Path, form: FlatForm, add: Add) -> None:
    """Add the rows of files, in order, to their tables; a file that was read is removed."""
    files = parquet.parquet_files(path)
    for file in counted(map(Path, files), len(files)):
        for name, table in form.tables(pl.read_parquet(file, glob=False)):
            add(name, table)
        file.unlink()  # no row is kept twice for long
