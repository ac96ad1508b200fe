import math
from datetime import datetime
from itertools import pairwise

import numpy as np
import pytest
from pydantic import TypeAdapter

from clickthrough.config.features import Counters, Feature
from clickthrough.features.encoding.encoder import Encoded, Encoder
from clickthrough.features.encoding.hashing import hashed_ids
from clickthrough.features.encoding.numeric import numeric_values
from clickthrough.features.encoding.scaler import Scaler
from clickthrough.features.encoding.vocabulary import Vocabulary
from clickthrough.features.plan import Plan, make_plan
from clickthrough.schema import MISSING_INT, Columns, Schema, to_microseconds

NAN = float("nan")
SCHEMA = Schema.model_validate(
    {
        "roles": {"time": "t", "item": "ad", "label": "y"},
        "fields": {
            "user": "int",
            "item": "int",
            "city": "str",
            "price": "float",
            "age": "int",
            "tags": "strs",
            "shares": "floats",
            "numbers": "ints",
        },
    }
)
PLAIN = Scaler(fill=0.0, low=-1e6, high=1e6, mean=0.0, scale=1.0, indicator=False)


def scaler(fill: float, mean: float, scale: float, indicator: bool) -> Scaler:
    """Return one that holds nothing."""
    return Scaler(fill, -1e6, 1e6, mean, scale, indicator)


def plan_of(*features: dict[str, object], timezone: str = "UTC") -> Plan:
    declared = TypeAdapter(list[Feature]).validate_python(list(features))
    return make_plan(declared, Counters(smoothing=20), SCHEMA, timezone)


def columns(**made: object) -> Columns:
    arrays = {name.replace("__", ":"): np.asarray(values) for name, values in made.items()}
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
    scalers = {"price": scaler(5.0, 3.0, 2.0, False), "age": scaler(40.0, 30.0, 10.0, True)}
    encoder = Encoder(plan, {}, scalers, 0.1)
    made = encoder.encode(columns(price=[7.0, NAN], age=[50, MISSING_INT]), np.array([0, 2]))
    assert encoder.numeric_names == ["price", "age", "age_missing"]
    assert made.numeric.tolist() == [[2.0, 2.0, 0.0], [1.0, 1.0, 1.0]]
    assert made.numeric.dtype == np.float32
    assert made.ids.shape == (2, 0)


def test_known_values_are_held_to_the_bounds_and_what_fills_is_not() -> None:
    plan = plan_of({"kind": "numeric", "fields": "price"})
    encoder = Encoder(plan, {}, {"price": Scaler(-1.0, 2.0, 8.0, 4.0, 2.0, True)}, 0.1)
    made = encoder.encode(columns(price=[1e300, 9.0, 5.0, -7.0, NAN]), np.array([0, 5]))
    assert made.numeric[:, 0].tolist() == [2.0, 2.0, 0.5, -1.0, -2.5]
    assert made.numeric[:, 1].tolist() == [0, 0, 0, 0, 1]


@pytest.mark.parametrize("transform", ["none", "log1p"])
def test_an_infinite_value_is_encoded_as_a_missing_one(transform: str) -> None:
    plan = plan_of(
        {"kind": "numeric", "fields": "price", "transform": transform,
         "relative": ["rank", "difference"]},
        {"kind": "elapsed", "fields": "price"},
    )  # fmt: skip
    scalers = {column.name: scaler(0.5, 0.25, 2.0, True) for column in plan.numeric}
    encoder, offsets = Encoder(plan, {}, scalers, 0.1), np.array([0, 4])
    infinite, missing = [1.0, math.inf, -math.inf, 3.0], [1.0, NAN, NAN, 3.0]
    made = [encoder.encode(columns(price=price), offsets) for price in (infinite, missing)]
    np.testing.assert_array_equal(made[0].numeric, made[1].numeric)
    assert made[0].numeric[1:3, 4:].all()


def test_scaling_takes_what_is_not_finite_for_missing() -> None:
    plan = plan_of({"kind": "numeric", "fields": "price"})
    encoder = Encoder(plan, {}, {"price": scaler(5.0, 3.0, 2.0, True)}, 0.1)
    made = encoder.scale(np.array([[math.inf], [-math.inf], [NAN]]))
    assert made.tolist() == [[1.0, 1.0]] * 3


def test_a_constant_column_is_0_whatever_comes_and_is_named() -> None:
    plan = plan_of({"kind": "numeric", "fields": ["price", "age"]})
    constant = Scaler(7.0, 7.0, 7.0, 7.0, 1.0, False)
    encoder = Encoder(plan, {}, {"price": constant, "age": PLAIN}, 0.1)
    made = encoder.encode(columns(price=[7.0, 1e9, -5.0, NAN], age=[1] * 4), np.array([0, 4]))
    assert made.numeric[:, 0].tolist() == [0.0] * 4
    assert encoder.constant_names == ["price"]


