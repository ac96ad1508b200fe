import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import entropy
from sklearn.metrics import log_loss as sklearn_log_loss
from sklearn.metrics import roc_auc_score

from clickthrough.evaluation.metrics import (
    all_metrics,
    auc,
    calibration_ratio,
    log_loss,
    normalized_entropy,
    regret,
    regrets,
    request_auc,
    request_aucs,
)
from clickthrough.evaluation.ranking import mean_average_precision, ndcg
from clickthrough.evaluation.reliability import expected_calibration_error
from tests.evaluation.planted import ROWS, arrays


def auc_by_pairs(rows: list[tuple[int, float]]) -> float:
    clicked = [score for label, score in rows if label == 1]
    shown = [score for label, score in rows if label == 0]
    won = [(a > b) + (a == b) / 2 for a, b in itertools.product(clicked, shown)]
    return sum(won) / len(won) if won else math.nan


@settings(deadline=None)
@given(rows=ROWS)
def test_auc_is_that_of_scikit_learn_ties_included(rows: list[tuple[int, float]]) -> None:
    labels, scores = arrays(rows)
    assume(0 < labels.sum() < len(labels))
    assert auc(labels, scores) == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)


def test_auc_is_that_of_scikit_learn_on_many_rows() -> None:
    rng = np.random.default_rng(1)
    scores = np.round(rng.random(50_000), 3)
    labels = (rng.random(50_000) < scores**2).astype(np.int8)
    assert auc(labels, scores) == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)


@pytest.mark.parametrize("label", [0, 1])
def test_auc_of_one_class_is_not_a_number(label: int) -> None:
    assert math.isnan(auc(np.full(3, label), np.array([0.1, 0.2, 0.3])))


def test_equal_scores_have_an_auc_of_one_half() -> None:
    assert auc(np.array([0, 1, 0, 1, 1]), np.full(5, 0.3)) == 0.5


@settings(deadline=None)
@given(requests=st.lists(ROWS, min_size=1, max_size=6))
def test_request_auc_is_the_mean_over_requests_of_won_pairs(
    requests: list[list[tuple[int, float]]],
) -> None:
    labels, scores = arrays([row for request in requests for row in request])
    offsets = np.cumsum([0, *(len(request) for request in requests)])
    expected = [auc_by_pairs(request) for request in requests]
    np.testing.assert_allclose(request_aucs(labels, scores, offsets), expected, atol=1e-12)
    known = [value for value in expected if not math.isnan(value)]
    mean = sum(known) / len(known) if known else math.nan
    np.testing.assert_allclose(request_auc(labels, scores, offsets), mean, atol=1e-12)


def test_request_auc_does_not_see_differences_between_requests() -> None:
    labels = np.array([0, 1, 0, 1])
    scores = np.array([0.1, 0.2, 0.8, 0.9])
    assert request_auc(labels, scores, np.array([0, 2, 4])) == 1.0
    assert auc(labels, scores) == 0.75


def test_requests_without_both_classes_do_not_count() -> None:
    labels = np.array([0, 1, 0, 0, 1, 1])
    scores = np.array([0.9, 0.1, 0.1, 0.9, 0.9, 0.1])
    assert request_auc(labels, scores, np.array([0, 2, 4, 6])) == 0.0
    assert math.isnan(request_auc(labels[2:], scores[2:], np.array([0, 2, 4])))


@settings(deadline=None)
@given(rows=ROWS)
def test_log_loss_is_that_of_scikit_learn(rows: list[tuple[int, float]]) -> None:
    labels, scores = arrays(rows)
    expected = sklearn_log_loss(labels, scores, labels=[0, 1])
    assert log_loss(labels, scores) == pytest.approx(expected, rel=1e-12)


def test_a_certain_mistake_costs_much_but_not_infinitely_much() -> None:
    assert 30 < log_loss(np.array([1, 0]), np.array([0.0, 1.0])) < 40
    assert log_loss(np.array([1, 0]), np.array([1.0, 0.0])) < 1e-12


