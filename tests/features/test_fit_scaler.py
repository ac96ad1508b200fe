"""Scalers: what fills, what is held, and what rows must say before a column counts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import TypeAdapter

from clickthrough.config.features import Counters, Feature
from clickthrough.features.encoding.encoder import Encoder
from clickthrough.features.encoding.scaler import Scaler
from clickthrough.features.fit_scaler import bounds, fit_scaler
from clickthrough.features.plan import make_plan
from clickthrough.schema import Schema

NAN = float("nan")
Floats = NDArray[np.float64]
PLAN = make_plan(
    TypeAdapter(list[Feature]).validate_python([{"kind": "numeric", "fields": "price"}]),
    Counters(),
    Schema(roles={}, fields={"price": "float"}),
    "UTC",
)


def scaled(scaler: Scaler, values: Floats) -> Floats:
    """Return standard scores, shape (n,)."""
    return Encoder(PLAN, {}, {"price": scaler}, 0.1).scale(values[:, None])[:, 0].astype(np.float64)


def test_a_scaler_fills_by_the_median_and_standardizes_what_is_filled() -> None:
    scaler = fit_scaler(np.array([1.0, 2.0, 9.0, NAN]))
    filled = np.array([1.0, 2.0, 9.0, 2.0])
    assert (scaler.fill, scaler.low, scaler.high) == (2.0, 1.0, 9.0)
    assert scaler.mean == pytest.approx(filled.mean())
    assert scaler.scale == pytest.approx(filled.std())
    assert scaler.indicator


def test_a_sentinel_fills_by_minus_1_and_is_not_held() -> None:
    scaler = fit_scaler(np.array([1.0, 2.0, 9.0, NAN]), "sentinel")
    filled = np.array([1.0, 2.0, 9.0, -1.0])
    assert (scaler.fill, scaler.low) == (-1.0, 1.0)
    assert scaler.mean == pytest.approx(filled.mean())
    assert scaler.scale == pytest.approx(filled.std())


def test_a_sentinel_that_no_training_row_had_is_not_used() -> None:
    values = np.array([1_000.0, 1_001.0, 1_002.0])
    scaler = fit_scaler(values, "sentinel")
    assert scaler == fit_scaler(values)
    assert scaled(scaler, np.array([NAN])) == 0.0


def test_a_column_is_held_to_its_quantiles_and_standardized_as_held() -> None:
    values = np.random.default_rng(1).permutation(np.arange(10_000.0))
    scaler = fit_scaler(values)
    held = np.clip(values, 10.0, 9_989.0)
    assert (scaler.low, scaler.high) == (10.0, 9_989.0)
    assert scaler.mean == pytest.approx(held.mean())
    assert scaler.scale == pytest.approx(held.std())


@pytest.mark.parametrize("far", [1e6, 1e100, -1e100])
@pytest.mark.parametrize("rows", [100, 700, 6_000])
def test_one_row_owns_neither_bounds_nor_mean_nor_scale(far: float, rows: int) -> None:
    values = np.random.default_rng(2).normal(5.0, 2.0, rows)
    plain = fit_scaler(values)
    values[3] = far
    found = fit_scaler(values)
    for name in ("fill", "low", "high", "mean", "scale"):
        assert getattr(found, name) == pytest.approx(getattr(plain, name), abs=2.5)


def test_few_values_are_held_to_the_least_and_the_greatest() -> None:
    assert bounds(np.array([3.0, 1.0, 2.0])) == (1.0, 3.0)
    assert bounds(np.array([])) == (0.0, 0.0)


def test_a_flag_that_few_rows_have_still_counts() -> None:
    flag = (np.arange(10_000) < 5).astype(np.float64)
    scaler = fit_scaler(flag)
    assert (scaler.low, scaler.high) == (0.0, 1.0)
    assert not scaler.is_constant


def test_a_rare_value_lies_at_most_10_away_and_others_keep_their_proportion() -> None:
    counts = np.zeros(100_000)
    counts[:6] = [1.0, 2.0, 2.0, 4.0, 4.0, 4.0]
    scores = scaled(fit_scaler(counts), np.array([0.0, 1.0, 2.0, 4.0, 400.0]))
    assert scores.max() == pytest.approx(10.0)
    assert (scores - scores[0]) / (scores[3] - scores[0]) == pytest.approx([0, 0.25, 0.5, 1, 1])


def test_a_flag_that_one_row_has_does_not() -> None:
    assert fit_scaler((np.arange(10_000) == 7).astype(np.float64)).is_constant


def test_an_indicator_is_there_where_some_rows_are_missing_and_some_are_not() -> None:
    assert not fit_scaler(np.array([1.0, 2.0])).indicator
    assert not fit_scaler(np.array([NAN, NAN])).indicator
    assert fit_scaler(np.array([5.0, NAN])).indicator


@pytest.mark.parametrize(
    "values",
    [
        [5.0, 5.0],
        [NAN, NAN],
        [5.0, NAN],
        [0.1] * 7,
        [1e100] * 3,
        [0.3, 0.1 + 0.2],
        [1e-200, 2e-200],
    ],
)
def test_a_column_that_does_not_vary_is_0_for_whatever_comes(values: list[float]) -> None:
    scaler = fit_scaler(np.array(values))
    assert scaler.is_constant
    later = np.array([*values, 0.0, 1.0, -1e300, 1e300, NAN])
    assert (scaled(scaler, later) == 0).all()


def test_a_column_that_is_constant_but_for_gaps_filled_by_a_sentinel_tells_the_gaps_alone() -> None:
    scaler = fit_scaler(np.array([5.0, NAN, 5.0, 5.0]), "sentinel")
    assert not scaler.is_constant
    known = scaled(scaler, np.array([5.0, 9.0, -100.0]))
    assert (known == known[0]).all()


@settings(deadline=None)
@given(
    values=st.lists(st.floats(-1e100, 1e100) | st.just(NAN), min_size=1, max_size=300),
    later=st.floats(allow_nan=True, allow_infinity=True),
    missing=st.sampled_from(["median", "sentinel"]),
)
def test_no_score_lies_further_off_than_training_rows_can(
    values: list[float], later: float, missing: str
) -> None:
    scaler = fit_scaler(np.array(values), missing)  # type: ignore[arg-type]  # one of two
    found = scaled(scaler, np.array([*values, later]))
    assert np.isfinite(found).all()
    assert np.abs(found).max() <= min(np.sqrt(len(values)), 10) * (1 + 1e-6)
