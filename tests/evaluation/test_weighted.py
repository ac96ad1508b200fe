import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from clickthrough.evaluation.metrics import all_metrics
from clickthrough.evaluation.weighted import WeightedMetrics
from tests.evaluation.planted import Log, planted_log


def repeated(one: Log, weights: NDArray[np.int32]) -> Log:
    """Return a log in which each request stands as often as its weight says."""
    labels, p, offsets, true = one
    chosen = np.repeat(np.arange(len(weights)), weights)
    rows = np.concatenate([np.arange(offsets[r], offsets[r + 1]) for r in chosen])
    ends = np.append(0, np.cumsum(np.diff(offsets)[chosen]))
    return labels[rows], p[rows], ends, true[rows]


@settings(deadline=None)
@given(seed=st.integers(0, 2**32), requests=st.integers(1, 40), step=st.sampled_from([0.0, 0.1]))
def test_with_weights_of_one_every_metric_is_the_unweighted_one(
    seed: int, requests: int, step: float
) -> None:
    labels, p, offsets, true = planted_log(seed, requests, 1.0, step)
    ones = np.ones((1, requests), np.int32)
    found = WeightedMetrics(labels, p, offsets, true).of(ones)
    expected = all_metrics(labels, p, offsets, true)
    assert list(found) == list(expected)
    np.testing.assert_equal(found["auc"][0], expected["auc"])  # counts: not a bit differs
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], [value], rtol=1e-12, atol=1e-15)


@settings(deadline=None)
@given(seed=st.integers(0, 2**32), requests=st.integers(1, 30), step=st.sampled_from([0.0, 0.1]))
def test_a_weight_is_as_if_the_request_stood_so_often(
    seed: int, requests: int, step: float
) -> None:
    one = planted_log(seed, requests, 1.0, step)
    weights = np.random.default_rng(seed).integers(0, 4, (3, requests), np.int32)
    weights[:, 0] += 1
    found = WeightedMetrics(one[0], one[1], one[2], one[3]).of(weights)
    for place, drawn in enumerate(weights):
        labels, p, offsets, true = repeated(one, drawn)
        expected = all_metrics(labels, p, offsets, true)
        for name in expected.keys() - {"ece"}:  # its bins are those of the unweighted rows
            np.testing.assert_allclose(found[name][place], expected[name], rtol=1e-9, atol=1e-12)


def test_the_calibration_error_is_that_of_the_weighted_rows_in_the_same_bins() -> None:
    labels, p, offsets, _ = planted_log(1, 50)
    weights = np.random.default_rng(1).integers(0, 3, (1, 50), np.int32)
    edges = np.searchsorted(np.sort(p), np.sort(p)[np.linspace(0, len(p), 15, False).astype(int)])
    bins = np.split(np.argsort(p, kind="stable"), edges[1:])
    rows = np.repeat(weights[0], np.diff(offsets))
    gaps = [abs((rows[b] * (p[b] - labels[b])).sum()) for b in bins]
    found = WeightedMetrics(labels, p, offsets).of(weights)["ece"][0]
    assert found == pytest.approx(sum(gaps) / rows.sum())
