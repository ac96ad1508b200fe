"""However much a caller sends: time and memory in proportion, and the first fault is named."""

import tracemalloc
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from clickthrough.errors import RequestError
from clickthrough.features.rows import RowParser, TextLimits
from clickthrough.schema import Schema

SCHEMA = Schema.model_validate(
    {
        "roles": {"request_id": "r", "time": "t", "user": "uid", "item": "ad"},
        "fields": {"user": "str", "item": "str", "city": "str", "tags": "strs", "size": "int",
                   "price": "float", "member": "bool", "numbers": "ints", "shares": "floats"},
    }
)  # fmt: skip
PARSER = RowParser(SCHEMA, list(SCHEMA.fields))
NAN = float("nan")


def refusal(read: Callable[[], object]) -> str:
    with pytest.raises(RequestError) as caught:
        read()
    return str(caught.value)


@pytest.mark.parametrize("name", [*SCHEMA.fields, "r", "request_id", "t", "time"])
def test_nan_is_missing_in_every_type(name: str) -> None:
    found, bare = (PARSER.parse([row, {"size": 1}], 5) for row in ({name: NAN}, {}))
    for field in SCHEMA.fields:
        assert {*map(str, found.values[field])} == {*map(str, bare.values[field])}
    assert list(found.request_ids) == [None, None]
    assert found.time.tolist() in ([5], [5, 5])
    assert PARSER.parse_request({name: NAN}, [{name: NAN}], "x", 5).time.tolist() == [5]


def test_nan_among_others_is_missing() -> None:
    rows: list[dict[str, object]] = [
        {"numbers": [1, NAN], "shares": [NAN, 2], "tags": ["a", NAN], "size": NAN, "t": 1},
        {"numbers": NAN, "size": 3, "t": NAN},
    ]
    found = PARSER.parse(rows, 5)
    assert found.values["numbers"] == [[1, None], None]
    assert found.values["shares"] == [[None, 2.0], None]
    assert found.values["tags"] == [["a", None], None]
    assert list(found.values["size"]) == [None, 3]
    assert found.time.tolist() == [1_000_000, 5]


@pytest.mark.parametrize("name", ["user", "item", "request_id"])
def test_ids_are_at_most_256_bytes(name: str) -> None:
    owner = SCHEMA.input_name(name)
    for sound in ("i" * 256, "ø" * 128, 10**255):
        assert PARSER.parse([{name: sound}, {name: "short"}], 0)
    for wrong, size in (("i" * 257, 257), ("ø" * 129, 258), ("i" * 10_000, 10_000), (10**256, 257)):
        expected = f"a text of {size:,} bytes: at most 256 (serving.max_id_bytes)"
        text = refusal(lambda wrong=wrong: PARSER.parse([{"size": 1}, {name: wrong}], 0))  # type: ignore[misc]
        assert text == f"row 1: field '{owner}': {expected}"


@pytest.mark.parametrize(("name", "wrap"), [("city", lambda v: v), ("tags", lambda v: ["a", v])])
def test_other_texts_are_at_most_4096_bytes(name: str, wrap: Callable[[str], object]) -> None:
    for sound in ("i" * 4_096, "ø" * 2_048):
        assert PARSER.parse([{name: wrap(sound)}, {"user": "u"}], 0)
    for wrong, size in (("i" * 4_097, "4,097"), ("ø" * 2_049, "4,098")):
        expected = f"a text of {size} bytes: at most 4,096 (serving.max_text_bytes)"
        text = refusal(lambda wrong=wrong: PARSER.parse([{}, {name: wrap(wrong)}], 0))  # type: ignore[misc]
        assert text == f"row 1: field '{name}': {expected}"


def test_limits_can_be_set_whichever_is_the_larger() -> None:
    parser = RowParser(SCHEMA, list(SCHEMA.fields), TextLimits(id_bytes=9, text_bytes=5))
    assert parser.parse([{"uid": "u" * 9, "city": "c" * 5, "r": "r" * 9}], 0)
    assert "at most 9" in refusal(lambda: parser.parse([{"uid": "u" * 10}], 0))
    assert "at most 9" in refusal(lambda: parser.parse([{"r": "r" * 10}], 0))
    assert "at most 5" in refusal(lambda: parser.parse([{"city": "c" * 6}], 0))
    assert parser.read("user", ["u" * 9], [3]) == ["u" * 9]
    assert "row 3" in refusal(lambda: parser.read("user", ["u" * 10], [3]))
    assert "at most 5" in refusal(lambda: parser.coerce(["c" * 6], "tags", 0))


@pytest.mark.parametrize(
    ("name", "longest"),
    [("size", "1".zfill(64)), ("price", "1".zfill(400)), ("t", "2024-01-01T00:00:00Z")],
)
def test_numbers_and_times_that_are_texts_have_a_length(name: str, longest: str) -> None:
    assert PARSER.parse([{name: longest}], 0)
    wrong = "1".zfill(401 if name == "price" else 65)
    assert f"field '{name}': expected" in refusal(lambda: PARSER.parse([{name: wrong}], 0))


def test_the_first_fault_is_named_whatever_its_type() -> None:
    rows: list[dict[str, object]] = [
        {"city": "x", "r": "a"},
        {"t": "soon", "r": [1], "city": 1.5},
        {"size": "x", "city": 1.5, "r": "a"},
    ]
    assert refusal(lambda: PARSER.parse(rows, 0)).startswith("row 1: field 't'")
    assert refusal(lambda: PARSER.parse(rows[::2], 0)).startswith("row 1: field 'size'")
    assert refusal(lambda: PARSER.parse([rows[0], dict(reversed(rows[1].items()))], 0)).startswith(
        "row 1: field 'city'"
    )


