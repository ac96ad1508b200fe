"""What side tables say where rows do not: by key, in order, what is sent before all."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickthrough.errors import BundleError, RequestError
from clickthrough.features import lookup
from clickthrough.features.gather import UNSENT, Partly
from clickthrough.features.history.snapshot import Snapshot
from clickthrough.features.lookup import Lookups
from clickthrough.features.rows import RowParser, TextLimits
from clickthrough.features.sides import SideForm, SideTable, misfit, packed
from clickthrough.schema import Schema

SCHEMA = Schema.model_validate(
    {
        "roles": {"item": "ad", "user": "uid", "label": "clicked"},
        "fields": {
            "request_id": "int", "item": "int", "user": "str", "maker": "str", "page": "int",
            "land": "str", "size": "float", "adult": "bool", "tags": "strs", "shares": "floats",
        },
    }
)  # fmt: skip
FIELDS = ["item", "maker", "land", "size", "adult", "tags", "shares"]
Ways = Sequence[tuple[Sequence[str], Mapping[str, str]]]


def table(name: str, ways: Ways, rows: Mapping[tuple[Any, ...], Sequence[Any]]) -> SideTable:
    columns = [*dict.fromkeys(column for _, gives in ways for column in gives)]
    said = {"name": name, "columns": columns,
            "ways": [{"key": key, "gives": gives} for key, gives in ways]}  # fmt: skip
    form = SideForm.model_validate(said)
    packed_rows = {packed(key): packed(row) for key, row in rows.items()}
    return SideTable(form, Snapshot.of(packed_rows))


def same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


ADS = table(
    "ads",
    [(["item"], same("maker", "size", "tags"))],
    {(1,): ("x", 3, ["a", None]), (2,): ("y", None, []), (3,): (None, 0.5, None)},
)
MAKERS = table("makers", [(["maker"], same("land"))], {("x",): ("dk",), ("y",): (None,)})
SPOTS = table("spots", [(["page", "user"], same("adult"))], {(7, "ann"): (1,), (8, "bob"): (0,)})


def parser(*sides: SideTable, limits: TextLimits | None = None) -> RowParser:
    return RowParser(SCHEMA, FIELDS, limits or TextLimits(), sides=sides)


def values(rows: Sequence[Mapping[str, Any]], *sides: SideTable) -> dict[str, list[Any]]:
    """Return a value a row of each field."""
    found = parser(*sides).parse(rows, 0)
    every = range(len(rows))
    own = {n: v if len(v) == len(found) else [*v] * len(found) for n, v in found.values.items()}
    return {
        name: [list(column)[found.row_of[row]] for row in every] for name, column in own.items()
    }


def test_a_field_that_no_row_has_is_that_of_the_table() -> None:
    found = values([{"ad": 1}, {"item": "2"}, {"item": 3.0}, {"item": 4}, {}], ADS)
    assert found["maker"] == ["x", "y", None, None, None]
    assert found["size"] == [3.0, None, 0.5, None, None]
    assert type(found["size"][0]) is float
    assert found["tags"] == [["a", None], [], None, None, None]
    assert found["land"] == [None] * 5


def test_what_one_table_gives_is_the_key_of_the_next() -> None:
    assert values([{"item": 1}, {"item": 2}], ADS, MAKERS)["land"] == ["dk", None]
    assert values([{"item": 2, "maker": "x"}], ADS, MAKERS)["land"] == ["dk"]
    assert values([{"item": 1, "maker": None}], ADS, MAKERS)["land"] == [None]


def test_a_key_of_several_fields_needs_all_of_them() -> None:
    rows: list[dict[str, Any]] = [
        {"page": 7, "uid": "ann"}, {"page": 8, "uid": "ann"}, {"page": 7}, {"uid": "bob"},
    ]  # fmt: skip
    assert values(rows, SPOTS)["adult"] == [1, None, None, None]
    request = parser(SPOTS).parse_request({"page": 7}, [{"uid": "ann"}, {"uid": "bob"}], "r", 0)
    assert [*request.values["adult"]] == [1, None]
    shared = parser(SPOTS).parse_request({"page": 7, "uid": "ann"}, [{"ad": 1}, {"ad": 2}], "r", 0)
    assert [*shared.values["adult"]] == [1]


@pytest.mark.parametrize("said", [None, "", float("nan"), "z"])
def test_what_is_sent_goes_before_the_table_a_null_too(said: object) -> None:
    expected = "z" if said == "z" else None
    assert values([{"item": 1, "maker": said}], ADS)["maker"] == [expected]
    rows: list[dict[str, Any]] = [{"item": 1, "maker": said}, {"item": 1, "r": 2}, {"item": 2}]
    mixed = values(rows, ADS)
    assert mixed["maker"] == [expected, "x", "y"]
    context = {"maker": said}
    ranked = parser(ADS).parse_request(context, [{"item": 1}, {"item": 2, "maker": "w"}], "r", 0)
    assert [*ranked.values["maker"]] == [expected, "w"]


NAMES = st.sampled_from(["item", "maker", "size", "tags", "land", "page", "user", "adult"])
TOLD: dict[str, list[Any]] = {
    "item": [1, 2, 3, 4, None], "maker": ["x", "y", "w", None], "size": [1.5, 2, None],
    "tags": [["q"], [], None], "land": ["se", None], "page": [7, 8, None],
    "user": ["ann", "bob", None], "adult": [True, 0, None],
}  # fmt: skip
ROW = st.fixed_dictionaries({}, optional={n: st.sampled_from(own) for n, own in TOLD.items()})


@given(rows=st.lists(ROW, min_size=1, max_size=6))
def test_rows_together_read_as_each_by_itself(rows: list[dict[str, Any]]) -> None:
    apart = [{**row, "request_id": place} for place, row in enumerate(rows)]
    together = values(apart, ADS, MAKERS, SPOTS)
    alone = [values([row], ADS, MAKERS, SPOTS) for row in apart]
    assert together == {name: [one[name][0] for one in alone] for name in together}
    complete = parser(ADS, MAKERS, SPOTS).complete(parser().rename(apart))
    assert values([{**row} for row in complete]) == {
        name: own for name, own in together.items() if name in FIELDS
    }
    for row, whole in zip(apart, complete, strict=True):
        assert {**whole, **row} == whole  # what was sent is as it was


@pytest.mark.parametrize("sent", [3, 3.0, "3", "3.0"])
def test_a_whole_number_of_a_column_with_gaps_is_a_key(sent: object) -> None:
    sizes = table("sizes", [(["size"], same("land"))], {(3.0,): ("dk",)})
    assert values([{"size": sent}, {"size": 4}, {"size": None}], sizes)["land"] == [
        "dk",
        None,
        None,
    ]


def test_lists_of_tables_become_arrays_beside_those_that_are_sent() -> None:
    found = parser(ADS).parse([{"item": 1, "shares": [0.5]}, {"item": 2}, {"item": 9}], 0)
    columns = found.columns(SCHEMA, {"tags": 2, "shares": 1})
    assert columns["tags"].tolist() == [[b"a", b""], [b"", b""], [b"", b""]]
    assert columns["shares"][0].tolist() == [0.5]
    assert np.isnan(columns["shares"][1:]).all()


def test_what_no_row_has_is_no_column_for_long() -> None:
    lookups = Lookups([ADS], SCHEMA, lambda _: 99)
    column = Partly(["w", UNSENT])
    made = lookups.filled({"maker": column, "page": [1, 2]}, lambda _, own: own)  # type: ignore[arg-type, return-value]
    assert made["maker"] == ["w", None]
    assert lookups.known_by(["item"]) and not lookups.known_by(["page"])
    assert {*lookups.known_by({"item", "size"})} == {"maker", "tags"}


@pytest.mark.parametrize("odd", [np.array([[1, 2]]), np.array([["a", "b"]]), object()])
def test_what_is_no_value_is_refused_beside_rows_that_lack_it(odd: object) -> None:
    rows: list[dict[str, Any]] = [{"item": 1}, {"item": 2, "tags": odd}]
    with pytest.raises(RequestError, match="row 1: field 'tags': expected a list of texts"):
        parser(ADS).parse(rows, 0)
    with pytest.raises(RequestError, match="candidate 1: field 'tags': expected a list of texts"):
        parser(ADS).parse_request({"page": 1}, rows, "r", 0)
    with pytest.raises(RequestError, match="row 1: field 'ad': expected a whole number"):
        parser(ADS).parse([{"item": 1, "page": 1}, {"item": odd}], 0)


def test_each_distinct_key_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    read = Snapshot.read

    def counted(snapshot: Snapshot, keys: Sequence[bytes]) -> list[bytes | None]:
        asked.append(len(keys))
        return read(snapshot, keys)

    monkeypatch.setattr(Snapshot, "read", counted)
    own = parser(ADS)
    rows = [{"item": place % 3, "r": place} for place in range(60)]
    first = own.parse(rows, 0).values["maker"]
    assert own.parse(rows, 0).values["maker"] == first
    assert asked == [3]
    own.parse([{"size": 1.0, "maker": "x", "tags": [], "item": 77}], 0)  # nothing is to be asked
    assert asked == [3]


def test_what_stays_at_hand_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "_AT_HAND", 4 * lookup._A_ROW)
    own = parser(ADS)
    for first in range(0, 40, 10):
        found = own.parse([{"item": n, "r": n} for n in (1, *range(first, first + 10))], 0)
        assert found.values["maker"][0] == "x"
        assert all(len(way._at_hand) <= 4 for way in own._lookups._ways)


def test_a_text_that_is_longer_than_any_may_be_is_refused_with_its_table() -> None:
    long = table(
        "long", [(["item"], same("maker", "tags"))], {(1,): ("é" * 3, []), (2,): ("", ["é" * 3])}
    )
    limited = parser(long, limits=TextLimits(9, 5))
    for item in (1, 2):
        with pytest.raises(RequestError, match=r"side table 'long': field .*6 bytes: at most 5"):
            limited.parse([{"item": item}], 0)
        with pytest.raises(RequestError, match="side table 'long'"):
            limited.complete([{"item": item}])
    assert limited.parse([{"item": 3}], 0)


@pytest.mark.parametrize("row", [[1, 2.0, []], ["x", "2", []], ["x", 2.0], ["x", 2.0, [1]], 7])
def test_a_row_that_is_none_is_a_fault_of_the_bundle(row: object) -> None:
    wrong = SideTable(ADS.form, Snapshot.of({packed((1,)): packed(row)}))
    with pytest.raises(BundleError, match="side table 'ads': a row cannot be read"):
        parser(wrong).parse([{"item": 1}], 0)


def test_a_key_of_another_type_is_refused_as_any_field() -> None:
    with pytest.raises(RequestError, match="row 1: field 'page': expected a whole number"):
        parser(SPOTS).parse([{"page": 1, "uid": "a"}, {"page": "no", "uid": "a"}], 0)
    assert parser(SPOTS).complete([{"page": "no", "user": "a"}]) == [{"page": "no", "user": "a"}]


@pytest.mark.parametrize(
    ("ways", "says"),
    [
        ([([], same("land"))], "has no key"),
        ([(["nothing"], same("land"))], "'nothing'"),
        ([(["tags"], same("land"))], "'tags'"),
        ([(["item"], {"land": "nowhere"})], "'nowhere'"),
    ],
)
def test_a_table_of_another_log_is_known(ways: Ways, says: str) -> None:
    assert says in (misfit(table("t", ways, {}).form, SCHEMA) or "")
    assert misfit(ADS.form, SCHEMA) is None
