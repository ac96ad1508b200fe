from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clickthrough.config.data import TimeFormat
from clickthrough.errors import RequestError
from clickthrough.features.lists import to_array
from clickthrough.features.rows import RawRow, RowParser
from clickthrough.schema import MISSING_INT, Schema, to_microseconds

NOW = 1_700_000_000_000_000
FIELDS = {
    "request_id": "str",
    "user": "str",
    "item": "int",
    "price": "float",
    "city": "str",
    "member": "bool",
}
SCHEMA = Schema.model_validate(
    {
        "roles": {
            "request_id": "display_id",
            "time": "timestamp",
            "user": "uid",
            "item": "ad_id",
            "label": "clicked",
        },
        "fields": FIELDS,
    }
)
PARSER = RowParser(SCHEMA, ["user", "item", "price", "city", "member"])


def test_a_field_goes_by_the_name_of_the_log_or_by_ours() -> None:
    rows = PARSER.parse([{"uid": "a", "ad_id": 1}, {"user": "a", "item": 1}], NOW)
    assert rows.values["user"] == ["a", "a"]
    assert rows.values["item"] == [1, 1]


def test_what_is_not_sent_is_missing() -> None:
    rows = PARSER.parse([{}], NOW)
    assert rows.values == {name: [None] for name in ("user", "item", "price", "city", "member")}
    assert rows.request_ids == [None]
    assert rows.time.tolist() == [NOW]


def test_unknown_names_are_listed_once_and_labels_and_types_are_not_unknown() -> None:
    sent: list[RawRow] = [
        {"colour": 1, "clicked": 1, "label": 0, "type": "impression"},
        {"colour": 2, "size": 3, "city": "x"},
    ]
    rows = PARSER.parse(sent, NOW)
    assert rows.ignored == [["colour", "size"]]


def test_rows_of_a_request_are_brought_side_by_side() -> None:
    sent: list[RawRow] = [
        {"display_id": "a", "item": 0},
        {"item": 1},
        {"display_id": "b", "item": 2},
        {"display_id": "a", "item": 3},
        {"item": 4},
        {"display_id": 7, "item": 5},
        {"display_id": "7", "item": 6},
    ]
    rows = PARSER.parse(sent, NOW)
    assert list(rows.row_of) == [0, 2, 3, 1, 4, 5, 6]
    assert list(rows.values["item"]) == [0, 3, 1, 2, 4, 5, 6]
    assert rows.offsets.tolist() == [0, 2, 3, 4, 5, 7]
    assert rows.request_ids == ["a", "a", None, "b", None, "7", "7"]
    assert len(rows) == 7


@settings(deadline=None)
@given(ids=st.lists(st.sampled_from(["a", "b", "c", None]), max_size=12))
def test_every_row_comes_back_once_and_requests_are_whole(ids: list[str | None]) -> None:
    sent: list[RawRow] = [{"request_id": name, "item": i} for i, name in enumerate(ids)]
    rows = PARSER.parse(sent, NOW)
    assert [rows.values["item"][row] for row in rows.row_of] == list(range(len(ids)))
    bounds = rows.offsets.tolist()
    requests = [rows.request_ids[a:b] for a, b in pairwise(bounds)]
    named = [request[0] for request in requests if request[0] is not None]
    assert len(named) == len(set(named)) == len(set(ids) - {None})
    assert all(len(set(request)) == 1 for request in requests)
    assert all(len(request) == 1 for request in requests if request[0] is None)


def test_no_rows_are_no_requests() -> None:
    rows = PARSER.parse([], NOW)
    assert len(rows) == 0
    assert rows.offsets.tolist() == [0]
    assert rows.time.shape == (0,)


def test_a_request_is_one_moment_the_earliest_that_its_rows_name() -> None:
    sent: list[RawRow] = [
        {"request_id": "a", "time": "2023-05-24T08:00:00Z"},
        {"request_id": "b", "time": "2023-05-24T09:00:00Z"},
        {"request_id": "a", "time": "2023-05-24T07:00:00Z"},
    ]
    rows = PARSER.parse(sent, NOW)
    seven, nine = (to_microseconds(datetime(2023, 5, 24, hour)) for hour in (7, 9))
    assert rows.time.tolist() == [seven, seven, nine]