def test_a_scaler_goes_with_its_column_whatever_the_order_it_is_given_in() -> None:
    plan = plan_of({"kind": "numeric", "fields": ["price", "age"]})
    scalers = {"age": scaler(0.0, 100.0, 1.0, True), "price": PLAIN}
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
    scalers = {name: scaler(0.5, 0.25, 2.0, True) for name in names}
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


NOTHING = MISSING_INT
CITIES = Vocabulary(np.array([b"oslo", b"rome"]))
ITEMS = Vocabulary(np.array([7, 9]))
WORDS = Vocabulary(np.array([b"jazz", b"news"]))


def clicks(field: str, values: object, sizes: object) -> Columns:
    """Return the history columns of a user's last clicks."""
    return {f"user:last:{field}": np.asarray(values), f"user:last:{field}:size": np.asarray(sizes)}


def test_a_match_counts_the_own_value_among_the_last_clicks() -> None:
    plan = plan_of({"kind": "match", "fields": "item", "length": 3})
    last = [[7, 9, 7], [9, 9, NOTHING], [NOTHING] * 3, [7, NOTHING, NOTHING]]
    given = columns(item=[7, 9, 7, 8]) | clicks("item", last, [3.0, 2.0, 0.0, 1.0])
    made = numeric_values(plan, 0.1, given, np.array([0, 4]))
    np.testing.assert_allclose(made[:, 0], np.log1p([2, 2, 0, 0]), rtol=1e-12)


def test_a_match_of_texts_does_not_depend_on_the_width_of_its_arrays() -> None:
    plan = plan_of({"kind": "match", "fields": "city", "length": 2})
    last = np.array([[b"oslo", b"os"], [b"a longer name", b"oslo"], [b"", b""]])
    given = columns(city=np.array([b"oslo", b"oslo", b"os"])) | clicks("city", last, [2.0, 2.0, 0])
    made = numeric_values(plan, 0.1, given, np.array([0, 3]))
    np.testing.assert_allclose(made[:, 0], np.log1p([1, 1, 0]), rtol=1e-12)


def test_a_match_without_a_user_or_without_a_value_is_missing() -> None:
    plan = plan_of({"kind": "match", "fields": ["item", "city"], "length": 2})
    given = (
        columns(item=[7, NOTHING, NOTHING], city=np.array([b"", b"oslo", b""]))
        | clicks("item", [[7, 7], [NOTHING] * 2, [NOTHING] * 2], [NAN, 0.0, 1.0])
        | clicks("city", np.array([[b"", b""], [b"oslo", b""], [b"", b""]]), [2.0, 1.0, NAN])
    )
    made = numeric_values(plan, 0.1, given, np.array([0, 3]))
    np.testing.assert_allclose(made[:, 0], [NAN, NAN, NAN])
    np.testing.assert_allclose(made[:, 1], [NAN, math.log(2), NAN])


def test_a_match_reads_no_further_back_than_its_own_length() -> None:
    """A sequence of the same key and field can be longer: both read one column."""
    plan = plan_of(
        {"kind": "match", "fields": "item", "length": 2},
        {"kind": "sequence", "length": 4},
    )
    assert plan.history_columns == ["user:last:item", "user:last:item:size"]
    given = columns(item=[7, 9]) | clicks("item", [[9, 9, 7, 7]] * 2, [4.0, 4.0])
    made = numeric_values(plan, 0.1, given, np.array([0, 2]))
    np.testing.assert_allclose(made[:, 0], np.log1p([0, 2]))


def test_a_match_is_compared_within_its_request() -> None:
    plan = plan_of({"kind": "match", "fields": "item", "relative": ["rank", "difference"]})
    given = columns(item=[7, 9, 8]) | clicks("item", [[7, 7, 9]] * 3, [3.0] * 3)
    made = numeric_values(plan, 0.1, given, np.array([0, 3]))
    np.testing.assert_array_equal(made[:, 1], [1.0, 0.5, 0.0])
    np.testing.assert_allclose(made[:, 2].sum(), 0.0, atol=1e-12)


