import math
from datetime import datetime
from itertools import pairwise

import numpy as np
import pytest
from pydantic import TypeAdapter

from clickthrough.config.features import Counters, Feature
from clickthrough.features.encoding.encoder import Encoder, Scaler, numeric_values
from clickthrough.features.encoding.vocabulary import Vocabulary
from clickthrough.features.plan import Plan, make_plan
from clickthrough.schema import MISSING_INT, Columns, Schema, to_microseconds

NAN = float("nan")
SCHEMA = Schema.model_validate(
    {
        "roles": {"time": "t", "item": "ad", "label": "y"},
        "fields": {"item": "int", "city": "str", "price": "float", "age": "int"},
    }
)
PLAIN = Scaler(fill=0.0, mean=0.0, scale=1.0, indicator=False)


def plan_of(*features: dict[str, object], timezone: str = "UTC") -> Plan:
    declared = TypeAdapter(list[Feature]).validate_python(list(features))
    return make_plan(declared, Counters(smoothing=20), SCHEMA, timezone)


def columns(**made: object) -> Columns:
    arrays = {name.replace("__", "."): np.asarray(values) for name, values in made.items()}
    return {"time": np.zeros(len(next(iter(arrays.values()))), np.int64), **arrays}


def test_ids_are_those_of_the_vocabularies_in_the_order_declared() -> None:
    plan = plan_of({"kind": "categorical", "fields": ["city", "item"]})
    words, numbers = np.array([b"oslo", b"rome"]), np.array([7, 9])
    encoder = Encoder(plan, {"city": Vocabulary(words), "item": Vocabulary(numbers)}, {}, 0.1)
    made = encoder.ids(columns(city=np.array([b"rome", b"", b"bonn"]), item=[7, 8, MISSING_INT]))
    assert made.tolist() == [[3, 2], [0, 1], [1, 0]]
    assert made.dtype == np.int32
    assert encoder.id_sizes == {"city": 4, "item": 4}


def test_hours_and_weekdays_are_ids_in_the_time_zone_of_the_plan() -> None:
    plan = plan_of({"kind": "time"}, timezone="Europe/Copenhagen")
    encoder = Encoder(plan, {}, {}, 0.1)
    sunday_22_utc = to_microseconds(datetime(2023, 5, 21, 22, 30))
    made = encoder.ids({"time": np.array([sunday_22_utc, sunday_22_utc - 3_600_000_000])})
    assert made.tolist() == [[0 + 2, 0 + 2], [23 + 2, 6 + 2]]
    assert encoder.id_sizes == {"hour": 26, "weekday": 9}


def test_numbers_are_filled_standardized_and_followed_by_indicators() -> None:
    plan = plan_of({"kind": "numeric", "fields": ["price", "age"]})
    scalers = {"price": Scaler(5.0, 3.0, 2.0, False), "age": Scaler(40.0, 30.0, 10.0, True)}
    encoder = Encoder(plan, {}, scalers, 0.1)
    made = encoder.encode(columns(price=[7.0, NAN], age=[50, MISSING_INT]), np.array([0, 2]))
    assert encoder.numeric_names == ["price", "age", "age_missing"]
    assert made.numeric.tolist() == [[2.0, 2.0, 0.0], [1.0, 1.0, 1.0]]
    assert made.numeric.dtype == np.float32
    assert made.ids.shape == (2, 0)


def test_a_scaler_goes_with_its_column_whatever_the_order_it_is_given_in() -> None:
    plan = plan_of({"kind": "numeric", "fields": ["price", "age"]})
    scalers = {"age": Scaler(0.0, 100.0, 1.0, True), "price": PLAIN}
    encoder = Encoder(plan, {}, scalers, 0.1)
    made = encoder.encode(columns(price=[1.0], age=[101]), np.array([0, 1]))
    assert made.numeric.tolist() == [[1.0, 1.0, 0.0]]


def test_a_rate_is_smoothed_towards_the_prior_and_a_logit() -> None:
    plan = plan_of({"kind": "counter", "key": "item", "values": ["rate"]})
    given = columns(item__impressions=[0.0, 100.0, NAN], item__clicks=[0.0, 10.0, NAN])
    made = numeric_values(plan, 0.05, given, np.array([0, 3]))
    rate = (10 + 20 * 0.05) / (100 + 20)
    expected = [math.log(0.05 / 0.95), math.log(rate / (1 - rate)), NAN]
    np.testing.assert_allclose(made[:, 0], expected, rtol=1e-12)


