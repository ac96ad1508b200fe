import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from clickthrough.evaluation.bootstrap import (
    WeightedMetrics,
    interval,
    request_weights,
    resampled,
)
from clickthrough.evaluation.metrics import all_metrics, log_losses

Floats = NDArray[np.float64]
Log = tuple[NDArray[np.int8], Floats, NDArray[np.int64], Floats]


def log(seed: int, requests: int, spread: float = 0.0, step: float = 0.0) -> Log:
    """Return labels, predictions, offsets and the truth: requests differ by a hidden amount."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 7, requests)
    offsets = np.append(0, np.cumsum(sizes))
    logit = rng.normal(-1.0, 1.0, offsets[-1])
    true = 1 / (1 + np.exp(-logit - np.repeat(rng.normal(0, spread, requests), sizes)))
    labels = (rng.random(len(true)) < true).astype(np.int8)
    p = 1 / (1 + np.exp(-logit))
    return labels, np.round(p / step) * step if step else p, offsets, true


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
    labels, p, offsets, true = log(seed, requests, 1.0, step)
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
    one = log(seed, requests, 1.0, step)
    weights = np.random.default_rng(seed).integers(0, 4, (3, requests), np.int32)
    weights[:, 0] += 1
    found = WeightedMetrics(one[0], one[1], one[2], one[3]).of(weights)
    for place, drawn in enumerate(weights):
        labels, p, offsets, true = repeated(one, drawn)
        expected = all_metrics(labels, p, offsets, true)
        for name in expected.keys() - {"ece"}:  # its bins are those of the unweighted rows
            np.testing.assert_allclose(found[name][place], expected[name], rtol=1e-9, atol=1e-12)


def test_the_calibration_error_is_that_of_the_weighted_rows_in_the_same_bins() -> None:
    labels, p, offsets, _ = log(1, 50)
    weights = np.random.default_rng(1).integers(0, 3, (1, 50), np.int32)
    edges = np.searchsorted(np.sort(p), np.sort(p)[np.linspace(0, len(p), 15, False).astype(int)])
    bins = np.split(np.argsort(p, kind="stable"), edges[1:])
    rows = np.repeat(weights[0], np.diff(offsets))
    gaps = [abs((rows[b] * (p[b] - labels[b])).sum()) for b in bins]
    found = WeightedMetrics(labels, p, offsets).of(weights)["ece"][0]
    assert found == pytest.approx(sum(gaps) / rows.sum())


def test_a_resample_draws_as_many_requests_as_there_are() -> None:
    blocks = list(request_weights(1_000, 25, 3))
    drawn = np.concatenate(blocks)
    assert drawn.shape == (25, 1_000)
    assert (drawn.sum(axis=1) == 1_000).all()
    assert drawn.var() == pytest.approx(1.0, abs=0.05)  # that of a Poisson count of mean 1
    assert len({row.tobytes() for row in drawn}) == 25
    assert np.array_equal(drawn, np.concatenate(list(request_weights(1_000, 25, 3))))
    assert not np.array_equal(drawn, np.concatenate(list(request_weights(1_000, 25, 4))))


def test_all_names_see_the_same_resamples() -> None:
    labels, p, offsets, _ = log(1, 200)
    one = resampled(labels, p, offsets, 30, 5)
    same_order = resampled(labels, p**2, offsets, 30, 5)
    for name in ("auc", "request_auc", "map_at_12", "ndcg"):
        assert np.array_equal(one[name], same_order[name])
        assert one[name].std() > 0
    assert not np.array_equal(one["log_loss"], same_order["log_loss"])


def covered(width: float, seeds: range, expected: float) -> tuple[int, int]:
    """Count intervals of the log loss that hold its expectation, over requests and over rows."""
    by_request = by_row = 0
    for seed in seeds:
        labels, p, offsets, _ = log(seed, 120, spread=2.0)
        one = resampled(labels, p, offsets, 200, seed)["log_loss"]
        each = np.arange(len(labels) + 1)
        other = resampled(labels, p, each, 200, seed)["log_loss"]
        for samples, of_requests in ((one, True), (other, False)):
            low, high = interval(samples, width) or [0.0, 0.0]
            by_request += (low <= expected <= high) & of_requests
            by_row += (low <= expected <= high) & (not of_requests)
    return by_request, by_row


def test_intervals_hold_the_expectation_as_often_as_they_say() -> None:
    """Clicks of one request go together here: intervals over rows would be too narrow."""
    labels, p, _, _ = log(10_000, 300_000, spread=2.0)
    expected = float(log_losses(labels, p).mean())
    by_request, by_row = covered(0.9, range(200), expected)
    assert 0.84 <= by_request / 200 <= 0.95  # 90 %, less a little on 120 requests
    assert by_row / 200 < by_request / 200 - 0.05


def test_an_interval_holds_its_share_of_the_resamples() -> None:
    values = np.append(np.linspace(0, 1, 1_001), [np.nan] * 500)
    assert interval(values, 0.8) == pytest.approx([0.1, 0.9])
    assert interval(np.full(5, np.nan), 0.8) is None


def test_what_no_resample_defines_is_not_a_number() -> None:
    found = resampled(np.zeros(6, np.int8), np.full(6, 0.3), np.array([0, 3, 6]), 4, 1)
    for name in ("auc", "request_auc", "map_at_12", "ndcg", "normalized_entropy"):
        assert np.isnan(found[name]).all()
    assert np.isfinite(found["log_loss"]).all()
    assert "regret" not in found
