from collections.abc import Mapping

import pytest
from pydantic import TypeAdapter

from clickthrough.config.features import Counters, Feature
from clickthrough.errors import ConfigError
from clickthrough.features.check import check
from clickthrough.schema import FieldType, Role, Schema

TYPES: tuple[FieldType, ...] = ("int", "float", "str", "bool", "ints", "floats", "strs")
ROLES: dict[Role, str] = {"time": "t", "user": "u", "item": "ad", "label": "y"}
FIELDS: dict[str, FieldType] = {"user": "str", "item": "int"}
EVERY = {**FIELDS, **{f"a_{kind}": kind for kind in TYPES}}


def checked(
    feature: Mapping[str, object],
    fields: dict[str, FieldType],
    roles: dict[Role, str] = ROLES,
) -> None:
    declared: Feature = TypeAdapter(Feature).validate_python(feature)
    check(declared, Schema(roles=roles, fields=fields), Counters(tick=600), "features.3")


IDS, NUMBERS = {"int", "str", "bool"}, {"int", "float", "bool"}
USES: list[tuple[dict[str, object], str, set[str]]] = [
    ({"kind": "categorical"}, "fields", IDS),
    ({"kind": "hashed"}, "fields", IDS),
    ({"kind": "numeric"}, "fields", NUMBERS),
    ({"kind": "counter"}, "key", IDS),
    ({"kind": "age"}, "key", IDS),
    ({"kind": "sequence", "field": "item"}, "key", IDS),
    ({"kind": "sequence"}, "field", IDS),
    ({"kind": "match", "fields": "item"}, "key", IDS),
    ({"kind": "match"}, "fields", IDS),
    ({"kind": "bag"}, "field", {"ints", "strs"}),
    ({"kind": "bag", "field": "a_strs"}, "weights", {"ints", "floats"}),
]

NAMES = [f"{place}-{feature['kind']}-{where}" for place, (feature, where, _) in enumerate(USES)]


@pytest.mark.parametrize(("feature", "where", "usable"), USES, ids=NAMES)
@pytest.mark.parametrize("kind", TYPES)
def test_a_field_of_the_wrong_type_is_named_with_its_place_and_what_is_needed(
    feature: dict[str, object], where: str, usable: set[str], kind: str
) -> None:
    declared = {**feature, where: f"a_{kind}"}
    if kind in usable:
        checked(declared, EVERY)
        return
    with pytest.raises(ConfigError) as caught:
        checked(declared, EVERY)
    message = str(caught.value)
    assert message.startswith(f"features.3: field 'a_{kind}' is of type {kind}; ")
    named, needed = message.split("; ")[1].split(" needs one of ")
    assert named == f"'{feature['kind']}'"
    assert set(needed.split(", ")) == usable


@pytest.mark.parametrize(("feature", "where", "usable"), USES, ids=NAMES)
def test_a_field_that_is_not_there_is_named_with_its_place_and_the_nearest(
    feature: dict[str, object], where: str, usable: set[str]
) -> None:
    near = f"a_{min(usable)}"
    message = rf"features\.3: unknown field '{near}x'; did you mean '{near}'"
    with pytest.raises(ConfigError, match=message):
        checked({**feature, where: f"{near}x"}, EVERY)


@pytest.mark.parametrize("kind", ["sequence", "match"])
def test_the_last_clicks_of_a_user_need_a_user(kind: str) -> None:
    feature = {"kind": kind} | ({"fields": "item"} if kind == "match" else {})
    checked(feature, FIELDS)
    with pytest.raises(ConfigError, match=r"features\.3: unknown field 'user'"):
        checked(feature, {"item": "int"})


TIMED: list[dict[str, object]] = [
    {"kind": "sequence"},
    {"kind": "match", "fields": "item"},
    {"kind": "counter", "key": "item"},
    {"kind": "age", "key": "item"},
    {"kind": "time"},
]


@pytest.mark.parametrize("feature", TIMED, ids=lambda feature: str(feature["kind"]))
def test_what_looks_back_needs_a_time(feature: dict[str, object]) -> None:
    checked(feature, FIELDS)
    timeless: dict[Role, str] = {role: name for role, name in ROLES.items() if role != "time"}
    with pytest.raises(ConfigError, match=rf"features\.3: '{feature['kind']}' needs a time"):
        checked(feature, FIELDS, timeless)


@pytest.mark.parametrize("window", ["599s", "15m", "1s"])
def test_a_window_that_is_not_whole_ticks_is_refused(window: str) -> None:
    checked({"kind": "counter", "key": "item", "windows": ["10m", "1h"]}, FIELDS)
    with pytest.raises(ConfigError, match=r"features\.3: windows: expected multiples"):
        checked({"kind": "counter", "key": "item", "windows": ["10m", window]}, FIELDS)


def test_a_half_life_need_not_be_whole_ticks() -> None:
    checked({"kind": "counter", "key": "item", "half_lives": ["15m", "1s"]}, FIELDS)
