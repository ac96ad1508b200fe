"""Curves say what scikit-learn says, at points of the line itself."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve, roc_auc_score, roc_curve

from clickthrough.evaluation.curves import POINTS, counts, curves


def drawn(seed: int, rows: int, digits: int) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    probabilities = rng.random(rows).round(digits)
    labels = (rng.random(rows) < probabilities).astype(np.int8)
    labels[:2] = 0, 1
    return labels, probabilities


@given(st.integers(0, 2**32 - 1), st.integers(2, 200), st.integers(0, 3))
def test_each_point_is_one_of_scikit_learns(seed: int, rows: int, digits: int) -> None:
    labels, probabilities = drawn(seed, rows, digits)
    made = curves(labels, probabilities)
    fpr, tpr, _ = roc_curve(labels, probabilities, drop_intermediate=False)
    precision, recall, _ = precision_recall_curve(labels, probabilities)
    for name, x, y in (("roc", fpr, tpr), ("precision", recall, precision)):
        assert 1 <= len(made[name]) <= POINTS
        for point in made[name]:
            gaps = np.abs(x - point[0]) + np.abs(y - point[1])
            assert gaps.min() < 2e-5
    assert made["roc"][0] == [0, 0]
    assert made["roc"][-1] == made["gain"][-1] == [1, 1]
    assert made["precision"][-1][0] == 1


def test_the_area_below_the_thinned_line_is_the_metric() -> None:
    labels, probabilities = drawn(1, 20_000, 9)
    x, y = np.array(curves(labels, probabilities)["roc"]).T
    assert POINTS - 1 <= len(x) <= POINTS
    assert np.trapezoid(y, x) == pytest.approx(roc_auc_score(labels, probabilities), abs=2e-3)


def test_equal_predictions_are_found_together() -> None:
    found = counts(np.array([1, 0, 1, 0]), np.array([0.5, 0.5, 0.5, 0.1]))
    assert found.rows.tolist() == [0, 3, 4]
    assert found.clicks.tolist() == [0, 2, 2]


@pytest.mark.parametrize("label", [0, 1])
def test_without_both_classes_there_is_no_line(label: int) -> None:
    assert curves(np.full(5, label), np.linspace(0, 1, 5)) == {}
