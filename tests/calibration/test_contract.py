"""The laws of the seam: what every calibrator is held to."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from clickthrough.calibration import Calibrator, read_calibrator
from clickthrough.calibration.curves import CURVES
from clickthrough.calibration.fit import fit_curve, fit_slices
from clickthrough.calibration.rows import Rows
from clickthrough.calibration.sliced import Sliced
from clickthrough.config.training import CalibrationMethod
from tests.calibration.planted import bent, drawn, saturating, waved

Floats = NDArray[np.float64]
Fit = Callable[[Rows], Calibrator]
METHODS: list[CalibrationMethod] = ["platt", "temperature", "isotonic", "none", "auto"]


def ids_of(rows: int) -> NDArray[np.int32]:
    """Return an id column of two values beside one that says nothing."""
    own = np.arange(rows, dtype=np.int32) % 2 + 2
    return np.stack([np.zeros_like(own), own], axis=1)


def by_slice(method: CalibrationMethod) -> Fit:
    def fit(rows: Rows) -> Calibrator:
        whole = fit_curve(method, rows)
        slices = fit_slices(method, rows, ids_of(len(rows))[:, 1], least=1, whole=whole)
        return Sliced(by="place", column=1, whole=whole, slices=slices)

    return fit


def of_all(method: CalibrationMethod) -> Fit:
    return lambda rows: fit_curve(method, rows)


FITS = {name: of_all(name) for name in METHODS} | {
    f"sliced {name}": by_slice(name) for name in METHODS
}
every_fit = pytest.mark.parametrize("fit", FITS.values(), ids=FITS)


@st.composite
def any_rows(draw: st.DrawFn) -> Rows:
    """Few rows or some hundred, tied, constant, separable, of one class, large or small."""
    size = draw(st.sampled_from([1, 2, 3, 7, 40, 400]))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    scale, center = draw(st.sampled_from([0.0, 1e-3, 1.0, 30.0, 1e4])), draw(st.floats(-50, 50))
    scores = rng.normal(0, 1, size) * scale + center
    scores = np.round(scores, 1) if draw(st.booleans()) else scores
    labels = {
        "separable": scores > np.median(scores),
        "turned round": scores < np.median(scores),
        "none": np.zeros(size, bool),
        "all": np.ones(size, bool),
        "by chance": rng.random(size) < 0.3,
    }[draw(st.sampled_from(["separable", "turned round", "none", "all", "by chance"]))]
    return Rows(scores, labels.astype(np.int8), np.arange(size) // 3)


def within_each_value(found: Calibrator, scores: NDArray[np.floating]) -> list[Floats]:
    """Return the calibrated logits of the same scores for each value of the sliced field."""
    columns = (np.full((len(scores), 2), value, np.int32) for value in (0, 1, 2, 3))
    return [found.logit(scores, ids) for ids in columns]


@every_fit
@settings(deadline=None, max_examples=60)
@given(rows=any_rows())
def test_calibrated_logits_rise_strictly_within_and_beyond_the_data(fit: Fit, rows: Rows) -> None:
    found = fit(rows)
    low, high = rows.logits.min(), rows.logits.max()
    wide = max(1.0, float(high - low))
    for made in within_each_value(found, np.linspace(low - wide, high + wide, 5_001)):
        assert np.isfinite(made).all()
        assert (np.diff(made) > 0).all()


@every_fit
@settings(deadline=None, max_examples=60)
@given(rows=any_rows(), offset=st.floats(0, 1))
def test_a_small_step_of_the_score_never_turns_back_and_never_jumps(
    fit: Fit, rows: Rows, offset: float
) -> None:
    found = fit(rows)
    knots = np.unique(rows.logits)
    steps = np.spacing(np.abs(knots)) * np.arange(-20, 21)[:, None]
    near = np.sort((knots + steps).ravel())
    wide = float(np.ptp(knots)) + 1.0
    grid = np.linspace(knots[0] - wide * offset, knots[-1] + wide, 2_001)
    for tight, coarse in zip(
        within_each_value(found, near), within_each_value(found, grid), strict=True
    ):
        assert (np.diff(tight) >= 0).all()
        inside = np.interp(near, grid, coarse)  # a jump at a knot would leave this band
        assert np.abs(tight - inside).max() <= np.diff(coarse).max() + 1e-6


@every_fit
@settings(deadline=None, max_examples=60)
@given(rows=any_rows(), more=st.lists(st.floats(-(2.0**99), 2.0**99, width=32), max_size=20))
def test_probabilities_lie_strictly_between_0_and_1_for_any_score(
    fit: Fit, rows: Rows, more: list[float]
) -> None:
    scores = np.sort(np.array([*more, -3e38, 0.0, 3e38], np.float32))
    found = fit(rows)
    made = found.probability(scores, ids_of(len(scores)))
    assert ((made > 0) & (made < 1)).all()
    for logits in within_each_value(found, scores):
        assert (np.diff(found.probability_of(logits)) >= 0).all()


@every_fit
@settings(deadline=None, max_examples=60)
@given(rows=any_rows())
def test_a_calibrator_survives_json_to_the_last_bit(fit: Fit, rows: Rows) -> None:
    found = fit(rows)
    again = read_calibrator(found.model_dump_json())
    assert type(again) is type(found)
    assert again == found
    scores = np.linspace(rows.logits.min() - 1, rows.logits.max() + 1, 501)
    ids = ids_of(len(scores))
    assert np.array_equal(again.logit(scores, ids), found.logit(scores, ids))
    assert np.array_equal(again.probability(scores, ids), found.probability(scores, ids))


@every_fit
@settings(deadline=None, max_examples=30)
@given(rows=any_rows(), seed=st.integers(0, 100))
def test_a_row_is_answered_alike_alone_and_among_others(fit: Fit, rows: Rows, seed: int) -> None:
    found, ids = fit(rows), ids_of(len(rows))
    together = found.logit(rows.logits, ids)
    order = np.random.default_rng(seed).permutation(len(rows))
    assert np.array_equal(found.logit(rows.logits[order], ids[order]), together[order])
    for row in order[:5]:
        assert found.logit(rows.logits[[row]], ids[[row]])[0] == together[row]


@every_fit
def test_a_probability_is_that_of_the_calibrated_logit(fit: Fit) -> None:
    rows, _ = drawn(waved, 4_000, seed=1)
    found, ids = fit(rows), ids_of(len(rows))
    logits = found.logit(rows.logits, ids)
    np.testing.assert_allclose(found.probability(rows.logits, ids), 1 / (1 + np.exp(-logits)))


@pytest.mark.parametrize(
    "name", [name for name in FITS if not name.endswith(("temperature", "none"))]
)
@pytest.mark.parametrize("truth", [bent, waved, saturating, lambda x: 0.5 * x - 3])
def test_predicted_clicks_are_observed_clicks_where_it_was_fitted(
    name: str, truth: Callable[[Floats], Floats]
) -> None:
    rows, _ = drawn(truth, 40_000, seed=2)
    made = FITS[name](rows).probability(rows.logits, ids_of(len(rows)))
    assert made.sum() / rows.labels.sum() == pytest.approx(1.0, abs=0.005)


@pytest.mark.parametrize("name", [name for name in CURVES if name != "none"])
def test_a_slope_alone_is_undone_by_every_method(name: str) -> None:
    rows, true = drawn(lambda x: 0.5 * x, 100_000, seed=3)
    made = CURVES[name].fit(rows.logits, rows.labels).probability(rows.logits)
    assert made.sum() / rows.labels.sum() == pytest.approx(1.0, abs=0.02)
    assert np.mean(np.abs(made - 1 / (1 + np.exp(-true)))) < 0.01


@every_fit
@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize("rows", [300, 30_000])
def test_rows_of_one_class_leave_every_score_as_it_is(fit: Fit, label: int, rows: int) -> None:
    scores = np.random.default_rng(4).normal(-2.0, 1.5, rows)
    found = fit(Rows(scores, np.full(rows, label, np.int8), np.arange(rows) // 4))
    asked = np.linspace(-20, 20, 101)
    for made in within_each_value(found, asked):
        np.testing.assert_allclose(made, asked, atol=1e-9)


@every_fit
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("clicks", [1, 3, 10])
def test_a_few_clicks_cost_little_where_another_part_has_more(
    fit: Fit, clicks: int, seed: int
) -> None:
    """The scores are those of a rate of .13, which the part after has."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(-2.0, 0.5, 1_000)
    labels = np.zeros(1_000, np.int8)
    labels[rng.choice(1_000, clicks, replace=False)] = 1
    found = fit(Rows(scores, labels, np.arange(1_000) // 4))
    rate = 1 / (1 + np.exp(-scores))
    constant = -(0.13 * np.log(0.13) + 0.87 * np.log(0.87))
    for made in within_each_value(found, scores):
        loss = np.logaddexp(0.0, made) - rate * made
        assert loss.mean() < constant + 0.15


@pytest.mark.parametrize("name", ["none", "sliced none"])
@settings(deadline=None, max_examples=30)
@given(rows=any_rows())
def test_without_a_method_a_probability_is_that_of_the_score(name: str, rows: Rows) -> None:
    found = FITS[name](rows)
    for made in within_each_value(found, rows.logits):
        assert np.array_equal(made, rows.logits)
    logits = np.clip(rows.logits, -30, 30)
    made = found.probability(rows.logits, ids_of(len(rows)))
    np.testing.assert_allclose(made, 1 / (1 + np.exp(-logits)))
