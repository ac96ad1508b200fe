"""Rows of several files are read as if they were one."""

from pathlib import Path

import polars as pl
import pytest

from clickthrough.features.history.files import ParquetRows


@pytest.fixture
def rows(tmp_path: Path) -> ParquetRows:
    for place, (start, end) in enumerate([(0, 4), (4, 4), (4, 5), (5, 12)]):
        frame = pl.DataFrame({"a": range(start, end), "b": [1] * (end - start)})
        frame.with_columns(pl.col("a", "b").cast(pl.Int64)).write_parquet(
            tmp_path / f"{place}.parquet"
        )
    return ParquetRows(tmp_path)


def test_any_range_is_read(rows: ParquetRows) -> None:
    assert len(rows) == 12
    for start in range(12):
        for end in range(start + 1, 13):
            found = rows.read(slice(start, end), ["a"])
            assert found["a"].to_list() == list(range(start, end))


def test_ranges_cover_all_rows_once(rows: ParquetRows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clickthrough.features.history.files.CHUNK", 5)
    assert [*rows.spans()] == [slice(0, 5), slice(5, 10), slice(10, 12)]
