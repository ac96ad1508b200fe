from unittest.mock import patch

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import rankdata

from clickthrough.features.encoding import relative
from clickthrough.features.encoding.relative import (
    difference_from_request,
    rank_in_request,
    request_of,
)

NAN = float("nan")
VALUES = st.sampled_from([NAN, -3.0, -0.0, 0.0, 0.5, 1.0, 1.0 + 1e-12, 2.0, 1e9])
REQUESTS = st.lists(st.lists(VALUES, min_size=1, max_size=6), min_size=1, max_size=6)


def joined(requests: list[list[float]]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    sizes = [len(request) for request in requests]
    flat = [value for request in requests for value in request]
    return np.array(flat), np.cumsum([0, *sizes], dtype=np.int64)


@settings(deadline=None)
@given(requests=REQUESTS)
def test_ranks_are_those_of_each_request_alone_by_scipy(requests: list[list[float]]) -> None:
    expected = []
    for request in requests:
        known = np.round([value for value in request if not np.isnan(value)], 9)
        ranks = iter(rankdata(known, "average") - 1)
        most = max(len(known) - 1, 1)
        for value in request:
            if np.isnan(value):
                expected.append(NAN)
            else:
                rank = float(next(ranks))
                expected.append(rank / most if len(known) > 1 else 0.5)
    np.testing.assert_allclose(rank_in_request(*joined(requests)), expected, atol=1e-15)
    with patch.object(relative, "_MANY", 1):  # as of many requests
        np.testing.assert_allclose(rank_in_request(*joined(requests)), expected, atol=1e-15)


@settings(deadline=None)
@given(requests=REQUESTS)
def test_differences_are_from_the_mean_of_what_is_known(requests: list[list[float]]) -> None:
    expected = []
    for request in requests:
        known = [value for value in request if not np.isnan(value)]
        mean = sum(known) / max(len(known), 1)
        expected += [value - mean for value in request]
    np.testing.assert_allclose(
        difference_from_request(*joined(requests)), expected, rtol=1e-12, atol=1e-6
    )


@settings(deadline=None)
@given(requests=REQUESTS, data=st.data())
def test_the_order_of_candidates_does_not_change_their_ranks(
    requests: list[list[float]], data: st.DataObject
) -> None:
    values, offsets = joined(requests)
    orders = [data.draw(st.permutations(range(len(request)))) for request in requests]
    moved = np.concatenate([offsets[i] + np.array(order) for i, order in enumerate(orders)])
    np.testing.assert_array_equal(
        rank_in_request(values[moved], offsets), rank_in_request(values, offsets)[moved]
    )


def test_ranks_go_from_0_to_1_and_ties_share_their_mean() -> None:
    values, offsets = joined([[10.0, 30.0, 20.0], [5.0, 5.0, 9.0], [7.0], [NAN, 1.0, 2.0], [NAN]])
    np.testing.assert_array_equal(
        rank_in_request(values, offsets),
        [0, 1, 0.5, 0.25, 0.25, 1, 0.5, NAN, 0, 1, NAN],
    )


def test_a_difference_in_the_last_bit_is_a_tie() -> None:
    values, offsets = joined([[0.1 + 0.2, 0.3]])
    assert values[0] != values[1]
    assert rank_in_request(values, offsets).tolist() == [0.5, 0.5]


def test_one_missing_value_leaves_the_differences_of_the_others() -> None:
    values, offsets = joined([[1.0, NAN, 3.0], [10.0]])
    np.testing.assert_array_equal(difference_from_request(values, offsets), [-1, NAN, 1, 0])


def test_each_row_knows_its_request() -> None:
    assert request_of(np.array([0, 2, 3, 6])).tolist() == [0, 0, 1, 2, 2, 2]


def test_no_rows_have_no_ranks() -> None:
    values, offsets = joined([])
    assert rank_in_request(values, offsets).shape == (0,)
    assert difference_from_request(values, offsets).shape == (0,)
