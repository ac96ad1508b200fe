"""Features of absent tables are left out, and nothing else is."""

import pytest
from pydantic import TypeAdapter

from clickthrough.config.features import Counters, Feature
from clickthrough.errors import ConfigError
from clickthrough.features.absent import VIEWS, present
from clickthrough.features.plan import make_plan
from clickthrough.schema import Schema

Declared = dict[str, object]
ALL = ["topic", "topics", "shares", VIEWS]


def schema(absent: list[str]) -> Schema:
    return Schema(
        roles={"label": "y", "time": "t", "user": "u", "item": "ad"},
        fields={"user": "str", "item": "int", "city": "str", "page": "int"},
        views=[] if VIEWS in absent else ["user", "page"],
        absent=absent,
    )


def kept(feature: Declared, absent: list[str] = ALL) -> Declared | None:
    """Return what is left of a feature, as far as it was declared; None if it is left out."""
    declared: Feature = TypeAdapter(Feature).validate_python(feature)
    left = present([declared], schema(absent))
    return {k: getattr(left[0], k) for k in feature} if left else None


@pytest.mark.parametrize("kind", ["categorical", "hashed", "numeric", "elapsed"])
def test_a_feature_of_several_fields_keeps_the_others(kind: str) -> None:
    feature: Declared = {"kind": kind, "fields": ["city", "topic"]}
    assert kept(feature) == {"kind": kind, "fields": ["city"]}
    assert kept({"kind": kind, "fields": ["topic"]}) is None
    assert kept(feature, []) == feature


GONE: list[tuple[Declared, str]] = [
    ({"kind": "counter", "key": ["user", "topic"]}, "topic"),
    ({"kind": "age", "key": ["topic"]}, "topic"),
    ({"kind": "sequence", "field": "topic"}, "topic"),
    ({"kind": "sequence", "key": ["topic"]}, "topic"),
    ({"kind": "match", "key": ["topic"], "fields": ["item"]}, "topic"),
    ({"kind": "bag", "field": "topics"}, "topics"),
    ({"kind": "bag", "field": "others", "weights": "shares"}, "shares"),
    ({"kind": "cosine", "fields": ["others", "topics"]}, "topics"),
    ({"kind": "cosine", "fields": ["others", "more"], "weights": ["a", "shares"]}, "shares"),
    ({"kind": "counter", "of": "views", "key": ["user"]}, VIEWS),
    ({"kind": "sequence", "of": "views", "field": "page"}, VIEWS),
    ({"kind": "match", "of": "views", "fields": ["item"], "against": ["page"]}, VIEWS),
]


@pytest.mark.parametrize(("feature", "needs"), GONE)
def test_what_a_feature_cannot_do_without(feature: Declared, needs: str) -> None:
    assert kept(feature, [needs]) is None
    assert kept(feature, [name for name in ALL if name != needs]) == feature


def test_a_match_keeps_the_pairs_that_are_whole() -> None:
    pairs: Declared = {
        "kind": "match",
        "fields": ["item", "topic", "city"],
        "against": ["page", "city", "topic"],
    }
    assert kept(pairs) == {"kind": "match", "fields": ["item"], "against": ["page"]}
    assert kept({"kind": "match", "fields": ["topic"], "against": ["page"]}) is None


def test_a_rate_towards_an_absent_counter_is_smoothed_towards_the_mean() -> None:
    features: list[Declared] = [
        {"kind": "counter", "key": "item", "toward": "topic"},
        {"kind": "counter", "key": "topic"},
    ]
    declared = TypeAdapter(list[Feature]).validate_python(features)
    plan = make_plan(declared, Counters(), schema(ALL), "UTC")
    (rate,) = [measure for measure in plan.measures if measure.kind == "rate"]
    assert rate.inputs == ("item:impressions", "item:clicks")


def test_an_error_names_the_place_in_the_declaration_although_others_are_left_out() -> None:
    features: list[Declared] = [
        {"kind": "bag", "field": "topics"},
        {"kind": "categorical", "fields": ["citi"]},
    ]
    declared = TypeAdapter(list[Feature]).validate_python(features)
    with pytest.raises(ConfigError, match=r"features\.1: unknown field 'citi'"):
        make_plan(declared, Counters(), schema(ALL), "UTC")
