from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from clickthrough.features.columns import BagColumn
from clickthrough.features.encoding.bags import encode_bag
from clickthrough.features.encoding.vocabulary import MISSING, UNSEEN, Vocabulary
from clickthrough.features.lists import padded
from clickthrough.schema import MISSING_INT, FieldType

NAN = float("nan")
NUMBERS = Vocabulary(np.array([10, 20, 30]))
TEXTS = Vocabulary(np.array([b"jazz", b"news"]))


def encoded(
    values: Sequence[Sequence[Any]],
    weights: Sequence[Sequence[Any]] | None = None,
    length: int = 3,
    kind: FieldType = "int",
    weight_kind: FieldType = "float",
    width: int | None = None,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Encode lists that arrive as arrays of some width."""
    column = BagColumn("tags_bag", "tags", "tags", length, "shares" if weights else None)
    columns = {"tags": padded(values, width or length, kind)}
    if weights:
        columns["shares"] = padded(weights, width or length, weight_kind)
    return encode_bag(column, NUMBERS if kind == "int" else TEXTS, columns)


def test_values_weigh_alike_where_no_weights_are_given() -> None:
    ids, weights = encoded([[10, 30], [20], [10, 20, 30]])
    assert ids.tolist() == [[2, 4, 0], [3, 0, 0], [2, 3, 4]]
    expected = np.array([[0.5, 0.5, 0], [1, 0, 0], [1 / 3] * 3])
    np.testing.assert_allclose(weights, expected, rtol=1e-6)
    assert ids.dtype == np.int32
    assert weights.dtype == np.float32


def test_texts_are_ids_too() -> None:
    ids, weights = encoded([["news", "jazz"], ["golf", None]], kind="str", length=2)
    assert ids.tolist() == [[3, 2], [UNSEEN, MISSING]]
    assert weights.tolist() == [[0.5, 0.5], [1.0, 0.0]]


def test_an_empty_bag_weighs_nothing() -> None:
    ids, weights = encoded([[], [None, None]])
    assert ids.tolist() == [[MISSING] * 3] * 2
    assert weights.tolist() == [[0.0] * 3] * 2


def test_an_unseen_value_weighs_as_a_known_one_and_a_missing_one_nothing() -> None:
    ids, weights = encoded([[10, 99], [10, None, 20], [99, 98, 97]])
    assert ids.tolist() == [[2, UNSEEN, 0], [2, MISSING, 3], [UNSEEN] * 3]
    expected = np.array([[0.5, 0.5, 0], [0.5, 0, 0.5], [1 / 3] * 3])
    np.testing.assert_allclose(weights, expected, rtol=1e-6)


def test_given_weights_are_shares_of_their_sum() -> None:
    _, weights = encoded([[10, 20], [10, 20, 30]], [[3.0, 1.0], [0.5, 0.25, 0.25]])
    assert weights.tolist() == [[0.75, 0.25, 0.0], [0.5, 0.25, 0.25]]


def test_whole_numbers_can_be_weights() -> None:
    _, weights = encoded([[10, 20], [10, 20]], [[3, 1], [None, 2]], weight_kind="int")
    assert weights.tolist() == [[0.75, 0.25, 0.0], [0.0, 1.0, 0.0]]


@pytest.mark.parametrize("nothing", [None, NAN, -1.0, -1e300, 0.0])
def test_a_weight_that_is_negative_or_missing_is_none(nothing: float | None) -> None:
    _, weights = encoded([[10, 20], [10, 20]], [[nothing, 4.0], [nothing, nothing]])
    assert weights.tolist() == [[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]


def test_a_value_without_its_weight_weighs_nothing() -> None:
    _, weights = encoded([[10, 20, 30], [10, 20]], [[1.0], []])
    assert weights.tolist() == [[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]


def test_the_weight_of_a_missing_value_is_shared_by_the_others() -> None:
    _, weights = encoded([[10, None, 20]], [[1.0, 98.0, 1.0]])
    assert weights.tolist() == [[0.5, 0.0, 0.5]]


@pytest.mark.parametrize("width", [2, 4, 9])
def test_a_bag_is_cut_or_filled_up_to_its_length(width: int) -> None:
    """Two bags can share a list, and an array is as wide as the longer one needs."""
    values, shares = [[10, 20, 30, 10], [20]], [[1.0, 3.0, 4.0, 8.0], [5.0]]
    ids, weights = encoded(values, shares, length=2, width=width)
    assert ids.tolist() == [[2, 3], [3, 0]]
    assert weights.tolist() == [[0.25, 0.75], [1.0, 0.0]]
    ids, weights = encoded(values, length=7, width=width)
    assert ids.shape == weights.shape == (2, 7)
    assert (ids[:, width:] == MISSING).all()
    assert (weights[:, width:] == 0).all()


def test_no_impressions_have_no_bags() -> None:
    column = BagColumn("tags_bag", "tags", "tags", 4)
    ids, weights = encode_bag(column, NUMBERS, {"tags": np.empty((0, 4), np.int64)})
    assert ids.shape == weights.shape == (0, 4)


VALUE = st.sampled_from([10, 20, 30, 99, None])
WEIGHT = st.none() | st.floats(allow_infinity=False)


@settings(deadline=None)
@given(rows=st.lists(st.lists(st.tuples(VALUE, WEIGHT), max_size=6), min_size=1, max_size=6))
@example(rows=[[(10, 1e308), (20, 1e308)], [(10, 5e-324), (20, 5e-324)]])
def test_the_weights_of_a_bag_sum_to_1_or_0(
    rows: list[list[tuple[int | None, float | None]]],
) -> None:
    values = [[value for value, _ in row] for row in rows]
    shares = [[weight for _, weight in row] for row in rows]
    for _, weights in (encoded(values), encoded(values, shares)):
        assert (weights >= 0).all()
    weighed = encoded(values, shares)[1].sum(axis=1)
    for row, total in zip(rows, weighed, strict=True):
        counts = any(v is not None and w is not None and w > 0 for v, w in row[:3])
        assert total == pytest.approx(1.0 if counts else 0.0, abs=1e-6)
    for row, total in zip(rows, encoded(values)[1].sum(axis=1), strict=True):
        counts = any(value is not None for value, _ in row[:3])
        assert total == pytest.approx(1.0 if counts else 0.0, abs=1e-6)


@settings(deadline=None)
@given(row=st.lists(st.tuples(st.sampled_from([10, 20, 99]), st.floats(1e-3, 1e3)), min_size=1,
                    max_size=3), scale=st.sampled_from([0.25, 8.0]))  # fmt: skip
def test_weights_of_another_scale_say_the_same(row: list[tuple[int, float]], scale: float) -> None:
    values = [[value for value, _ in row]]
    one = encoded(values, [[weight for _, weight in row]])
    other = encoded(values, [[weight * scale for _, weight in row]])
    assert np.array_equal(one[0], other[0])
    assert np.array_equal(one[1], other[1])


def test_a_missing_number_is_no_value_of_a_bag() -> None:
    column = BagColumn("tags_bag", "tags", "tags", 1)
    ids, weights = encode_bag(column, NUMBERS, {"tags": np.array([[MISSING_INT]])})
    assert (ids.tolist(), weights.tolist()) == ([[0]], [[0.0]])


def test_an_infinite_weight_is_a_missing_one_and_owns_no_bag() -> None:
    infinite, missing = (
        encoded([[10, 30, 20]], [[far, 1.0, 3.0]])[1] for far in (float("inf"), None)
    )
    assert infinite.tolist() == missing.tolist() == [[0.0, 0.25, 0.75]]