def test_the_constant_click_rate_has_a_normalized_entropy_of_one() -> None:
    labels = np.array([0, 0, 0, 1])
    assert normalized_entropy(labels, np.full(4, 0.25)) == pytest.approx(1.0)
    assert normalized_entropy(labels, np.full(4, 0.5)) > 1
    assert normalized_entropy(labels, np.array([0.1, 0.1, 0.1, 0.9])) < 1
    expected = math.log(2) / -(0.25 * math.log(0.25) + 0.75 * math.log(0.75))
    assert normalized_entropy(labels, np.full(4, 0.5)) == pytest.approx(expected)
    assert math.isnan(normalized_entropy(np.zeros(4), np.full(4, 0.5)))


def test_calibration_is_predicted_over_observed_clicks() -> None:
    labels = np.array([0, 0, 0, 1])
    assert calibration_ratio(labels, np.array([0.5, 0.5, 0.5, 0.5])) == 2.0
    assert calibration_ratio(labels, np.array([0.1, 0.1, 0.1, 0.2])) == pytest.approx(0.5)
    assert math.isnan(calibration_ratio(np.zeros(4), np.full(4, 0.5)))


def test_all_metrics_are_each_metric_by_name() -> None:
    rng = np.random.default_rng(4)
    p = rng.random(60)
    labels = (rng.random(60) < p).astype(np.int8)
    offsets = np.arange(0, 61, 6)
    assert all_metrics(labels, p, offsets) == {
        "auc": auc(labels, p),
        "request_auc": request_auc(labels, p, offsets),
        "map_at_12": mean_average_precision(labels, p, offsets),
        "ndcg": ndcg(labels, p, offsets),
        "log_loss": log_loss(labels, p),
        "normalized_entropy": normalized_entropy(labels, p),
        "calibration_ratio": calibration_ratio(labels, p),
        "ece": expected_calibration_error(labels, p),
    }


def test_all_metrics_know_the_regret_where_the_truth_is_known() -> None:
    truth, p = np.array([0.2, 0.7, 0.4]), np.array([0.3, 0.6, 0.4])
    found = all_metrics(np.array([0, 1, 0]), p, np.array([0, 3]), truth)
    assert found["regret"] == regret(truth, p)
    assert "regret" not in all_metrics(np.array([0, 1, 0]), p, np.array([0, 3]))


@settings(deadline=None)
@given(
    pairs=st.lists(
        st.tuples(st.floats(0.001, 0.999), st.floats(0.001, 0.999)), min_size=1, max_size=20
    )
)
def test_regret_is_the_mean_divergence_and_never_negative(
    pairs: list[tuple[float, float]],
) -> None:
    truth, p = (np.array(side) for side in zip(*pairs, strict=True))
    both = [entropy([t, 1 - t], [q, 1 - q]) for t, q in pairs]
    assert regret(truth, p) == pytest.approx(np.mean(both), abs=1e-12)
    assert regret(truth, p) >= -1e-15
    assert regret(truth, truth) == 0


def test_regret_is_the_log_loss_beyond_that_of_the_truth() -> None:
    rng = np.random.default_rng(6)
    truth = rng.uniform(0.05, 0.6, 400_000)
    labels = (rng.random(len(truth)) < truth).astype(np.int8)
    p = np.clip(truth + rng.normal(0, 0.1, len(truth)), 0.01, 0.99)
    beyond = log_loss(labels, p) - log_loss(labels, truth)
    assert regret(truth, p) == pytest.approx(beyond, rel=0.05)


def test_regret_of_certainty_is_finite() -> None:
    truth, p = np.array([0.0, 1.0, 0.5]), np.array([1.0, 0.0, 0.0])
    assert np.isfinite(regrets(truth, p)).all()
    assert regrets(truth, p)[0] > 30
    np.testing.assert_allclose(regrets(truth, truth), 0, atol=1e-14)
