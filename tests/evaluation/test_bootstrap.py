import numpy as np
import pytest

from clickthrough.evaluation.bootstrap import interval, request_weights, resampled
from clickthrough.evaluation.metrics import log_losses
from tests.evaluation.planted import planted_log


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
    labels, p, offsets, _ = planted_log(1, 200)
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
        labels, p, offsets, _ = planted_log(seed, 120, spread=2.0)
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
    labels, p, _, _ = planted_log(10_000, 300_000, spread=2.0)
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