@pytest.mark.parametrize(
    "text",
    [
        "2023-05-24T07:00:00Z",
        "2023-05-24T07:00:00",
        "2023-05-24 07:00",
        "2023-05-24T09:00:00+02:00",
    ],
)
def test_a_text_is_a_moment_in_iso_8601_utc_unless_it_says_otherwise(text: str) -> None:
    expected = datetime(2023, 5, 24, 7, tzinfo=UTC).timestamp() * 1_000_000
    assert PARSER.parse([{"timestamp": text}], NOW).time.tolist() == [expected]


def test_a_number_is_seconds_since_1970_where_the_log_has_texts() -> None:
    assert PARSER.parse([{"time": 1.5}, {"time": 3}], NOW).time.tolist() == [1_500_000, 3_000_000]


@pytest.mark.parametrize(
    ("unit", "value", "microseconds"),
    [("s", 2, 2_000_000), ("ms", 2.5, 2_500), ("us", 7, 7)],
)
def test_a_number_counts_the_unit_of_the_log_from_its_origin(
    unit: str, value: float, microseconds: int
) -> None:
    origin = datetime(2016, 6, 14, 4, tzinfo=timezone(timedelta(hours=-4)))
    form = TimeFormat.model_validate({"unit": unit, "origin": origin})
    parser = RowParser(SCHEMA.model_copy(update={"time": form}), [])
    expected = to_microseconds(datetime(2016, 6, 14, 8)) + microseconds
    assert parser.parse([{"time": value}], NOW).time.tolist() == [expected]


@pytest.mark.parametrize("value", ["yesterday", "", True, [1], {}, "20240101"])
def test_a_time_that_is_no_moment_is_refused_with_row_and_field(value: object) -> None:
    with pytest.raises(RequestError, match=r"row 1: field 'timestamp': expected ISO 8601"):
        PARSER.parse([{}, {"time": value}], NOW)


GOOD: list[tuple[str, object, object]] = [
    ("item", 5, 5),
    ("item", -5, -5),
    ("item", 5.0, 5),
    ("item", "5", 5),
    ("item", " 118.0 ", 118),
    ("item", "9007199254740993", 2**53 + 1),
    ("item", "9007199254740993.0", 2**53 + 1),
    ("item", 2**63 - 1, 2**63 - 1),
    ("item", -(2**63) + 1, -(2**63) + 1),
    ("price", 2, 2.0),
    ("price", "2.5", 2.5),
    ("price", float("nan"), None),
    ("city", "Århus", "Århus"),
    ("city", 8000, "8000"),
    ("member", True, 1),
    ("member", False, 0),
    ("member", 1, 1),
    ("member", "TRUE", 1),
    ("member", "false", 0),
    ("member", "0", 0),
]
BAD: list[tuple[str, object]] = [
    ("item", 5.5),
    ("item", "5.5"),
    ("item", "five"),
    ("item", "."),
    ("item", True),
    ("item", [5]),
    ("item", 2**63),
    ("item", -(2**63)),
    ("item", 1e30),
    ("price", "cheap"),
    ("price", True),
    ("price", 10**400),
    ("price", {}),
    ("city", 1.5),
    ("city", True),
    ("city", ["Århus"]),
    ("city", "\ud800"),
    ("member", 2),
    ("member", "yes"),
    ("member", []),
    ("member", 1.0),
]


@pytest.mark.parametrize(("name", "value", "expected"), GOOD)
def test_a_value_is_read_by_the_type_of_its_field(
    name: str, value: object, expected: object
) -> None:
    (found,) = PARSER.parse([{name: value}], NOW).values[name]
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize("name", ["user", "item", "price", "city", "member"])
@pytest.mark.parametrize("value", [None, ""])
def test_null_and_the_empty_text_are_missing(name: str, value: object) -> None:
    assert PARSER.parse([{name: value}], NOW).values[name] == [None]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_value_of_the_wrong_type_is_refused_with_row_and_the_name_in_the_log(
    name: str, value: object
) -> None:
    owner = SCHEMA.input_name(name)
    with pytest.raises(RequestError, match=rf"row 2: field '{owner}': expected"):
        PARSER.parse([{}, {}, {name: value}], NOW)


