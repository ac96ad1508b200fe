from collections.abc import Mapping

import pytest
from pydantic import TypeAdapter

from clickthrough.config.features import Counters, Feature
from clickthrough.errors import ConfigError
from clickthrough.features.check import as_served, check
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
    ({"kind": "elapsed"}, "fields", NUMBERS),
    ({"kind": "match", "against": "item"}, "fields", IDS),
    ({"kind": "match", "fields": "item"}, "against", IDS),
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
    {"kind": "elapsed", "fields": "item"},
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


def test_a_cosine_compares_lists_with_weights_that_are_numbers() -> None:
    lists = {**EVERY, "more_ints": "ints", "more_strs": "strs", "more_floats": "floats"}
    weights = ["more_floats", "a_floats"]
    checked({"kind": "cosine", "fields": ["a_ints", "more_ints"], "weights": weights}, lists)
    checked({"kind": "cosine", "fields": ["a_strs", "more_strs"]}, lists)
    for place, kind in (("fields", "str"), ("fields", "bool"), ("weights", "strs")):
        given = {"fields": ["a_ints", "more_ints"], "weights": weights}
        given[place] = [f"a_{kind}", given[place][1]]
        with pytest.raises(
            ConfigError, match=rf"features\.3: field 'a_{kind}' is of type {kind}; "
        ):
            checked({"kind": "cosine", **given}, lists)


def test_a_cosine_of_numbers_and_texts_is_refused() -> None:
    message = r"features\.3: 'cosine' compares fields of one type; found 'a_ints' \(ints\) and"
    with pytest.raises(ConfigError, match=message):
        checked({"kind": "cosine", "fields": ["a_ints", "a_strs"]}, EVERY)


VIEWING: list[tuple[dict[str, object], str]] = [
    ({"kind": "counter", "key": "{}"}, "page"),
    ({"kind": "sequence", "key": "user", "field": "{}"}, "page"),
    ({"kind": "sequence", "key": "{}", "field": "user"}, "page"),
    ({"kind": "match", "key": "user", "fields": "item", "against": "{}"}, "page"),
]


@pytest.mark.parametrize(("feature", "field"), VIEWING)
def test_histories_of_page_views_read_fields_of_page_views(
    feature: dict[str, object], field: str
) -> None:
    def declared(name: str) -> Feature:
        given = {k: str(v).replace("{}", name) for k, v in feature.items()}
        made: Feature = TypeAdapter(Feature).validate_python(given | {"of": "views"})
        return made

    fields: dict[str, FieldType] = {**FIELDS, field: "int"}
    schema = Schema(roles=ROLES, fields=fields, views=["user", field])
    check(declared(field), schema, Counters(), "features.3")
    with pytest.raises(ConfigError, match=r"features\.3: unknown field of a page view 'item'"):
        check(declared("item"), schema, Counters(), "features.3")
    without = Schema(roles=ROLES, fields=fields)
    with pytest.raises(ConfigError, match=r"features\.3: 'of: views' needs page views"):
        check(declared(field), without, Counters(), "features.3")


def test_what_is_read_as_a_quantity_alone_takes_any_number() -> None:
    features = [
        {"kind": "numeric", "fields": ["age", "a_float", "both", "a_bool"]},
        {"kind": "categorical", "fields": ["both", "code"]},
    ]
    fields: dict[str, FieldType] = {
        "user": "int", "age": "int", "both": "int", "code": "int", "unused": "int",
        "a_float": "float", "a_bool": "bool",
    }  # fmt: skip
    schema = Schema(roles=ROLES, fields=fields)
    declared = [TypeAdapter[Feature](Feature).validate_python(one) for one in features]
    assert as_served(schema, declared).fields == {**fields, "age": "float"}
    numeric = TypeAdapter[Feature](Feature).validate_python({"kind": "numeric", "fields": "user"})
    assert as_served(schema, [numeric]).fields["user"] == "int"  # which is an id all the same
