"""What each method recovers of a miscalibration that was planted."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from clickthrough.calibration.choose import choose
from clickthrough.calibration.curves import CURVES
from clickthrough.calibration.isotonic import Isotonic
from clickthrough.calibration.knots import pooled
from clickthrough.calibration.rows import Rows
from clickthrough.calibration.temperature import Temperature
from tests.calibration.planted import bent, drawn, regret, saturating, waved

Floats = NDArray[np.float64]
BENT = [bent, waved, saturating]
SEEDS = range(4)


def line(scores: Floats) -> Floats:
    return 0.6 * scores - 1.0


def regrets(truth: Callable[[Floats], Floats], rows: int, seed: int) -> dict[str, float]:
    """Return what each method costs beyond the truth on rows that it was not fitted to."""
    fitted, _ = drawn(truth, rows, seed)
    held_out, true = drawn(truth, 40_000, seed + 1_000)
    return {
        name: regret(true, curve.fit(fitted.logits, fitted.labels).logit(held_out.logits))
        for name, curve in CURVES.items()
    }


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("truth", BENT)
def test_isotonic_follows_what_no_line_can(truth: Callable[[Floats], Floats], seed: int) -> None:
    found = regrets(truth, 20_000, seed)
    assert found["isotonic"] < found["platt"] / 4
    assert found["isotonic"] < 0.003


@pytest.mark.parametrize("seed", SEEDS)
def test_on_a_line_platt_is_best_and_isotonic_costs_little(seed: int) -> None:
    found = regrets(line, 20_000, seed)
    assert found["platt"] < found["isotonic"] < 0.001
    assert found["platt"] < found["temperature"]


@pytest.mark.parametrize("slope", [0.5, 1.0, 2.0])
def test_a_planted_temperature_is_recovered(slope: float) -> None:
    rows, _ = drawn(lambda x: slope * x, 200_000, seed=5)
    found = Temperature.fit(rows.logits, rows.labels)
    assert found.temperature == pytest.approx(1 / slope, rel=0.02)


def test_a_temperature_moves_no_probability_across_one_half() -> None:
    rows, _ = drawn(line, 5_000, seed=5)
    found = Temperature.fit(rows.logits, rows.labels)
    assert found.probability(np.array([0.0]))[0] == 0.5


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("truth", BENT)
def test_the_choice_falls_on_isotonic_where_it_is_better(
    truth: Callable[[Floats], Floats], seed: int
) -> None:
    assert choose(drawn(truth, 20_000, seed)[0]) == "isotonic"


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("rows", [200, 20_000])
def test_the_choice_stays_with_platt_where_the_truth_is_a_line(rows: int, seed: int) -> None:
    assert choose(drawn(line, rows, seed)[0]) == "platt"


@pytest.mark.parametrize("seed", SEEDS)
def test_noise_of_the_requests_is_not_taken_for_a_curve(seed: int) -> None:
    """Whole requests click or do not: rows are far fewer than they seem."""
    rng = np.random.default_rng(seed)
    requests = np.repeat(np.arange(60), 200)
    scores = rng.normal(-1, 1, 60)[requests] + rng.normal(0, 0.01, len(requests))
    clicked = (rng.random(60) < 0.3)[requests].astype(np.int8)
    assert choose(Rows(scores, clicked, requests)) != "isotonic"


def test_fewer_requests_than_folds_are_no_choice() -> None:
    rows, _ = drawn(bent, 16, seed=1)
    assert choose(rows) == "platt"


def test_blocks_are_those_of_scikit_learn() -> None:
    from sklearn.isotonic import IsotonicRegression

    rng = np.random.default_rng(3)
    for _ in range(20):
        values, weights = rng.normal(size=50) + np.arange(50) * 0.05, rng.uniform(0.1, 3, 50)
        expected = IsotonicRegression().fit_transform(np.arange(50), values, sample_weight=weights)
        starts = pooled(values, weights)
        mass = np.add.reduceat(weights, starts)
        means = np.add.reduceat(values * weights, starts) / mass
        assert (np.diff(means) > 0).all()
        np.testing.assert_allclose(np.repeat(means, np.diff([*starts, 50])), expected)


def test_knots_stand_at_the_centers_of_blocks_at_their_click_rates() -> None:
    """Two groups of scores, each with its rate: the plain steps are known."""
    scores = np.concatenate([np.linspace(-1, 1, 5_000), np.linspace(9, 11, 5_000)])
    clicked = np.concatenate([np.arange(5_000) % 10 < 1, np.arange(5_000) % 10 < 4])
    found = Isotonic.fit(scores, clicked.astype(np.int8))
    made = found.probability(np.array([0.0, 10.0]))
    np.testing.assert_allclose(made, [0.1, 0.4], rtol=0.03)
    assert 0.1 < found.probability(np.array([5.0]))[0] < 0.4


def test_a_handful_of_rows_bends_no_end() -> None:
    """Without what the line says of them, the three topmost clicks would have a rate of 1."""
    rows, true = drawn(line, 3_000, seed=6)
    labels = rows.labels.copy()
    labels[np.argsort(rows.logits)[-3:]] = 1
    found = Isotonic.fit(rows.logits, labels).logit(rows.logits)
    assert np.abs(found - true).max() < 2.0


@pytest.mark.parametrize(
    ("scores", "values"),
    [((0.0, 0.0), (0.0, 1.0)), ((0.0, 1.0), (1.0, 1.0)), ((0.0, 1.0), (0.0,)), ((), ())],
)
def test_knots_that_do_not_rise_are_refused(
    scores: tuple[float, ...], values: tuple[float, ...]
) -> None:
    with pytest.raises(ValueError, match="Isotonic"):
        Isotonic(scores=scores, values=values, slope=1.0)


def test_rounding_never_lifts_a_piece_above_the_next() -> None:
    """A piece much longer than the step between floats at its end: there it overshoots."""
    rng = np.random.default_rng(8)
    for _ in range(200):
        first, last = -rng.uniform(100, 1_000), rng.uniform(0, 0.1)
        low, high = -rng.uniform(1, 5), rng.uniform(0, 1)
        found = Isotonic(scores=(first, last), values=(low, high), slope=1.0)
        steps = last + np.spacing(last) * np.arange(-3, 4)
        assert (np.diff(found.logit(steps)) >= 0).all()
        assert found.logit(np.array([first, last])).tolist() == [low, high]


def test_scores_that_differ_by_rounding_alone_are_one() -> None:
    scores = np.repeat([0.5, 0.5 + 1e-12], 1_000)
    clicked = (np.arange(2_000) % 10 < np.repeat([1, 9], 1_000)).astype(np.int8)
    made = Isotonic.fit(scores, clicked).probability(np.array([0.5, 0.5 + 1e-12]))
    np.testing.assert_allclose(made, 0.5, atol=0.01)
