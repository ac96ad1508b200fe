"""What rates are smoothed towards."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from clickthrough.config.features import Counters, Feature
from clickthrough.errors import ConfigError
from clickthrough.features.columns import KeySet
from clickthrough.features.encoding.numeric import smoothed_rate
from clickthrough.features.levels import rate_levels
from tests.features.test_plan import plan_of

ITEM: dict[str, object] = {"kind": "counter", "key": "item", "toward": ["city"], "smoothing": 5}
CITY: dict[str, object] = {"kind": "counter", "key": "city", "toward": ["age"]}
AGE: dict[str, object] = {"kind": "counter", "key": "age", "smoothing": 50}


def levels(*features: dict[str, object]) -> dict[str, list[tuple[tuple[str, ...], float]]]:
    declared = TypeAdapter(list[Feature]).validate_python(list(features))
    made = rate_levels(declared, Counters(smoothing=20))
    return {name: [(key.fields, weight) for key, weight in own] for name, own in made.items()}


def test_a_rate_goes_up_to_wider_keys_each_with_its_own_weight() -> None:
    assert levels(AGE, ITEM, CITY) == {
        "item": [(("item",), 5), (("city",), 20), (("age",), 50)],
        "city": [(("city",), 20), (("age",), 50)],
        "age": [(("age",), 50)],
    }


def test_the_measure_of_a_rate_reads_every_level() -> None:
    plan = plan_of(ITEM | {"half_lives": ["1h"]}, CITY, AGE)
    rates = {m.name: m for m in plan.measures if m.kind == "rate"}
    wider = tuple(c for key in ("city", "age") for c in KeySet((key,)).counts())
    assert rates["item_rate"].inputs == ("item:impressions", "item:clicks", *wider)
    assert rates["item_rate_1h"].inputs == ("item:impressions@1h", "item:clicks@1h", *wider)
    assert rates["item_rate_1h"].smoothing == (5, 20, 50)
    assert set(rates["item_rate_1h"].inputs) <= set(plan.history_columns)


def test_a_wider_key_must_have_a_counter_of_impressions() -> None:
    message = r"features: counter of \[item\]: 'toward' names \[city\], which has no counter"
    with pytest.raises(ConfigError, match=message):
        levels(ITEM)
    with pytest.raises(ConfigError, match=message):
        levels(ITEM, {"kind": "counter", "of": "views", "key": "city"})


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ({"toward": ["city"]}, {"toward": ["age"]}, r"both \[city\] and \[age\] in 'toward'"),
        ({"smoothing": 3}, {"smoothing": 4.5}, "both 3 and 4.5 as 'smoothing'"),
    ],
)
def test_a_key_has_one_way_to_be_smoothed(
    one: dict[str, object], other: dict[str, object], both: str
) -> None:
    item: dict[str, object] = {"kind": "counter", "key": "item"}
    decayed = item | {"all_time": False, "half_lives": ["1d"]}
    assert levels(item | one, decayed, CITY, AGE) == levels(item, decayed | one, CITY, AGE)
    with pytest.raises(ConfigError, match=rf"counters of \[item\] name {both}"):
        levels(item | one, decayed | other, CITY, AGE)


@pytest.mark.parametrize("last", ["item", "city"])
def test_a_circle_is_refused(last: str) -> None:
    circle = [ITEM, CITY, AGE | {"toward": [last]}]
    with pytest.raises(ConfigError, match=r"counter of \[item\] is smoothed towards itself"):
        levels(*circle)


@pytest.mark.parametrize("given", [{"toward": ["item"]}, {"smoothing": 3}])
def test_page_views_have_no_rate_to_smooth(given: dict[str, object]) -> None:
    feature = {"kind": "counter", "of": "views", "key": "user"}
    TypeAdapter(Feature).validate_python(feature)
    with pytest.raises(ValidationError, match="page views have no rate"):
        TypeAdapter(Feature).validate_python(feature | given)


COUNTS = st.tuples(st.integers(0, 50), st.integers(0, 50)).map(lambda n: (sum(n), n[0]))
LEVELS = st.lists(st.tuples(COUNTS, st.floats(0.5, 100)), min_size=1, max_size=4)


@given(LEVELS, st.floats(0.01, 0.99))
def test_a_smoothed_rate_is_that_of_the_definition(
    given_levels: list[tuple[tuple[int, int], float]], prior: float
) -> None:
    rate = prior
    for (impressions, clicks), weight in reversed(given_levels):
        rate = (clicks + weight * rate) / (impressions + weight)
    counts = [np.array([float(n)]) for (pair, _) in given_levels for n in pair]
    found = smoothed_rate(counts, tuple(weight for _, weight in given_levels), prior)
    assert found[0] == pytest.approx(rate, rel=1e-12)
    assert 0 < found[0] < 1


def test_a_missing_wider_key_says_nothing_and_a_missing_own_one_is_missing() -> None:
    own, wide, nothing = np.array([3.0, np.nan]), np.array([np.nan, 5.0]), np.array([0.0, 0.0])
    found = smoothed_rate([own, own / 3, wide, wide], (10.0, 7.0), 0.2)
    alone = smoothed_rate([own, own / 3, nothing, nothing], (10.0, 7.0), 0.2)
    assert found[0] == alone[0]
    assert np.isnan(found[1])
