import pytest
from pydantic import TypeAdapter

from clickthrough.config.features import Counters, Feature
from clickthrough.errors import ConfigError
from clickthrough.features.columns import KeySet
from clickthrough.features.plan import Plan, make_plan
from clickthrough.schema import Schema

SCHEMA = Schema(
    roles={"request_id": "imp", "time": "at", "user": "uid", "item": "ad", "label": "click"},
    fields={
        "request_id": "int",
        "user": "str",
        "item": "int",
        "price": "float",
        "age": "int",
        "city": "str",
        "member": "bool",
    },
)


def plan_of(*features: dict[str, object], schema: Schema = SCHEMA) -> Plan:
    declared = TypeAdapter(list[Feature]).validate_python(list(features))
    return make_plan(declared, Counters(), schema, "UTC")


def test_a_categorical_makes_an_id_column_a_field_with_its_limits() -> None:
    plan = plan_of(
        {"kind": "categorical", "fields": ["city", "item"], "min_count": 5, "max_size": 9},
        {"kind": "categorical", "fields": "user"},
    )
    made = [(c.name, c.source, c.min_count, c.max_size) for c in plan.ids]
    assert made == [("city", "field", 5, 9), ("item", "field", 5, 9), ("user", "field", 2, None)]
    assert plan.numeric == ()


def test_time_makes_an_id_column_a_part() -> None:
    plan = plan_of({"kind": "time", "parts": ["weekday", "hour"]})
    assert [(c.name, c.source) for c in plan.ids] == [("weekday", "weekday"), ("hour", "hour")]
    assert plan.fields == []


def test_a_numeric_makes_its_column_and_the_relative_forms_in_order() -> None:
    plan = plan_of(
        {
            "kind": "numeric",
            "fields": ["price", "age"],
            "transform": "log1p",
            "relative": ["rank", "difference"],
        }
    )
    names = ["price", "price_rank", "price_difference", "age", "age_rank", "age_difference"]
    assert [column.name for column in plan.numeric] == names
    assert [column.measure for column in plan.numeric] == ["price"] * 3 + ["age"] * 3
    assert [c.relative for c in plan.numeric] == [None, "rank", "difference"] * 2
    assert [(m.kind, m.transform, m.inputs) for m in plan.measures] == [
        ("field", "log1p", ("price",)),
        ("field", "log1p", ("age",)),
    ]


def test_a_counter_makes_every_value_for_all_time_and_each_half_life() -> None:
    plan = plan_of(
        {
            "kind": "counter",
            "key": ["user", "item"],
            "values": ["impressions", "clicks", "rate"],
            "half_lives": ["6h", "1d"],
        }
    )
    assert [(m.name, m.inputs, m.transform) for m in plan.measures] == [
        ("user_item_impressions", ("user+item:impressions",), "log1p"),
        ("user_item_clicks", ("user+item:clicks",), "log1p"),
        ("user_item_rate", ("user+item:impressions", "user+item:clicks"), "logit"),
        ("user_item_impressions_6h", ("user+item:impressions@6h",), "log1p"),
        ("user_item_clicks_6h", ("user+item:clicks@6h",), "log1p"),
        ("user_item_rate_6h", ("user+item:impressions@6h", "user+item:clicks@6h"), "logit"),
        ("user_item_impressions_1d", ("user+item:impressions@1d",), "log1p"),
        ("user_item_clicks_1d", ("user+item:clicks@1d",), "log1p"),
        ("user_item_rate_1d", ("user+item:impressions@1d", "user+item:clicks@1d"), "logit"),
    ]


def test_a_counter_without_all_time_has_only_its_half_lives() -> None:
    plan = plan_of(
        {
            "kind": "counter",
            "key": "item",
            "values": ["rate"],
            "all_time": False,
            "half_lives": ["90s"],
        }
    )
    assert [measure.name for measure in plan.measures] == ["item_rate_90s"]


def test_an_age_and_the_size_of_the_request_are_measures() -> None:
    plan = plan_of({"kind": "age", "key": "item", "relative": ["rank"]}, {"kind": "request_size"})
    assert [(m.name, m.kind, m.inputs) for m in plan.measures] == [
        ("item_age", "age", ("item:age",)),
        ("request_size", "request_size", ()),
    ]
    assert [c.name for c in plan.numeric] == ["item_age", "item_age_rank", "request_size"]


def test_features_of_one_key_share_a_key_set_with_all_their_half_lives() -> None:
    plan = plan_of(
        {"kind": "age", "key": "item"},
        {"kind": "counter", "key": "item", "values": ["rate"], "half_lives": ["1d", "1h"]},
        {"kind": "counter", "key": ["user", "item"]},
        {
            "kind": "counter",
            "key": "item",
            "values": ["clicks"],
            "all_time": False,
            "half_lives": ["1h", "2h"],
        },
    )
    assert plan.key_sets == (
        KeySet(("item",), half_lives=(3_600, 7_200, 86_400)),
        KeySet(("user", "item")),
    )


