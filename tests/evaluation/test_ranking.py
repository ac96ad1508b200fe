import itertools
import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import ndcg_score

from clickthrough.evaluation.ranking import (
    average_precisions,
    mean_average_precision,
    ndcg,
    ndcgs,
)

Rows = list[tuple[int, float]]
SCORES = st.sampled_from([0.1, 0.2, 0.3, 0.9])
SHORT = st.lists(st.tuples(st.integers(0, 1), SCORES), min_size=1, max_size=6)
LONG = st.lists(st.tuples(st.integers(0, 1), SCORES), min_size=1, max_size=30)


def arrays(
    requests: list[Rows],
) -> tuple[NDArray[np.int8], NDArray[np.float64], NDArray[np.int64]]:
    labels, scores = zip(*(row for request in requests for row in request), strict=True)
    offsets = np.cumsum([0, *map(len, requests)])
    return np.array(labels, np.int8), np.array(scores), offsets


def precision_of(order: tuple[int, ...], cutoff: int) -> float:
    """The competition's definition, word for word: labels, best first."""
    hits, total = 0, 0.0
    for place, label in enumerate(order[:cutoff], 1):
        hits += label
        total += label * hits / place
    return total / min(sum(order), cutoff) if sum(order) else math.nan


def gain_of(order: tuple[int, ...], cutoff: int) -> float:
    def gain(labels: tuple[int, ...]) -> float:
        return sum(label / math.log2(place + 1) for place, label in enumerate(labels, 1))

    return gain(order) / gain(tuple(sorted(order, reverse=True))) if sum(order) else math.nan


def over_all_orders(rows: Rows, metric: object, cutoff: int) -> float:
    """The mean over every order of the rows in which no better score stands below a worse one."""
    if len(rows) == 1:
        return math.nan  # nothing is ranked
    orders = [
        tuple(label for label, _ in order)
        for order in itertools.permutations(rows)
        if all(above >= below for (_, above), (_, below) in itertools.pairwise(order))
    ]
    return sum(metric(order, cutoff) for order in orders) / len(orders)  # type: ignore[operator]


@settings(deadline=None)
@given(requests=st.lists(SHORT, min_size=1, max_size=3), cutoff=st.integers(1, 7))
def test_average_precision_is_the_mean_over_all_orders_of_the_ties(
    requests: list[Rows], cutoff: int
) -> None:
    expected = [over_all_orders(rows, precision_of, cutoff) for rows in requests]
    found = average_precisions(*arrays(requests), cutoff)
    np.testing.assert_allclose(found, expected, atol=1e-12)


@settings(deadline=None)
@given(requests=st.lists(SHORT, min_size=1, max_size=3))
def test_ndcg_is_the_mean_over_all_orders_of_the_ties(requests: list[Rows]) -> None:
    expected = [over_all_orders(rows, gain_of, 0) for rows in requests]
    np.testing.assert_allclose(ndcgs(*arrays(requests)), expected, atol=1e-12)


@settings(deadline=None)
@given(rows=LONG.filter(lambda rows: len(rows) > 1 and any(label for label, _ in rows)))
def test_ndcg_is_that_of_scikit_learn(rows: Rows) -> None:
    labels, scores, offsets = arrays([rows])
    assert ndcgs(labels, scores, offsets)[0] == pytest.approx(ndcg_score([labels], [scores]))


@settings(deadline=None)
@given(requests=st.lists(LONG, min_size=1, max_size=4), data=st.data())
def test_the_order_of_rows_within_a_request_changes_nothing(
    requests: list[Rows], data: st.DataObject
) -> None:
    moved = [data.draw(st.permutations(rows)) for rows in requests]
    for metric in (average_precisions, ndcgs):
        np.testing.assert_allclose(
            metric(*arrays(moved)), metric(*arrays(requests)), rtol=0, atol=1e-12
        )


def test_with_one_click_average_precision_is_one_over_its_place_up_to_the_cutoff() -> None:
    for place in (1, 2, 12, 13):
        labels = (np.arange(1, 21) == place).astype(np.int8)
        found = average_precisions(labels, np.linspace(1, 0, 20), np.array([0, 20]))
        assert found[0] == (1 / place if place <= 12 else 0.0)


def test_a_constant_reaches_what_a_random_order_reaches() -> None:
    """With one click among n: the mean of 1/place, (1 + 1/2 + ... + 1/n) / n."""
    for click_first in (True, False):
        labels = np.array([click_first, 0, 0, not click_first], np.int8)
        found = mean_average_precision(labels, np.full(4, 0.2), np.array([0, 4]))
        assert found == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4) / 4)


def test_requests_of_one_candidate_are_left_out() -> None:
    labels, scores = np.array([1, 0, 1]), np.array([0.3, 0.9, 0.1])
    for metric in (mean_average_precision, ndcg):
        assert metric(labels, scores, np.array([0, 1, 3])) < 1
        assert math.isnan(metric(labels, scores, np.array([0, 1, 2, 3])))


def test_requests_without_a_click_are_left_out() -> None:
    labels, scores = np.array([0, 0, 0, 1], np.int8), np.array([0.1, 0.2, 0.9, 0.1])
    offsets = np.array([0, 2, 4])
    assert mean_average_precision(labels, scores, offsets) == 0.5
    assert ndcg(labels, scores, offsets) == pytest.approx(1 / math.log2(3))
    assert math.isnan(mean_average_precision(labels[:2], scores[:2], offsets[:2]))
    assert math.isnan(ndcg(labels[:2], scores[:2], offsets[:2]))


def test_the_right_order_reaches_one_and_the_wrong_one_less() -> None:
    labels = np.array([1, 1, 0, 0], np.int8)
    right, wrong = np.array([0.9, 0.8, 0.2, 0.1]), np.array([0.1, 0.2, 0.8, 0.9])
    offsets = np.array([0, 4])
    for metric in (mean_average_precision, ndcg):
        assert metric(labels, right, offsets) == 1
        assert metric(labels, wrong, offsets) < 0.7


def test_a_constant_on_real_requests_reaches_the_published_random_precision(
    real_logs: Path,
) -> None:
    """The last fifth of the displays of Outbrain: a random order reaches .478."""
    rows = pl.read_csv(real_logs / "outbrain_ranking" / "clicks.csv").sort("display_id")
    displays = rows["display_id"].unique().sort()
    rows = rows.filter(pl.col("display_id") >= displays[int(len(displays) * 0.8)])
    sizes = rows.group_by("display_id", maintain_order=True).len()["len"].to_numpy()
    offsets = np.append(0, np.cumsum(sizes)).astype(np.int64)
    labels = rows["clicked"].to_numpy()
    found = mean_average_precision(labels, np.full(len(labels), 0.2), offsets)
    assert found == pytest.approx(0.478, abs=0.003)
