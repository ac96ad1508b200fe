"""Rows turned into columns, whether their form is remembered or not."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from clickthrough.features.gather import Names

KNOWN = {"ad": "item", "item": "item", "price": "price", "city": "city"}
ROWS = st.lists(
    st.dictionaries(st.sampled_from([*KNOWN, "label", "colour", ""]), st.integers(0, 9)),
    min_size=1,
    max_size=4,
)


def naive(rows: list[dict[str, int]]) -> dict[str, list[int | None]]:
    """Return the columns of rows, each row by itself."""
    # the owner's names last: they hold
    named = [
        {KNOWN[name]: row[name] for name in ("item", "price", "city", "ad") if name in row}
        for row in rows
    ]
    every = dict.fromkeys(name for row in named for name in row)
    return {name: [row.get(name) for row in named] for name in every}


def gathered(names: Names, rows: list[dict[str, int]]) -> tuple[dict[str, list[Any]], list[str]]:
    columns, ignored = names.gather(rows)
    return {name: list(values) for name, values in columns.items()}, ignored


@given(st.lists(ROWS, max_size=4), ROWS)
def test_what_came_before_changes_nothing(
    before: list[list[dict[str, int]]], rows: list[dict[str, int]]
) -> None:
    names = Names(KNOWN, ["label", None])
    for others in before:
        names.gather(others)
    found, ignored = gathered(names, rows)
    assert found == naive(rows)
    assert all(names.renamed(row) == {n: v for n, (v,) in naive([row]).items()} for row in rows)
    assert set(ignored) == {name for row in rows for name in row} - {*KNOWN, "label"}


def test_rows_of_one_form_are_taken_apart_at_once_and_others_are_not() -> None:
    names = Names(KNOWN, ["label"])
    rows = [{"ad": 1, "price": 2, "label": 0}, {"price": 3, "ad": 4, "label": 1}]
    expected = {"item": [1, 4], "price": [2, 3]}
    for _ in range(2):
        assert gathered(names, rows) == (expected, [])
    assert list(names._forms) == [("ad", "price", "label")]
    assert gathered(names, [rows[0], {"ad": 5, "city": 6, "label": 7}])[0]["city"] == [None, 6]
    assert gathered(names, [rows[0], {"ad": 5}])[0]["price"] == [2, None]


def test_neither_many_forms_nor_unknown_names_are_remembered() -> None:
    names = Names({f"n{i}": f"f{i}" for i in range(200)}, [])
    for number in range(150):
        names.gather([{"n0": 1, f"n{number + 1}": 2}])
        names.gather([{"n0": 1, "n1": 2, f"unknown {number}": 3}])
    assert len(names._forms) == 64
    assert not any("unknown" in name for form in names._forms for name in form)
