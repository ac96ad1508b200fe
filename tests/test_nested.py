"""Paths of nested objects: whatever a row is, they take no more than it allows."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickthrough.nested import NestingError, flat

NAMES = st.integers(0, 400).map(lambda size: "n" * size) | st.text(max_size=3)
ROWS = st.recursive(
    st.dictionaries(NAMES, st.none(), max_size=30),
    lambda inner: st.dictionaries(NAMES, st.none() | inner, max_size=30),
    max_leaves=20,
)


@given(row=ROWS)
def test_paths_are_bounded_by_what_the_row_says(row: dict[str, Any]) -> None:
    size = len(json.dumps(row, ensure_ascii=False))
    try:
        found = flat(row)
    except NestingError as error:
        assert len(str(error)) < 300
    else:
        assert sum(map(len, found)) <= 4_096 + 17 * size


@given(row=ROWS)
def test_the_order_of_a_row_changes_nothing(row: dict[str, Any]) -> None:
    assert said(row) == said(turned(row))


def said(row: dict[str, Any]) -> set[str] | None:
    try:
        return {*flat(row)}
    except NestingError:
        return None


def turned(row: dict[str, Any]) -> dict[str, Any]:
    return {n: turned(v) if isinstance(v, dict) else v for n, v in reversed(row.items())}


def test_many_names_below_a_long_one_are_read() -> None:
    row: dict[str, object] = {
        "features_of_the_user": {f"feature_{place}": 1 for place in range(9_000)}
    }
    assert len(flat(row)) == 9_000


@pytest.mark.parametrize(
    "row",
    [
        {"k" * 9_000: {str(place): 1 for place in range(1_000)}},
        {"k" * 9_000: {str(place): {"x": 1} for place in range(1_000)}},
        {"a": {"k" * 4_000: {"b": {str(place): 1 for place in range(99)}}}},
    ],
)
def test_small_rows_of_long_paths_are_refused(row: dict[str, object]) -> None:
    with pytest.raises(NestingError, match="the paths of what it holds would have"):
        flat(row)
    with pytest.raises(NestingError, match="the paths of what it holds would have"):
        flat({"a": 1} | row | {"b": 2})
