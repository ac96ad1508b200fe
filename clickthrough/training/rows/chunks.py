"""The feature rows of a log a chunk at a time: memory does not grow with the log."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clickthrough.features.table import request_chunks, request_offsets
from clickthrough.steps import advance

CHUNK_ROWS = 200_000
SAMPLE_ROWS = 500_000
"""About how many rows of the training period scalers are fitted on."""
WIDE = 200
"""Of more columns, as many values are read at a time: fewer rows of them."""
_SAMPLE_CHUNKS = 20


@dataclass(frozen=True)
class Chunks:
    """Feature rows of a log, whole requests at a time.

    Attributes:
        rows: impressions with their history, in order of ``row``, read by ranges of rows.
        parts: the part of each row.
        offsets: where each request starts, and the end, shape (requests + 1,).
        columns: how many there are.
    """

    rows: pl.LazyFrame
    parts: pl.Series
    offsets: NDArray[np.int64]
    columns: int = 1

    @classmethod
    def of(cls, rows: pl.LazyFrame, index: pl.DataFrame) -> "Chunks":
        """Divide rows, given ``request_id`` and ``part`` of each."""
        columns = len(rows.collect_schema())
        return cls(rows, index["part"], request_offsets(index), columns)

    def __iter__(self) -> Iterator[pl.DataFrame]:
        """Yield all rows."""
        for span, _ in request_chunks(self.offsets, self._at_most(CHUNK_ROWS)):
            yield self._read(span)

    def of_parts(self, parts: Collection[int]) -> Iterator[pl.DataFrame]:
        """Yield the rows of some parts, one part of a chunk at a time."""
        for span in self.spans(parts):
            advance(span.start, len(self.parts))
            yield from divided(self._read(span), parts)

    def spans(self, parts: Collection[int]) -> Iterator[slice]:
        """Yield the ranges of rows that are read together and hold rows of some parts."""
        for span, _ in request_chunks(self.offsets, self._at_most(CHUNK_ROWS)):
            if not {*parts}.isdisjoint(self.parts[span].unique()):
                yield span

    def sample(self, part: int, most: int = SAMPLE_ROWS) -> pl.DataFrame:
        """Return the rows of a part, or about ``most`` of them in runs spread evenly over it."""
        inside, most = self.parts == part, self._at_most(most)
        if int(inside.sum()) <= most:
            return pl.concat(list(self.of_parts({part})))
        spans = [
            span
            for span, _ in request_chunks(self.offsets, most // _SAMPLE_CHUNKS)
            if inside[span].any()
        ]
        chosen = np.unique(np.linspace(0, len(spans) - 1, _SAMPLE_CHUNKS).round().astype(int))
        read = (self._read(spans[place]) for place in chosen)
        return pl.concat(chunk.filter(pl.col("part") == part) for chunk in read)

    def _at_most(self, rows: int) -> int:
        """Return how many rows hold no more values than so many of ``WIDE`` columns."""
        return max(1, min(rows, rows * WIDE // self.columns))

    def _read(self, span: slice) -> pl.DataFrame:
        return read_rows(self.rows, span).with_columns(self.parts[span].alias("part"))


def read_rows(rows: pl.LazyFrame, span: slice) -> pl.DataFrame:
    """Read a range of rows."""
    return rows.slice(span.start, span.stop - span.start).collect(engine="streaming")


def divided(rows: pl.DataFrame, parts: Collection[int]) -> Iterator[pl.DataFrame]:
    """Yield the rows of some parts, a part at a time."""
    for part in sorted({*parts} & {*rows["part"].unique()}):
        yield rows.filter(pl.col("part") == part)
