"""Slices cover a table once, in ascending ranges, and never divide equal values."""

import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickthrough import dealt
from clickthrough.data import slices
from clickthrough.data.slices import bounds, in_slices

VALUES = st.lists(st.integers(-5, 40) | st.integers(-(2**63), 2**63 - 1), max_size=60)


def sliced(table: pl.DataFrame, most: int) -> list[pl.DataFrame]:
    with tempfile.TemporaryDirectory() as scratch:
        parts = list(in_slices(table.lazy(), "x", Path(scratch), most))
        assert not list(Path(scratch).iterdir())
    return parts


@given(VALUES, st.integers(1, 70))
def test_slices_cover_every_row_once_in_ascending_ranges(values: list[int], most: int) -> None:
    table = pl.DataFrame({"x": pl.Series(values, dtype=pl.Int64), "row": range(len(values))})
    parts = sliced(table, most)
    assert pl.concat(parts).sort("row").equals(table)
    filled = [part for part in parts if part.height]
    for one, next_one in pairwise(filled):
        assert one["x"].max() < next_one["x"].min()  # type: ignore[operator]
    assert len(filled) == len(parts) or not values


@pytest.mark.parametrize("files", [2, 3, 64])
def test_a_table_in_no_order_is_dealt_out_to_few_files(files: int) -> None:
    values = np.random.default_rng(5).integers(0, 300, 2_000)
    table = pl.DataFrame({"x": values, "row": np.arange(2_000), "kept": ["a", "b"] * 1_000})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dealt, "MOST_FILES", files)
        parts = sliced(table, 50)
    assert pl.concat(parts).sort("row").equals(table)
    assert len(parts) > 20
    for one, next_one in pairwise(parts):
        assert one["x"].max() < next_one["x"].min()  # type: ignore[operator]


@given(VALUES, st.integers(1, 70))
def test_a_slice_is_about_as_long_as_asked_where_values_differ(
    values: list[int], most: int
) -> None:
    distinct = list(dict.fromkeys(values))
    parts = sliced(pl.DataFrame({"x": pl.Series(distinct, dtype=pl.Int64)}), most)
    assert max(part.height for part in parts) <= most


@given(VALUES, st.integers(1, 20), st.integers(1, 20))
def test_a_sample_of_a_longer_table_bounds_slices_of_it_as_well(
    values: list[int], most: int, sample: int
) -> None:
    table = pl.LazyFrame({"x": pl.Series(values, dtype=pl.Int64)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slices, "_SAMPLE", sample)
        inner = bounds(table, "x", most)
        parts = sliced(table.collect(), most)
    assert inner == sorted(set(inner))
    assert set(inner) <= set(values)
    assert sorted(pl.concat(parts)["x"].to_list()) == sorted(values)
    for one, next_one in pairwise([part for part in parts if part.height]):
        assert one["x"].max() < next_one["x"].min()  # type: ignore[operator]


def test_one_value_in_all_rows_is_one_slice() -> None:
    parts = sliced(pl.DataFrame({"x": [7] * 30}), 3)
    assert [part.height for part in parts] == [30]