def test_a_sequence_is_a_bag_of_the_ids_of_its_field() -> None:
    plan = plan_of({"kind": "sequence", "length": 3}, {"kind": "sequence", "field": "city",
                    "length": 2})  # fmt: skip
    vocabularies = {"item": ITEMS, "city": CITIES}
    encoder = Encoder(plan, vocabularies, {}, 0.1)
    given = (
        columns(time=[0, 0, 0])
        | clicks("item", [[9, 8, 7], [9, NOTHING, NOTHING], [NOTHING] * 3], [3.0, 1.0, NAN])
        | clicks("city", np.array([[b"rome", b"bonn"], [b"oslo", b""], [b"", b""]]), [2.0, 1, 0])
    )
    made = encoder.encode(given, np.array([0, 3]))
    assert made.bag_ids.tolist() == [[3, 1, 2, 3, 1], [3, 0, 0, 2, 0], [0] * 5]
    third = np.float32(1 / 3)
    assert made.bag_weights.tolist() == [
        [third, third, third, 0.5, 0.5],
        [1.0, 0.0, 0.0, 1.0, 0.0],
        [0.0] * 5,
    ]
    assert encoder.bag_shapes == {"user_item_sequence": (4, 3), "user_city_sequence": (4, 2)}
    assert encoder.id_sizes == {}


def test_list_fields_are_bags_in_the_order_declared() -> None:
    plan = plan_of(
        {"kind": "bag", "field": "numbers", "length": 1},
        {"kind": "bag", "field": "tags", "weights": "shares", "length": 2},
    )
    assert plan.list_lengths == {"numbers": 1, "tags": 2, "shares": 2}
    encoder = Encoder(plan, {"tags": WORDS, "numbers": ITEMS}, {}, 0.1)
    given = columns(
        tags=np.array([[b"news", b"jazz"], [b"golf", b""]]),
        shares=[[1.0, 3.0], [2.0, NAN]],
        numbers=[[9], [NOTHING]],
    )
    made = encoder.encode(given, np.array([0, 2]))
    assert made.bag_ids.tolist() == [[3, 3, 2], [0, 1, 0]]
    assert made.bag_weights.tolist() == [[1.0, 0.25, 0.75], [0.0, 1.0, 0.0]]
    assert made.bag_ids.dtype == np.int32
    assert made.bag_weights.dtype == np.float32


def test_weights_can_serve_bags_of_several_lengths() -> None:
    plan = plan_of(
        {"kind": "bag", "field": "numbers", "weights": "shares", "length": 1},
        {"kind": "bag", "field": "tags", "weights": "shares", "length": 3},
    )
    assert plan.list_lengths["shares"] == 3
    encoder = Encoder(plan, {"tags": WORDS, "numbers": ITEMS}, {}, 0.1)
    given = columns(
        tags=np.array([[b"news", b"jazz", b"news"]]), shares=[[1.0, 1.0, 2.0]], numbers=[[9]]
    )
    made = encoder.encode(given, np.array([0, 1]))
    assert made.bag_weights.tolist() == [[1.0, 0.25, 0.25, 0.5]]


def test_a_hashed_field_stands_among_the_ids_in_the_order_declared() -> None:
    plan = plan_of(
        {"kind": "hashed", "fields": ["city", "item"], "buckets": 50},
        {"kind": "categorical", "fields": "item"},
    )
    encoder = Encoder(plan, {"item": ITEMS}, {}, 0.1)
    city, item = np.array([b"oslo", b"", b"bonn"]), np.array([7, 123, NOTHING])
    made = encoder.ids(columns(city=city, item=item))
    assert encoder.id_sizes == {"city_hashed": 52, "item_hashed": 52, "item": 4}
    assert made[:, 0].tolist() == hashed_ids(city, 50).tolist()
    assert made[:, 1].tolist() == hashed_ids(item, 50).tolist()
    assert made[:, 2].tolist() == [2, 1, 0]
    assert (made[1, 0], made[2, 1]) == (0, 0)


def many(rows: int) -> Encoded:
    plan = plan_of(
        {"kind": "categorical", "fields": "item"},
        {"kind": "numeric", "fields": "price"},
        {"kind": "bag", "field": "tags", "length": 2},
    )
    encoder = Encoder(plan, {"item": ITEMS, "tags": WORDS}, {"price": PLAIN}, 0.1)
    rng = np.random.default_rng(1)
    given = columns(
        item=rng.integers(5, 12, rows),
        price=rng.random(rows),
        tags=rng.choice(np.array([b"news", b"jazz", b"golf", b""]), (rows, 2)),
    )
    return encoder.encode(given, np.array([0, rows]))


def test_rows_of_model_input_can_be_chosen_and_joined_again() -> None:
    whole = many(20)
    assert len(whole) == 20
    assert list(whole.arrays()) == ["ids", "numeric", "bag_ids", "bag_weights"]
    parts = [whole[:7], whole[7:8], whole[8:]]
    assert [len(part) for part in parts] == [7, 1, 12]
    chosen = np.arange(20) % 3 == 0
    for name, array in whole.arrays().items():
        assert np.ptp(array) > 0
        np.testing.assert_array_equal(Encoded.joined(parts).arrays()[name], array)
        np.testing.assert_array_equal(whole[chosen].arrays()[name], array[chosen])