def test_the_row_in_an_error_is_that_of_the_caller() -> None:
    sent: list[RawRow] = [
        {"request_id": "a"},
        {"request_id": "b"},
        {"request_id": "a", "item": "x"},
    ]
    with pytest.raises(RequestError, match="row 2:"):
        PARSER.parse(sent, NOW)


@pytest.mark.parametrize("value", [1.5, True, ["a"], {}])
def test_a_request_id_is_text_or_a_whole_number(value: object) -> None:
    with pytest.raises(RequestError, match="row 0: field 'display_id'"):
        PARSER.parse([{"request_id": value}], NOW)


@pytest.mark.parametrize("row", [None, 5, "item", [("item", 1)]])
def test_a_row_that_is_no_object_is_refused(row: Any) -> None:  # noqa: ANN401
    with pytest.raises(RequestError, match="row 1: expected an object"):
        PARSER.parse([{}, row], NOW)


def test_columns_are_arrays_of_the_types_that_the_encoder_reads() -> None:
    sent: list[RawRow] = [
        {"item": 3, "price": 1.5, "city": "Århus", "member": True, "time": 1},
        {"time": 1},
    ]
    columns = PARSER.parse(sent, NOW).columns(SCHEMA, {})
    assert columns["time"].tolist() == [1_000_000, 1_000_000]
    assert columns["item"].tolist() == [3, MISSING_INT]
    assert columns["member"].tolist() == [1, MISSING_INT]
    assert columns["city"].tolist() == ["Århus".encode(), b""]
    np.testing.assert_array_equal(columns["price"].astype(float), [1.5, np.nan])
    assert {name: values.dtype.kind for name, values in columns.items()} == {
        "time": "i",
        "user": "S",
        "item": "i",
        "price": "f",
        "city": "S",
        "member": "i",
    }


def test_large_ids_stay_exact_in_arrays() -> None:
    values = [2**63 - 1, 2**53 + 1, None]
    assert to_array(values, "int").tolist() == [2**63 - 1, 2**53 + 1, MISSING_INT]


def test_only_the_fields_that_are_asked_for_are_read() -> None:
    parser = RowParser(SCHEMA, ["item", "item"])
    rows = parser.parse([{"item": 1, "price": "no number"}], NOW)
    assert {name: list(given) for name, given in rows.values.items()} == {"item": [1]}


LISTED = Schema(roles={}, fields={"numbers": "ints", "shares": "floats", "tags": "strs"})
LISTS = RowParser(LISTED, list(LISTED.fields))

READ: list[tuple[str, object, list[int | float | str | None] | None]] = [
    ("numbers", [3, 4.0, "118", "118.0"], [3, 4, 118, 118]),
    ("numbers", (1, 2), [1, 2]),
    ("numbers", [None, "", 5], [None, None, 5]),
    ("numbers", [2**63 - 1, -(2**63) + 1], [2**63 - 1, -(2**63) + 1]),
    ("shares", [1, 0.5, "2.5"], [1.0, 0.5, 2.5]),
    ("shares", [None, float("nan"), ""], [None, None, None]),
    ("tags", ["a", "Århus", 7], ["a", "Århus", "7"]),
    ("tags", ["", None, "b"], [None, None, "b"]),
    *((name, [], []) for name in LISTED.fields),
    *((name, None, None) for name in LISTED.fields),
]


@pytest.mark.parametrize(("name", "value", "expected"), READ)
def test_a_list_is_read_entry_by_entry(
    name: str, value: object, expected: list[int | float | str | None] | None
) -> None:
    rows = LISTS.parse([{name: value}], NOW)
    assert rows.values[name] == [expected]
    kinds = [type(entry) for entry in rows.values[name][0] or []]  # type: ignore[union-attr]
    assert kinds == [type(entry) for entry in expected or []]


