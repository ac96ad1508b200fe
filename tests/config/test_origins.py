"""Names of declared features, and declarations without some of them."""

import pytest
from pydantic import TypeAdapter

from clickthrough.config.features import Counters, Feature
from clickthrough.config.load import parse_config
from clickthrough.config.origins import origins_of, without
from clickthrough.errors import ConfigError
from clickthrough.features.plan import make_plan
from clickthrough.schema import Schema

FEATURES: list[Feature] = TypeAdapter(list[Feature]).validate_python([
    {"kind": "categorical", "fields": ["user", "item"]},
    {"kind": "hashed", "fields": "city"},
    {"kind": "time"},
    {"kind": "numeric", "fields": ["age", "price"], "relative": ["rank"]},
    {"kind": "elapsed", "fields": "born"},
    {"kind": "counter", "key": "item", "half_lives": ["1h"], "toward": "city"},
    {"kind": "counter", "key": ["user", "item"]},
    {"kind": "counter", "key": "city"},
    {"kind": "counter", "of": "views", "key": "user"},
    {"kind": "age", "key": "item"},
    {"kind": "sequence", "field": "item"},
    {"kind": "match", "fields": ["item", "city"], "against": ["item", "town"]},
    {"kind": "kinship", "relative": ["rank"]},
    {"kind": "bag", "field": "tags"},
    {"kind": "cosine", "fields": ["tags", "likes"]},
    {"kind": "request_size"},
    {"kind": "position"},
])  # fmt: skip
SCHEMA = Schema(
    roles={"time": "t", "user": "u", "item": "i", "label": "c", "request_id": "r"},
    fields={"user": "int", "item": "int", "city": "str", "town": "str", "age": "int",
            "price": "float", "born": "int", "tags": "strs", "likes": "strs"},
    views=["user", "item"],
)  # fmt: skip
ALL = [
    "categorical(user)", "categorical(item)", "hashed(city)", "time(hour)", "time(weekday)",
    "numeric(age)", "numeric(price)", "elapsed(born)", "counter(item)", "counter(user+item)",
    "counter(city)", "counter(views:user)", "age(item)", "sequence(user:item)",
    "match(user:item)", "match(user:city)", "kinship(item)", "bag(tags)", "cosine(tags:likes)",
    "request_size", "position",
]  # fmt: skip


def origins(features: list[Feature]) -> set[str]:
    """Return what the columns of a declaration say that they come from."""
    plan = make_plan(features, Counters(), SCHEMA, "UTC")
    made = [column.origin for column in plan.numeric]
    made += [column.origin for column in plan.ids]
    return {*made, *(column.origin for column in plan.bags)}


def test_each_declared_feature_has_a_name_and_every_column_knows_it() -> None:
    assert [name for feature in FEATURES for name in origins_of(feature)] == ALL
    assert origins(FEATURES) == set(ALL)


@pytest.mark.parametrize("name", ALL)
def test_a_dropped_feature_leaves_no_column(name: str) -> None:
    assert origins(without(FEATURES, [name])) == set(ALL) - {name}


def test_a_rate_towards_a_dropped_counter_goes_towards_the_mean() -> None:
    plan = make_plan(without(FEATURES, ["counter(city)"]), Counters(), SCHEMA, "UTC")
    rate = next(m for m in plan.measures if m.name == "item_rate")
    assert rate.inputs == ("item:impressions", "item:clicks")


def test_a_match_keeps_its_other_pairs() -> None:
    (match,) = (f for f in without(FEATURES, ["match(user:item)"]) if f.kind == "match")
    assert match.pairs == [("city", "town")]


def test_an_unknown_name_names_the_nearest() -> None:
    values = {
        "data": {"reader": "tabular", "path": "log.csv", "roles": {"label": "click"}},
        "features": [{"kind": "numeric", "fields": ["age", "price"]}],
    }
    assert len(parse_config(values | {"drop": ["numeric(age)"]}, "x").declared) == 1
    with pytest.raises(ConfigError, match=r"drop: unknown feature 'numeric\(ag\)'; did you mean"):
        parse_config(values | {"drop": ["numeric(ag)"]}, "x")
    with pytest.raises(ConfigError, match="drop: leaves no feature"):
        parse_config(values | {"drop": ["numeric(age)", "numeric(price)"]}, "x")
