"""The cosine of two bags equals that of two dicts of weights."""

from math import hypot, isnan, nan
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from clickthrough.features.encoding import similarity
from clickthrough.features.encoding.similarity import cosine, cosines
from clickthrough.features.lists import padded
from clickthrough.schema import FieldType

Bag = list[tuple[int, float | None]]
WEIGHTS = st.none() | st.floats(-2, 5)
BAGS = st.lists(st.tuples(st.integers(0, 5), WEIGHTS), max_size=6)


def weights_of(bag: Bag) -> dict[int, float]:
    weights: dict[int, float] = {}
    for entry, weight in bag:
        weights[entry] = weights.get(entry, 0.0) + max(weight or 0.0, 0.0)
    return weights


def naive(left: Bag, right: Bag) -> float:
    one, other = weights_of(left), weights_of(right)
    lengths = [hypot(*bag.values()) for bag in (one, other)]
    if 0 in lengths:
        return nan
    shares = {entry: w / lengths[1] for entry, w in other.items()}
    return sum(w / lengths[0] * shares.get(entry, 0.0) for entry, w in one.items())


def alike(bag: Bag) -> Bag:
    return [(entry, 1.0) for entry, _ in bag]


def array(bags: list[Bag], length: int, kind: FieldType) -> NDArray[Any]:
    rows = [[entry if kind == "int" else f"n{entry}" for entry, _ in bag] for bag in bags]
    return padded(rows, length, kind)


def weights(bags: list[Bag], length: int) -> NDArray[Any]:
    return padded([[weight for _, weight in bag] for bag in bags], length, "float")


@given(st.lists(st.tuples(BAGS, BAGS), min_size=1, max_size=8), st.sampled_from(["int", "str"]))
def test_cosine_equals_that_of_dicts(pairs: list[tuple[Bag, Bag]], kind: FieldType) -> None:
    left, right = [one for one, _ in pairs], [other for _, other in pairs]
    found = cosine(array(left, 6, kind), array(right, 9, kind), weights(left, 6), weights(right, 9))
    expected = [naive(*pair) for pair in pairs]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
    known = found[~np.isnan(found)]
    assert ((known >= 0) & (known <= 1 + 1e-12)).all()


@given(st.lists(st.tuples(BAGS, BAGS), min_size=1, max_size=8))
def test_without_weights_all_ids_are_alike(pairs: list[tuple[Bag, Bag]]) -> None:
    left, right = [one for one, _ in pairs], [other for _, other in pairs]
    found = cosine(array(left, 6, "int"), array(right, 6, "int"))
    expected = [naive(alike(one), alike(other)) for one, other in pairs]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_an_id_that_stands_twice_has_both_its_weights() -> None:
    assert cosine(np.array([[3, 3]]), np.array([[3, 3]]))[0] == pytest.approx(1.0)


def test_bags_without_a_common_id_are_unlike_and_empty_ones_unknown() -> None:
    found = cosine(np.array([[1, 2]]), np.array([[3, 4]]))
    assert found.tolist() == [0.0]
    assert isnan(cosine(array([[]], 2, "int"), np.array([[3, 4]]))[0])
    assert isnan(cosine(array([[]], 2, "str"), array([[(1, 1.0)]], 2, "str"))[0])


def test_weights_may_be_whole_numbers_and_missing() -> None:
    ids = np.array([[1, 2]])
    whole = padded([[3, None]], 2, "int")
    assert cosine(ids, np.array([[1, 9]]), whole, np.array([[1.0, 0.0]]))[0] == pytest.approx(1.0)


@given(
    several=st.lists(
        st.tuples(
            st.lists(st.tuples(BAGS, BAGS), min_size=3, max_size=3),
            st.sampled_from(["int", "str"]),
            st.booleans(),
            st.booleans(),
            st.integers(6, 9),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_several_at_once_equal_each_alone_to_the_last_bit(several: list[Any]) -> None:
    given: list[Any] = []
    for pairs, kind, shared, weighed, length in several:
        left, right = [one for one, _ in pairs][: 1 if shared else 3], [other for _, other in pairs]
        sides = (weights(left, length), weights(right, 6)) if weighed else (None, None)
        given.append((array(left, length, kind), array(right, 6, kind), *sides))
    for found, sides in zip(cosines(given), given, strict=True):
        np.testing.assert_array_equal(found, cosine(*sides))


def test_rows_are_compared_each_by_itself_whatever_the_block(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(3)
    left, right = rng.integers(0, 9, (50, 4)), rng.integers(0, 9, (50, 4))
    whole = cosine(left, right)
    monkeypatch.setattr(similarity, "_PAIRS", 7 * 4 * 4)
    np.testing.assert_array_equal(cosine(left, right), whole)
    np.testing.assert_array_equal(cosine(left, right[:1]), cosine(left, right[:1].repeat(50, 0)))
    given = rng.random((50, 4))
    shared = cosine(left, right[:1], None, given), cosine(right, left, given[:1], None)
    repeated = (
        cosine(left, right[:1].repeat(50, 0), None, given),
        cosine(right, left, given[:1].repeat(50, 0), None),
    )
    np.testing.assert_array_equal(shared, repeated)


def place_by_place(
    left: NDArray[Any], right: NDArray[Any], a: list[float], b: list[float]
) -> float:
    """Return an inner product, added up in the order of places."""
    total = 0.0
    for one, weight in zip(left, a, strict=True):
        shared = 0.0
        for other, theirs in zip(right, b, strict=True):
            shared += theirs if one == other else 0.0
        total += weight * shared
    return total


@pytest.mark.parametrize("rows", [1, 2, 3, 40])
@pytest.mark.parametrize("places", [1, 2, 9, 33])
def test_sums_have_one_order_whatever_the_rows_beside(rows: int, places: int) -> None:
    rng = np.random.default_rng(rows + places)
    left, right = (rng.integers(0, 4, (rows, places)) for _ in range(2))
    a, b = (rng.random((rows, places)) for _ in range(2))
    found = cosine(left, right, a, b)
    for row in range(rows):
        one = slice(row, row + 1)
        assert cosine(left[one], right[one], a[one], b[one])[0] == found[row]
    scaled = [np.ldexp(own, -np.frexp(own.max(1))[1][:, None]) for own in (a, b)]
    exact = [
        place_by_place(*row)
        for row in zip(left, right, scaled[0].tolist(), scaled[1].tolist(), strict=True)
    ]
    bags = [similarity._Bags.of(ids, own) for ids, own in ((left, a), (right, b))]
    assert similarity._dot(*bags).tolist() == exact


def test_an_infinite_weight_is_a_missing_one() -> None:
    left, right, theirs = np.array([[1, 2]]), np.array([[2, 3]]), np.array([[1.0, 1.0]])
    infinite, missing = (
        cosine(left, right, np.array([[far, 1.0]]), theirs)[0] for far in (float("inf"), nan)
    )
    assert infinite == missing == pytest.approx(0.5**0.5)