def test_a_list_that_is_not_sent_is_missing() -> None:
    assert LISTS.parse([{}], NOW).values == {name: [None] for name in LISTED.fields}


WRONG: list[tuple[str, object, str]] = [
    *((name, "a b", "a list of") for name in LISTED.fields),
    *((name, 5, "a list of") for name in LISTED.fields),
    *((name, {"a": 1}, "a list of") for name in LISTED.fields),
    *((name, [[1]], "a list of") for name in LISTED.fields),
    *((name, [True], "a list of") for name in LISTED.fields),
    *((name, [{}], "a list of") for name in LISTED.fields),
    ("numbers", [1, 1.5], "a list of whole numbers"),
    ("numbers", [1, "x"], "a list of whole numbers"),
    ("numbers", [2**63], "a list of whole numbers"),
    ("shares", [0.5, "x"], "a list of numbers"),
    ("tags", ["a", 1.5], "a list of texts"),
    ("tags", ["\ud800"], "a list of texts"),
]


@pytest.mark.parametrize(("name", "value", "expected"), WRONG)
def test_a_list_of_the_wrong_type_is_refused_naming_row_and_field(
    name: str, value: object, expected: str
) -> None:
    with pytest.raises(RequestError, match=f"row 1: field '{name}': expected {expected}"):
        LISTS.parse([{}, {name: value}], NOW)


def test_lists_become_arrays_that_are_cut_and_filled_up() -> None:
    sent: list[RawRow] = [
        {"numbers": [1, 2, 3], "shares": [0.5], "tags": ["a", None, "Århus"]},
        {"numbers": [None, 7], "shares": [None, 2], "tags": []},
        {},
    ]
    lengths = {"numbers": 2, "shares": 2, "tags": 3}
    columns = LISTS.parse(sent, NOW).columns(LISTED, lengths)
    missing = MISSING_INT
    assert columns["numbers"].tolist() == [[1, 2], [missing, 7], [missing, missing]]
    nothing = [np.nan, np.nan]
    np.testing.assert_array_equal(
        columns["shares"].astype(float), [[0.5, np.nan], [np.nan, 2.0], nothing]
    )
    assert columns["tags"].tolist() == [[b"a", b"", "Århus".encode()], [b""] * 3, [b""] * 3]


BODIES = st.lists(
    st.lists(
        st.fixed_dictionaries(
            {"item": st.integers(0, 5)},
            optional={
                "request_id": st.sampled_from(["a", "b", None]),
                "time": st.integers(0, 3),
                "price": st.none() | st.floats(0, 1),
                "uid": st.sampled_from(["x", ""]),
                "colour": st.just(1),
            },
        ),
        min_size=1,
        max_size=3,
    ),
    min_size=1,
    max_size=4,
)


@given(BODIES)
def test_bodies_parsed_together_are_what_they_are_alone(bodies: list[list[RawRow]]) -> None:
    together = PARSER.parse_each(bodies, NOW)
    alone = [PARSER.parse(body, NOW) for body in bodies]

    def whole(rows: Any, name: str) -> list[Any]:  # noqa: ANN401
        values = list(rows.values[name])
        return values if len(values) == len(rows) else values * len(rows)

    for name in PARSER.fields:
        assert whole(together, name) == [value for rows in alone for value in whole(rows, name)]
    assert together.request_ids == [one for rows in alone for one in rows.request_ids]
    moments = [np.broadcast_to(rows.time, len(rows)) for rows in (together, *alone)]
    assert moments[0].tolist() == np.concatenate(moments[1:]).tolist()
    assert together.ignored == [ignored for rows in alone for ignored in rows.ignored]
    sizes = [size for rows in alone for size in np.diff(rows.offsets).tolist()]
    assert np.diff(together.offsets).tolist() == sizes
    starts = np.cumsum([0, *map(len, alone)])
    row_of = [
        start + row for start, rows in zip(starts, alone, strict=False) for row in rows.row_of
    ]
    assert list(together.row_of) == row_of
