"""What a sender is told of names that mean nothing to the model."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickthrough.errors import RequestError
from clickthrough.features.rows import RawRow, RowParser
from clickthrough.features.unknown import nothing_known, told_of
from clickthrough.schema import Schema

SCHEMA = Schema.model_validate(
    {
        "roles": {"request_id": "session_id:token", "time": "timestamp:float",
                  "user": "user_id:token", "item": "item_id:token", "label": "clicked"},
        "fields": {"request_id": "str", "user": "str", "item": "str", "price": "float"},
    }
)  # fmt: skip
PARSER = RowParser(SCHEMA, ["user", "item", "price"])
APART: RawRow = {"session_id:token": "a", "time": 1, "label": 1, "clicked": 0, "type": "view"}


@given(st.lists(st.text(st.characters(exclude_categories=()), max_size=300), unique=True))
def test_names_are_told_cut_and_can_be_sent_back(names: list[str]) -> None:
    told = told_of(names)
    assert len(told) <= len(names)
    assert all(len(name.encode()) <= 256 for name in told)
    whole = [n for n in names if len(n.encode(errors="replace")) <= 256]
    assert {name.encode(errors="replace").decode() for name in whole} <= set(told)


def test_a_hundred_names_are_told_and_how_many_more_there_are() -> None:
    names = [f"n{number}" for number in range(1_334)]
    assert told_of(names[:100]) == names[:100]
    assert told_of(names) == [*names[:100], "… and 1,234 more"]
    assert told_of(names[:101])[-1] == "… and 1 more"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("x" * 256, "x" * 256),
        ("x" * 257, "x" * 253 + "…"),
        ("ø" * 128, "ø" * 128),
        ("ø" * 129, "ø" * 126 + "…"),
        ("y" * 10**6, "y" * 253 + "…"),
        ("\ud800", "?"),
    ],
    ids=range(6),
)
def test_a_long_name_is_cut_to_256_bytes(name: str, told: str) -> None:
    assert told_of([name]) == [told]


def test_a_name_that_is_no_text_is_told_as_it_is_shown() -> None:
    odd: Any = [(1, 2), 7, None]
    assert told_of(odd) == ["[1, 2]", "7", "None"]


@pytest.mark.parametrize("context", [{}, APART])
@pytest.mark.parametrize("rows", [1, 3])
def test_a_body_none_of_whose_fields_is_known_is_told_so(context: RawRow, rows: int) -> None:
    row = {**context, "item_id": "i1"}
    expected = (
        "^none of the fields sent is known to the model: 'item_id'; did you mean "
        "'item_id:token'[?] It reads 'user_id:token', 'item_id:token', 'price'$"
    )
    with pytest.raises(RequestError, match=expected):
        PARSER.parse([{}, *[row] * rows], 0)
    with pytest.raises(RequestError, match=expected):
        PARSER.parse_request(context, [{"item_id": "i1"}] * rows, "r", 0)
    with pytest.raises(RequestError, match=expected):
        PARSER.parse_request(row, [{}] * rows, "r", 0)


def test_one_field_that_is_known_will_do() -> None:
    rows = PARSER.parse([{"item_id": 1}, {"user": "u"}], 0)
    assert rows.ignored == [["item_id"]]
    assert PARSER.parse_request({"user": "u"}, [{"item_id": "i"}], "r", 0).ignored == [["item_id"]]
    assert PARSER.parse_request({"colour": 1}, [{"price": 1}] * 2, "r", 0).ignored == [["colour"]]


def test_candidates_that_would_all_be_tied_are_refused() -> None:
    with pytest.raises(RequestError, match=r"none of the candidates' fields .* would be tied: 'it"):
        PARSER.parse_request({"user": "u"}, [{"item_id": "i"}, {"item_id": "j"}], "r", 0)


@pytest.mark.parametrize("row", [{}, APART])
def test_rows_that_say_nothing_are_read(row: RawRow) -> None:
    assert len(PARSER.parse([row, {}], 0).row_of) == 2
    for context in ({}, APART, {"user": "u"}):
        assert len(PARSER.parse_request(context, [row, row], "r", 0)) == 2


def test_each_caller_is_judged_alone() -> None:
    with pytest.raises(RequestError, match="none of the fields sent is known"):
        PARSER.parse_each([[{"price": 1}], [{"colour": 1}]], 0)
    assert PARSER.parse_each([[{"price": 1}], [{}]], 0).ignored == [[], []]


def test_what_is_said_is_short_and_hints_at_names_alike() -> None:
    names = [letter * 100_000 for letter in "abcdefgh"]
    text = nothing_known("none", names, [f"field_{i}" for i in range(1_000)])
    assert len(text) < 1_000
    assert "… and 3 more" in text
    assert "did you mean" not in text
    near = nothing_known("none", ["usr", "item:x", "", ":token"], ["user", "item:token"])
    assert "did you mean 'user' or 'item:token'?" in near
