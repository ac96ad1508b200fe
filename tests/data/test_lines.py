"""JSON lines become a table: each column of one type, whatever comes when."""

import io
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from clickthrough import json_lines
from clickthrough.data import lines
from clickthrough.data.kinds import why_unfit
from clickthrough.data.lines import lines_to_parquet, notes_of, table_of_lines
from clickthrough.errors import DataError

NAN, INF = float("nan"), float("inf")


def table(values: list[Any]) -> tuple[pl.DataFrame, dict[str, str]]:
    """Return the table of a column ``x``; a value that is ``...`` is a key that the line lacks."""
    rows = [{"at": 1} | ({} if value is ... else {"x": value}) for value in values]
    return table_of_lines(io.BytesIO(written(rows)), "log.jsonl")


def written(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


TYPES: list[tuple[list[Any], pl.DataType, list[Any]]] = [
    ([7, 8], pl.Int64(), [7, 8]),
    (["7", "8"], pl.String(), ["7", "8"]),
    ([True, None, False], pl.Boolean(), [True, None, False]),
    ([..., None, 2], pl.Int64(), [None, None, 2]),
    ([1, 2.5, 2**53 + 1], pl.Float64(), [1.0, 2.5, float(2**53 + 1)]),
    ([0.1 + 0.2, 5e-324, -1e308], pl.Float64(), [0.1 + 0.2, 5e-324, -1e308]),
    ([7, "7", "x", -3], pl.String(), ["7", "7", "x", "-3"]),
    ([2**64, 3], pl.String(), [str(2**64), "3"]),
    ([2**64, 0.5], pl.Float64(), [float(2**64), 0.5]),
    ([NAN, 3], pl.Int64(), [None, 3]),
    ([NAN, "a"], pl.String(), [None, "a"]),
    ([INF, 3], pl.Float64(), [INF, 3.0]),
    ([0.5, NAN], pl.Float64(), [0.5, None]),
    ([[1, None], [], None], pl.List(pl.Int64()), [[1, None], [], None]),
    ([[1], [0.5, NAN, INF]], pl.List(pl.Float64()), [[1.0], [0.5, None, None]]),
    ([["a", 7], [8]], pl.List(pl.String()), [["a", "7"], ["8"]]),
    ([[], None], pl.List(pl.Null()), [[], None]),
    ([None, ...], pl.Null(), [None, None]),
]


@pytest.mark.parametrize("parts", [1, 10])
@pytest.mark.parametrize(("values", "dtype", "held"), TYPES)
def test_a_column_has_one_type(
    values: list[Any],
    dtype: pl.DataType,
    held: list[Any],
    parts: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(json_lines, "_ROWS", parts)
    column = table(values)[0]["x"]
    assert column.dtype == dtype
    assert column.to_list() == held


ODD: list[tuple[list[Any], str]] = [
    (["a", 0.5], "fractions and texts"),
    (["a", True], "texts and truth values"),
    ([1, True], "whole numbers and truth values"),
    ([[1], 1], "whole numbers and lists"),
    ([[{"a": 1}]], "lists of objects"),
    ([[[1]], [1]], "lists of lists"),
    ([[True]], "lists of truth values"),
    ([["a"], [0.5]], "lists of fractions and texts"),
    ([10**400], "whole numbers and numbers of hundreds of digits"),
]


@pytest.mark.parametrize("parts", [1, 10])
@pytest.mark.parametrize(("values", "says"), ODD)
def test_what_does_not_go_together_is_no_field(
    values: list[Any], says: str, parts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_lines, "_ROWS", parts)
    found = table(values)[0]
    assert why_unfit(found["x"].dtype) == says
    assert len(found) == len(values)


def test_columns_come_as_they_are_met_and_an_object_that_is_null_is_none() -> None:
    rows: list[dict[str, Any]] = [
        {"b": 1, "user": None},
        {},
        {"a": {"z": {"y": 2}}},
        {"user": {"id": 7}, "b": 2},
    ]
    found, _ = table_of_lines(io.BytesIO(written(rows)), "log.jsonl")
    assert found.columns == ["b", "a.z.y", "user.id"]
    assert found["user.id"].to_list() == [None, None, None, 7]


@pytest.mark.parametrize("parts", [1, 10])
@pytest.mark.parametrize("name", ["\0", "\0\0", "", ".", "rows", ".rows", "*", "^x.*$", "x.y"])
def test_a_key_may_be_called_as_it_likes(
    name: str, parts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_lines, "_ROWS", parts)
    rows: list[dict[str, Any]] = [{"x": 1}, {name: 2}, {"x": 0.5, name: 3}, {}]
    found, _ = table_of_lines(io.BytesIO(written(rows)), "log.jsonl")
    assert found.to_dict(as_series=False) == {"x": [1, None, 0.5, None], name: [None, 2, 3, None]}


def test_what_is_read_as_text_is_told(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"x": 7, "y": 2**70, "z": 1}, {"x": "7", "y": 1, "z": 2}]
    made = lines_to_parquet(io.BytesIO(written(rows)), "log.jsonl", tmp_path)
    assert notes_of(made) == {
        "x": "column 'x' holds whole numbers and texts: read as texts",
        "y": "column 'y' holds whole numbers and some beyond 64 bits: read as texts",
    }


def test_too_many_columns_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MOST_COLUMNS", 3)
    rows = [{"scores": {f"id{place}": 1}} for place in range(9)]
    with pytest.raises(DataError, match=r"^log\.jsonl: more than 3 columns, such as 'scores\.id3'"):
        table_of_lines(io.BytesIO(written(rows)), "log.jsonl")


@pytest.mark.parametrize("data", [b"", b"\n\n"])
def test_nothing_is_refused(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is empty"):
        lines_to_parquet(io.BytesIO(data), "log.jsonl", tmp_path)


VALUES = st.sampled_from(
    [None, ..., 1, -5, 2**62, 2**65, 0.1, 1e300, NAN, "a", "", "7", True, [], [1], [0.5], ["a"],
     [None], [{"a": 1}], {}, {"y": 1}, {"y": "b"}]
)  # fmt: skip
COLUMNS = st.lists(VALUES, min_size=9, max_size=9)


@settings(max_examples=60, deadline=None)
@given(first=COLUMNS, second=COLUMNS, third=COLUMNS)
def test_what_is_written_in_parts_is_what_is_read_at_once(
    first: list[Any], second: list[Any], third: list[Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    each = zip(first, second, third, strict=True)
    rows = [
        {name: value for name, value in zip("abc", row, strict=True) if value is not ...}
        for row in each
    ]
    rows[0]["row"] = 0
    data = written(rows)
    whole, notes = table_of_lines(io.BytesIO(data), "log.jsonl")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_lines, "_ROWS", 2)
        made = lines_to_parquet(io.BytesIO(data), "log.jsonl", tmp_path_factory.mktemp("parts"))
    assert_frame_equal(pl.read_parquet(made), whole, check_exact=True)
    assert notes_of(made) == notes