@pytest.mark.parametrize("clicks", [0.0, 1e12])
def test_the_logit_of_an_extreme_rate_is_finite(clicks: float) -> None:
    plan = plan_of({"kind": "counter", "key": "item", "values": ["rate"]})
    given = columns(item__impressions=[1e12], item__clicks=[clicks])
    assert np.isfinite(numeric_values(plan, 0.05, given, np.array([0, 1]))).all()


def test_counts_ages_and_quantities_are_logarithms_where_they_should_be() -> None:
    plan = plan_of(
        {"kind": "counter", "key": "item", "values": ["impressions", "clicks"]},
        {"kind": "age", "key": "item"},
        {"kind": "numeric", "fields": "price", "transform": "log1p"},
        {"kind": "numeric", "fields": "age"},
    )
    given = columns(
        item__impressions=[9.0], item__clicks=[1.0], item__age=[99.0], price=[-3.0], age=[41]
    )
    made = numeric_values(plan, 0.1, given, np.array([0, 1]))
    expected = [math.log(10), math.log(2), math.log(100), -math.log(4), 41.0]
    np.testing.assert_allclose(made[0], expected, rtol=1e-12)


def test_relative_columns_compare_within_the_request_after_the_transform() -> None:
    plan = plan_of(
        {
            "kind": "numeric",
            "fields": "price",
            "transform": "log1p",
            "relative": ["rank", "difference"],
        }
    )
    given = columns(price=[0.0, 1.0, 3.0, 5.0, NAN])
    made = numeric_values(plan, 0.1, given, np.array([0, 3, 5]))
    log2 = math.log(2)
    np.testing.assert_allclose(made[:, 0], [0, log2, 2 * log2, math.log(6), NAN], rtol=1e-12)
    np.testing.assert_array_equal(made[:, 1], [0, 0.5, 1, 0.5, NAN])
    np.testing.assert_allclose(made[:, 2], [-log2, 0, log2, 0, NAN], atol=1e-12)


def test_every_candidate_knows_the_size_of_its_request() -> None:
    plan = plan_of({"kind": "request_size"})
    made = numeric_values(plan, 0.1, {"time": np.zeros(4, np.int64)}, np.array([0, 1, 4]))
    np.testing.assert_allclose(made[:, 0], np.log1p([1, 3, 3, 3]))


@pytest.mark.parametrize("value", [1e308, -1e308, 1e39, -1e30])
def test_any_finite_number_gives_finite_model_input(value: float) -> None:
    plan = plan_of({"kind": "numeric", "fields": "price", "relative": ["rank", "difference"]})
    scalers = dict.fromkeys([column.name for column in plan.numeric], PLAIN)
    encoder = Encoder(plan, {}, scalers, 0.1)
    made = encoder.encode(columns(price=[value, 1.0, value]), np.array([0, 3])).numeric
    assert np.isfinite(made).all()
    assert (np.sign(made[:, 0]) == [np.sign(value), 1, np.sign(value)]).all()
    assert made[0, 1] == made[2, 1]
    assert (made[0, 1] > made[1, 1]) == (value > 0)


def test_a_request_is_encoded_the_same_alone_and_among_others() -> None:
    rng = np.random.default_rng(3)
    plan = plan_of(
        {"kind": "categorical", "fields": "item"},
        {"kind": "numeric", "fields": "price", "relative": ["rank", "difference"]},
        {"kind": "request_size"},
    )
    names = [column.name for column in plan.numeric]
    scalers = {name: Scaler(0.5, 0.25, 2.0, True) for name in names}
    encoder = Encoder(plan, {"item": Vocabulary(np.arange(5))}, scalers, 0.1)
    offsets = np.array([0, 3, 4, 9])
    price = np.where(rng.random(9) < 0.3, NAN, rng.random(9))
    given = columns(price=price, item=rng.integers(0, 8, 9))
    together = encoder.encode(given, offsets)
    for first, last in pairwise(offsets):
        part = {name: values[first:last] for name, values in given.items()}
        alone = encoder.encode(part, np.array([0, last - first]))
        np.testing.assert_array_equal(alone.ids, together.ids[first:last])
        np.testing.assert_array_equal(alone.numeric, together.numeric[first:last])


def test_no_impressions_make_no_rows() -> None:
    plan = plan_of({"kind": "numeric", "fields": "price", "relative": ["rank"]}, {"kind": "time"})
    encoder = Encoder(plan, {}, {"price": PLAIN, "price_rank": PLAIN}, 0.1)
    made = encoder.encode(columns(price=np.empty(0)), np.array([0]))
    assert made.ids.shape == (0, 2)
    assert made.numeric.shape == (0, 2)
