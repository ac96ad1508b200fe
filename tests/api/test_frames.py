"""A frame means the same, whatever library holds it, and is answered in that library."""

from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from clickthrough.api.frames import read_frame
from clickthrough.errors import DataError

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "whole": st.integers(-(2**53), 2**53),
    "number": st.floats(allow_nan=False, allow_infinity=False),
    "text": st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    "truth": st.booleans(),
    "moment": st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1)),
    "texts": st.lists(st.text("ab", max_size=2), min_size=1, max_size=3),
}
TYPES: dict[str, pl.DataType | type[pl.DataType]] = {
    "whole": pl.Int64,
    "number": pl.Float64,
    "text": pl.String,
    "truth": pl.Boolean,
    "moment": pl.Datetime("us"),
    "texts": pl.List(pl.String),
}


@st.composite
def frames(draw: st.DrawFn) -> pl.DataFrame:
    rows = draw(st.integers(1, 6))
    columns = {
        name: draw(st.lists(st.none() | some, min_size=rows, max_size=rows))
        for name, some in VALUES.items()
    }
    for name, values in columns.items():  # of one without any value, no library knows the type
        if all(value is None for value in values):
            values[0] = draw(VALUES[name])
    return pl.DataFrame(columns, schema=TYPES)


@given(frames())
def test_pandas_and_arrow_hold_what_polars_holds(frame: pl.DataFrame) -> None:
    assert_frame_equal(read_frame(frame).rows, frame)
    assert_frame_equal(read_frame(frame.lazy()).rows, frame)
    assert_frame_equal(read_frame(frame.to_arrow()).rows, frame)
    objects = pd.DataFrame(
        {name: pd.Series(frame[name].to_list(), dtype=object) for name in VALUES}
    )
    assert_frame_equal(read_frame(objects).rows, frame)
    typed = objects.astype({"whole": "Int64", "truth": "boolean", "moment": "datetime64[us]",
                            "number": "float64", "text": "str"})  # fmt: skip
    assert_frame_equal(read_frame(typed).rows, frame)


def test_types_of_pandas() -> None:
    moments = pd.to_datetime(pd.Series(["2024-01-01", None])).array
    frame = pd.DataFrame(
        {
            "kind": pd.Categorical(["u", None]),
            "zoned": pd.Series(moments).dt.tz_localize("Europe/Berlin"),
            "half": np.array([0.5, np.nan], np.float16),
            "small": np.array([1, 2], np.uint8),
            "day": [date(2024, 1, 1), None],
            "array": [np.array([1, 2]), None],
            7: [1, 2],
        }
    )
    rows = read_frame(frame).rows
    assert rows.columns == ["kind", "zoned", "half", "small", "day", "array", "7"]
    assert rows["kind"].to_list() == ["u", None]
    assert rows["zoned"].dt.epoch("us").to_list() == [1_704_063_600_000_000, None]
    assert rows["half"].to_list() == [0.5, None]
    assert rows["day"].to_list() == [date(2024, 1, 1), None]
    assert rows["array"].to_list() == [[1, 2], None]


def test_answers_have_the_index_and_the_library() -> None:
    values = np.array([0.25, 0.5])
    indexed = read_frame(pd.DataFrame({"a": [1, 2]}, index=["x", "y"]))
    found = indexed.column("p", values)
    assert isinstance(found, pd.Series)
    assert found.to_dict() == {"x": 0.25, "y": 0.5}
    assert list(indexed.table({"b": [1, 2]}, aligned=True).index) == ["x", "y"]
    assert isinstance(indexed.table({"b": [1]}), pd.DataFrame)
    assert isinstance(read_frame(pl.DataFrame({"a": [1]})).column("p", values), pl.Series)
    arrow = read_frame(pa.table({"a": [1, 2]}))
    assert isinstance(arrow.table({"b": [1]}), pa.Table)
    assert arrow.column("p", values).to_pylist() == [0.25, 0.5]


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        (pd.DataFrame({"a": [1, "x"]}), "column 'a' holds values of int and str"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "has several columns 'a'"),
        ([{"a": 1}], "expected a frame of pandas, Polars or Arrow, or the path of a log"),
        (None, "found NoneType"),
    ],
)
def test_what_is_no_frame_is_refused(frame: object, why: str) -> None:
    with pytest.raises(DataError, match=why):
        read_frame(frame, "what I gave")