def test_the_first_fault_of_a_request_is_its_context_s_if_that_is_read() -> None:
    context, wrong = {"price": "dear", "user": "u"}, {"size": "x", "request_id": [1]}
    said = refusal(lambda: PARSER.parse_request(context, [{"size": 1}, wrong], "x", 0))
    assert said.startswith("context: field 'price'")
    fine = {"price": 1, "request_id": [1]}
    said = refusal(lambda: PARSER.parse_request(context, [fine, {**wrong, "price": 2}], "x", 0))
    assert said.startswith("candidate 1: field 'size'")
    assert len(PARSER.parse_request(context, [fine], "x", 0)) == 1
    said = refusal(lambda: PARSER.parse_request(7, [fine], "x", 0))  # type: ignore[arg-type]
    assert said == "context: expected an object of raw fields, found 7"


def test_a_message_is_short_whatever_was_sent() -> None:
    for name, value in {
        "size": "x" * 10**6, "price": [10**5_000] * 1_000, "user": {"a": ["b" * 10**6]},
        "member": "true" * 10**6, "numbers": [["c" * 10**6]], "t": "9" * 10**6, "r": [0] * 10**6,
    }.items():  # fmt: skip
        assert len(refusal(lambda n=name, v=value: PARSER.parse([{n: v}], 0))) < 250  # type: ignore[misc]
    long: Any = "y" * 10**6
    assert len(refusal(lambda: PARSER.parse([long], 0))) < 250


def unknown(rows: int, each: int) -> list[dict[str, object]]:
    """Return rows that have no name in common but one."""
    own = ({f"name {row} {i}": 1 for i in range(each)} for row in range(rows))
    return [{"size": 1, **names} for names in own]


def peak_of(read: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        read()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("read", ["parse", "rank"])
def test_names_that_mean_nothing_take_memory_in_proportion(read: str) -> None:
    body = unknown(400, 60)
    size = sum(len(name) + 5 for row in body for name in row)
    ways: dict[str, Callable[[], object]] = {
        "parse": lambda: PARSER.parse(body, 0),
        "rank": lambda: PARSER.parse_request({"user": "u"}, body, "x", 0),
    }
    assert peak_of(ways[read]) < 8 * size


class Name(str):
    """A name that counts how often it is looked up."""

    __slots__ = ()
    looks = 0

    def __hash__(self) -> int:
        Name.looks += 1
        return super().__hash__()


def looks_of(rows: Iterable[dict[str, object]], read: Callable[[Any], object]) -> int:
    named = [{Name(name): value for name, value in row.items()} for row in rows]
    Name.looks = 0
    read(named)
    return Name.looks


@pytest.mark.parametrize("rows", [1, 20, 200])
def test_a_name_that_means_nothing_is_looked_up_a_few_times_whatever_the_rows(rows: int) -> None:
    body = unknown(rows, 20)
    for read in (
        lambda body: PARSER.parse(body, 0),
        lambda body: PARSER.parse_request({"user": "u"}, body, "x", 0),
    ):
        assert looks_of(body, read) < 12 * rows * 21 + 100


def test_what_a_context_shares_is_read_once_though_a_candidate_overrules_it() -> None:
    class Entries(list[object]):
        reads = 0

        def __iter__(self) -> Any:  # noqa: ANN401
            Entries.reads += 1
            return super().__iter__()

    context = {"numbers": Entries([1, 2, 3])}
    rows = PARSER.parse_request(context, [{"size": 1}] * 50 + [{"numbers": [4]}], "x", 0)
    assert [*rows.values["numbers"]] == [[1, 2, 3]] * 50 + [[4]]
    assert Entries.reads == 1


def test_a_candidate_s_own_name_goes_before_the_context_s_whichever_name_it_is() -> None:
    context = {"uid": "a", "user": "b"}
    rows = PARSER.parse_request(context, [{"uid": "c"}, {"size": 1}, {"user": None}], "x", 0)
    assert list(rows.values["user"]) == ["c", "a", None]


def test_an_empty_body_beside_others_changes_nothing() -> None:
    rows = PARSER.parse_each([[], [{"r": "a", "size": 1}, {"r": "a", "size": 2}]], 0)
    assert rows.offsets.tolist() == [0, 2]
    assert rows.ignored == [[], []]


def test_a_time_that_is_a_number_as_text_has_a_length() -> None:
    unit = Schema.model_validate({"roles": {"time": "t"}, "fields": {}, "time": {"unit": "s"}})
    parser = RowParser(unit, [])
    assert parser.parse([{"t": "7".zfill(64)}], 0).time.tolist() == [7_000_000]
    assert "field 't': expected" in refusal(lambda: parser.parse([{"t": "7".zfill(65)}], 0))


def test_equal_times_of_two_types_are_read_each_by_its_own() -> None:
    unit = Schema.model_validate({"roles": {"time": "t"}, "fields": {}, "time": {"unit": "ms"}})
    parser, large = RowParser(unit, []), 2**51 - 1
    for time in (float(large), large):
        assert parser.parse([{"t": time}], 2**61).time.tolist() == [round(time * 1_000)]
    assert round(float(large) * 1_000) != large * 1_000
