import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binomtest

from clickthrough.evaluation.reliability import (
    expected_calibration_error,
    reliability,
    reliability_rows,
    wilson,
)
from tests.evaluation.planted import ROWS, arrays


def planted(rates: list[float], each: int) -> NDArray[np.int8]:
    """Return labels that hold, for each rate, exactly that share of clicks."""
    parts = [np.arange(each) < round(rate * each) for rate in rates]
    return np.concatenate(parts).astype(np.int8)


def test_reliability_finds_the_rates_that_were_planted() -> None:
    rates = [0.1, 0.2, 0.4]
    probabilities = np.repeat([0.05, 0.3, 0.4], 100)
    order = np.random.default_rng(2).permutation(300)
    labels = planted(rates, 100)
    found = reliability(labels[order], probabilities[order], bins=3)
    np.testing.assert_allclose(found.predicted, [0.05, 0.3, 0.4])
    np.testing.assert_allclose(found.observed, rates)
    np.testing.assert_array_equal(found.mass, [100, 100, 100])
    np.testing.assert_allclose(found.error, np.sqrt([0.05 * 0.95, 0.3 * 0.7, 0.4 * 0.6]) / 10)


def test_the_expected_calibration_error_is_the_mean_planted_gap() -> None:
    labels = planted([0.1, 0.2, 0.4], 100)
    probabilities = np.repeat([0.05, 0.3, 0.4], 100)
    gap = (0.05 + 0.1 + 0.0) / 3
    assert expected_calibration_error(labels, probabilities, 3) == pytest.approx(gap)
    exact = np.repeat([0.1, 0.2, 0.4], 100)
    assert expected_calibration_error(labels, exact) == pytest.approx(0, abs=1e-12)


def test_probabilities_that_are_true_have_a_small_error_and_shifted_ones_their_shift() -> None:
    rng = np.random.default_rng(3)
    true = rng.uniform(0.1, 0.7, 200_000)
    labels = (rng.random(len(true)) < true).astype(np.int8)
    assert expected_calibration_error(labels, true) < 0.006
    shifted = expected_calibration_error(labels, true + 0.1)
    assert shifted == pytest.approx(0.1, abs=0.006)


@settings(deadline=None)
@given(rows=ROWS, data=st.data())
def test_the_order_of_rows_changes_no_calibration(
    rows: list[tuple[int, float]], data: st.DataObject
) -> None:
    moved = data.draw(st.permutations(rows))
    assert expected_calibration_error(*arrays(moved), 4) == pytest.approx(
        expected_calibration_error(*arrays(rows), 4), abs=1e-12
    )


@settings(deadline=None)
@given(rows=ROWS, bins=st.integers(1, 40))
def test_bins_hold_every_row_once_in_order_of_prediction(
    rows: list[tuple[int, float]], bins: int
) -> None:
    labels, scores = arrays(rows)
    predicted, observed, mass, error = reliability(labels, scores, bins)
    assert 1 <= len(mass) <= bins
    assert (mass > 0).all()
    assert (error > 0).all()
    assert mass.sum() == len(rows)
    assert (np.diff(predicted) > 0).all()
    assert (observed * mass).sum() == pytest.approx(labels.sum())
    assert (predicted * mass).sum() == pytest.approx(scores.sum())


def test_distinct_predictions_make_bins_of_equal_mass() -> None:
    mass = reliability(np.zeros(150), np.linspace(0.1, 0.9, 150)).mass
    assert mass.tolist() == [10.0] * 15


def test_click_rates_of_true_probabilities_lie_as_far_off_as_their_errors_say() -> None:
    rng = np.random.default_rng(5)
    true = rng.uniform(0.001, 0.3, 15_000)
    off = []
    for _ in range(40):
        found = reliability((rng.random(len(true)) < true).astype(np.int8), true)
        off.append((found.observed - found.predicted) / found.error)
    assert np.std(off) == pytest.approx(1.0, abs=0.1)


def test_the_rows_of_a_record_are_the_bins() -> None:
    labels, p = planted([0.1, 0.4], 50), np.repeat([0.2, 0.3], 50)
    first, second = reliability_rows(labels, p)
    assert first["click_rate"] == pytest.approx(0.1)
    low, high = wilson(np.array([0.4]), np.array([50.0]))
    assert second == pytest.approx(
        {
            "predicted": 0.3, "click_rate": 0.4, "impressions": 50, "error": (0.21 / 50) ** 0.5,
            "low": low[0], "high": high[0],
        }
    )  # fmt: skip


@pytest.mark.parametrize(("clicks", "rows"), [(0, 10), (3, 10), (50, 100), (10, 10), (1, 1)])
def test_intervals_of_click_rates_are_those_of_scipy(clicks: int, rows: int) -> None:
    low, high = wilson(np.array([clicks / rows]), np.array([float(rows)]))
    expected = binomtest(clicks, rows).proportion_ci(0.95, method="wilson")
    assert (low[0], high[0]) == pytest.approx((expected.low, expected.high), abs=1e-7)
