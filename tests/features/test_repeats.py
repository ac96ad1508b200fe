"""Repeats of a candidate are one impression, online as in training."""

from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickthrough.data.order import Repairs, _united
from clickthrough.errors import RequestError
from clickthrough.features.rows import RowParser
from clickthrough.schema import Schema

FIELDS = {"request_id": "str", "item": "int", "price": "float"}
ROLES = {"request_id": "r", "time": "t", "item": "ad"}
SCHEMA = Schema.model_validate({"roles": ROLES, "fields": FIELDS})
PARSER = RowParser(SCHEMA, ["item", "price"])
ROWS = st.lists(
    st.fixed_dictionaries(
        {"r": st.sampled_from(["a", "b", "c"]), "price": st.integers(0, 9)},
        optional={"ad": st.sampled_from([1, "1", 1.0, 2, 3, None])},
    ),
    max_size=12,
)


def whole(parsed: Any, name: str) -> list[Any]:  # noqa: ANN401
    values = list(parsed.values[name])
    return values if len(values) == len(parsed) else values * len(parsed)


@given(ROWS)
def test_rows_are_united_as_training_unites_them(rows: list[dict[str, Any]]) -> None:
    parsed = PARSER.parse(rows, 0)
    items = [None if row.get("ad") is None else int(row["ad"]) for row in rows]
    frame = pl.DataFrame(
        {
            "request_id": pl.Series([row["r"] for row in rows], dtype=pl.String),
            "item": pl.Series(items, dtype=pl.Int64),
            "price": pl.Series([float(row["price"]) for row in rows], dtype=pl.Float64),
            "label": pl.Series([0] * len(rows), dtype=pl.Int8),
        }
    )
    trained = _united(frame, Repairs())
    bounds = parsed.offsets.tolist()
    found = {
        parsed.request_ids[start]: list(
            zip(whole(parsed, "item")[start:end], whole(parsed, "price")[start:end], strict=True)
        )
        for start, end in pairwise(bounds)
    }
    expected = {
        str(name): list(zip(part["item"], part["price"], strict=True))
        for (name,), part in trained.group_by("request_id", maintain_order=True)
    }
    assert found == expected
    assert len(parsed.row_of) == len(rows)
    for place, row in enumerate(parsed.row_of):
        assert whole(parsed, "item")[row] == items[place]
        assert parsed.request_ids[row] == rows[place]["r"]


@given(ROWS.filter(len))
def test_candidates_are_united_as_rows_of_a_request_are(rows: list[dict[str, Any]]) -> None:
    ranked = PARSER.parse_request({"ad": 2, "t": 5}, rows, "x", 0)
    same = PARSER.parse([{"ad": 2, "t": 5} | row | {"r": "x"} for row in rows], 0)
    assert list(ranked.row_of) == list(same.row_of)
    assert ranked.offsets.tolist() == same.offsets.tolist()
    assert ranked.request_ids == same.request_ids
    assert [whole(ranked, name) for name in FIELDS if name in ranked.values] == [
        whole(same, name) for name in FIELDS if name in same.values
    ]


def test_rows_that_name_no_request_or_no_item_are_never_united() -> None:
    assert len(PARSER.parse([{"ad": 1}] * 3, 0)) == 3
    assert len(PARSER.parse([{"r": "a"}] * 3, 0)) == 3
    assert len(PARSER.parse_request({}, [{}] * 3, "a", 0)) == 3
    assert len(PARSER.parse_each([[{"r": "a", "ad": 1}]] * 3, 0)) == 3


@pytest.mark.parametrize("roles", [{}, {"request_id": "r"}])
def test_without_the_role_of_an_item_nothing_is_united(roles: dict[str, str]) -> None:
    parser = RowParser(Schema.model_validate({"roles": roles, "fields": FIELDS}), ["item"])
    assert len(parser.parse([{"request_id": "a", "item": 1}] * 3, 0)) == 3


def test_an_item_that_the_context_names_is_that_of_all_candidates() -> None:
    rows = PARSER.parse_request({"ad": 7}, [{"price": 1}, {"price": 2}, {"ad": 8}], "a", 0)
    assert list(rows.row_of) == [0, 0, 1]
    assert list(rows.values["price"]) == [1.0, None]
    alike = PARSER.parse_request({"ad": 7}, [{"price": 1}, {"price": 2}], "a", 0)
    assert (list(alike.row_of), list(alike.values["price"])) == ([0, 0], [1.0])


def test_the_moment_of_a_request_is_the_earliest_of_all_its_rows() -> None:
    rows = PARSER.parse(
        [{"r": "b", "ad": 1, "t": 9}, {"r": "a", "ad": 1, "t": 3}, {"r": "a", "ad": 1, "t": 2},
         {"r": "b", "ad": 2, "t": 8}, {"r": "a", "ad": 2, "t": 4}], 0,
    )  # fmt: skip
    assert rows.time.tolist() == [8_000_000, 8_000_000, 2_000_000, 2_000_000]
    assert list(rows.row_of) == [0, 2, 2, 1, 3]
    assert rows.offsets.tolist() == [0, 2, 4]
    ranked = PARSER.parse_request({}, [{"ad": 1, "t": 3}, {"ad": 1, "t": 2}], "a", 0)
    assert np.array_equal(ranked.time, [2_000_000])


def test_a_wrong_value_in_a_repeat_is_named_by_its_row() -> None:
    repeats = [{"r": "a", "ad": 1}, {"r": "a", "ad": 1, "price": "dear"}]
    with pytest.raises(RequestError, match="row 1: field 'price'"):
        PARSER.parse(repeats, 0)
    with pytest.raises(RequestError, match="candidate 1: field 'price'"):
        PARSER.parse_request({}, repeats, "a", 0)
