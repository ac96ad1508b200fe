import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from clickthrough.calibration import Platt

FLOATS = st.floats(-1e6, 1e6)
SLOPES = st.floats(1e-3, 100)


def clicks(logits: NDArray[np.float64], slope: float, intercept: float) -> NDArray[np.int8]:
    rng = np.random.default_rng(8)
    true = 1 / (1 + np.exp(-(slope * logits + intercept)))
    return (rng.random(len(logits)) < true).astype(np.int8)


@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0, 60.0])
@pytest.mark.parametrize(("slope", "intercept"), [(1.0, 0.0), (0.5, -3.0), (2.0, 1.0)])
def test_a_planted_slope_and_intercept_are_recovered(
    scale: float, slope: float, intercept: float
) -> None:
    logits = np.random.default_rng(7).normal(0.0, 1.0, 200_000)
    labels = clicks(logits, slope, intercept)
    found = Platt.fit(logits * scale, labels)
    assert found.slope * scale == pytest.approx(slope, abs=0.05)
    assert found.intercept == pytest.approx(intercept, abs=0.05)


@pytest.mark.parametrize("center", [-25.0, 0.0, 40.0])
@pytest.mark.parametrize("slope", [1.0, 0.05, -1.0])
def test_mean_probability_is_the_click_rate_wherever_the_scores_lie(
    center: float, slope: float
) -> None:
    logits = np.random.default_rng(7).normal(0.0, 1.0, 20_000)
    labels = clicks(logits, slope, -2.0)
    shifted = logits + center
    found = Platt.fit(shifted, labels)
    assert found.probability(shifted).mean() == pytest.approx(labels.mean(), rel=1e-5)


def test_scores_that_rank_the_wrong_way_are_flattened_not_turned_round() -> None:
    logits = np.random.default_rng(7).normal(0.0, 1.0, 20_000)
    found = Platt.fit(logits, clicks(logits, -1.0, 0.0))
    assert 0 < found.slope < 0.01


@pytest.mark.parametrize(
    ("logits", "labels"),
    [
        ([0.0, 1.0, 2.0, 3.0], [0, 0, 1, 1]),  # separable
        ([1.0, 1.0, 1.0, 1.0], [0, 1, 0, 0]),  # constant
        ([0.0, 1.0, 2.0, 3.0], [0, 0, 0, 0]),
        ([0.0, 1.0, 2.0, 3.0], [1, 1, 1, 1]),
        ([0.5], [1]),
        ([-500.0, 500.0], [0, 1]),
    ],
)
def test_little_or_extreme_data_still_gives_finite_increasing_probabilities(
    logits: list[float], labels: list[int]
) -> None:
    found = Platt.fit(np.array(logits), np.array(labels))
    assert np.isfinite([found.slope, found.intercept]).all()
    assert found.slope > 0
    made = found.probability(np.array(logits))
    assert ((made > 0) & (made < 1)).all()


@pytest.mark.parametrize("rows", [50, 5_000])
def test_one_click_that_scores_separate_makes_no_cliff(rows: int) -> None:
    logits = np.linspace(-1.0, 1.0, rows)
    assert Platt.fit(logits, (np.arange(rows) == rows - 1).astype(int)).slope < 10


def test_constant_scores_get_the_click_rate() -> None:
    found = Platt.fit(np.full(8, 3.0), np.array([1, 0, 0, 0] * 2))
    assert found.probability(np.array([3.0]))[0] == pytest.approx(0.25, abs=1e-4)


@settings(deadline=None)
@given(slope=SLOPES, intercept=FLOATS, logits=st.lists(FLOATS, min_size=1, max_size=20))
def test_probabilities_are_strictly_between_0_and_1_and_never_decrease(
    slope: float, intercept: float, logits: list[float]
) -> None:
    made = Platt(slope=slope, intercept=intercept).probability(np.sort(np.array(logits)))
    assert ((made > 0) & (made < 1)).all()
    assert (np.diff(made) >= 0).all()


@settings(deadline=None)
@given(
    slope=SLOPES,
    intercept=st.floats(-10, 10),
    logits=st.lists(st.integers(-2_000, 2_000), min_size=2, max_size=20, unique=True),
)
def test_calibrated_logits_keep_the_ranking_even_where_probabilities_saturate(
    slope: float, intercept: float, logits: list[int]
) -> None:
    scores = np.sort(np.array(logits, np.float64)) / 100
    made = Platt(slope=slope, intercept=intercept).logit(scores)
    assert (np.diff(made) > 0).all()


def test_a_probability_is_that_of_the_calibrated_logit() -> None:
    platt = Platt(slope=2.0, intercept=-1.0)
    scores = np.array([-3.0, 0.5, 4.0], np.float32)
    np.testing.assert_allclose(platt.logit(scores), [-7.0, 0.0, 7.0])
    np.testing.assert_allclose(platt.probability(scores), 1 / (1 + np.exp([7.0, 0.0, -7.0])))


def test_a_calibrator_survives_json() -> None:
    platt = Platt(slope=0.1 + 0.2, intercept=-1 / 3)
    assert Platt.model_validate_json(platt.model_dump_json()) == platt