def test_the_plan_names_each_field_that_it_reads_once() -> None:
    plan = plan_of(
        {"kind": "categorical", "fields": ["city", "item"]},
        {"kind": "numeric", "fields": "price"},
        {"kind": "counter", "key": ["user", "item"]},
        {"kind": "age", "key": "city"},
        {"kind": "time"},
        {"kind": "request_size"},
    )
    assert sorted(plan.fields) == ["city", "item", "price", "user"]


def test_the_time_zone_and_the_counters_travel_with_the_plan() -> None:
    counters = Counters(tick=60, smoothing=3)
    features = TypeAdapter(list[Feature]).validate_python([{"kind": "request_size"}])
    plan = make_plan(features, counters, SCHEMA, "Europe/Copenhagen")
    assert (plan.counters, plan.timezone) == (counters, "Europe/Copenhagen")


@pytest.mark.parametrize(
    "feature",
    [
        {"kind": "categorical", "fields": ["city", "iten"]},
        {"kind": "counter", "key": ["user", "iten"]},
        {"kind": "age", "key": "iten"},
        {"kind": "numeric", "fields": "iten"},
    ],
)
def test_an_unknown_field_is_refused_with_its_place_and_the_nearest_known(
    feature: dict[str, object],
) -> None:
    with pytest.raises(ConfigError, match=r"features\.1: .*'iten'.*did you mean 'item'"):
        plan_of({"kind": "request_size"}, feature)


def test_a_field_goes_by_our_name_not_by_that_of_the_log() -> None:
    with pytest.raises(ConfigError, match="unknown field 'uid'"):
        plan_of({"kind": "categorical", "fields": "uid"})


def test_a_text_cannot_be_a_quantity() -> None:
    with pytest.raises(ConfigError, match="field 'city' is of type str; 'numeric' needs"):
        plan_of({"kind": "numeric", "fields": ["price", "city"]})


@pytest.mark.parametrize("kind", ["categorical", "counter", "age"])
def test_a_fraction_can_be_neither_id_nor_key(kind: str) -> None:
    where = "fields" if kind == "categorical" else "key"
    with pytest.raises(ConfigError, match=f"field 'price' is of type float; '{kind}' needs"):
        plan_of({"kind": kind, where: "price"})


@pytest.mark.parametrize("field", ["age", "member", "price"])
def test_numbers_and_truth_values_can_be_quantities(field: str) -> None:
    assert plan_of({"kind": "numeric", "fields": field}).numeric[0].name == field


@pytest.mark.parametrize(
    "feature",
    [{"kind": "time"}, {"kind": "age", "key": "item"}, {"kind": "counter", "key": "item"}],
)
def test_what_needs_a_time_is_refused_where_the_log_has_none(feature: dict[str, object]) -> None:
    timeless = Schema(roles={"label": "click", "item": "ad"}, fields={"item": "int"})
    with pytest.raises(ConfigError, match=r"features\.0: .*needs a time"):
        plan_of(feature, schema=timeless)


@pytest.mark.parametrize(
    ("features", "name"),
    [
        ([{"kind": "categorical", "fields": ["city", "city"]}], "city"),
        (
            [{"kind": "categorical", "fields": "age"}, {"kind": "numeric", "fields": "age"}],
            "age",
        ),
        ([{"kind": "counter", "key": "item", "half_lives": ["1h", "60m"]}], "item_rate_1h"),
        ([{"kind": "request_size"}, {"kind": "request_size"}], "request_size"),
    ],
)
def test_two_columns_of_one_name_are_refused(features: list[dict[str, object]], name: str) -> None:
    with pytest.raises(ConfigError, match=f"declared twice: .*{name}"):
        plan_of(*features)


def test_key_sets_of_other_fields_or_half_lives_have_columns_of_other_names() -> None:
    pair = KeySet(("user", "item"), windows=(3_600,), half_lives=(3_600, 86_400))
    names = [
        *pair.columns(),
        *pair.counts(half_life=60),
        *pair.counts(window=60),
        *KeySet(("item", "user")).columns(),
        *KeySet(("item",)).columns(),
    ]
    assert len(set(names)) == len(names) == 9 + 2 + 2 + 3 + 3
    assert pair.columns() == [
        "user+item:age",
        "user+item:impressions",
        "user+item:clicks",
        "user+item:impressions[1h]",
        "user+item:clicks[1h]",
        "user+item:impressions@1h",
        "user+item:clicks@1h",
        "user+item:impressions@1d",
        "user+item:clicks@1d",
    ]


def test_a_sentinel_is_of_the_quantity_and_not_of_its_standing() -> None:
    plan = plan_of(
        {"kind": "numeric", "fields": "price", "missing": "sentinel", "relative": ["rank"]},
        {"kind": "numeric", "fields": "age"},
    )
    found = {column.name: column.missing for column in plan.numeric}
    assert found == {"price": "sentinel", "price_rank": "median", "age": "median"}
