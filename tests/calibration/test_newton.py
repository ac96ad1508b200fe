import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from clickthrough.calibration.newton import Regression, newton


@settings(deadline=None)
@given(start=st.floats(-8, 8), rate=st.floats(0.001, 0.999))
def test_an_intercept_is_found_from_however_far(start: float, rate: float) -> None:
    """From 2.2 on, undamped Newton steps only lead further away."""
    labels = np.full(10, rate)  # expected clicks do as well as clicks
    ones, none = np.ones((1, 10)), np.zeros(1)
    found = newton(Regression(ones, labels, none, none, np.full(10, start)))
    assert start + found[0] == pytest.approx(np.log(rate / (1 - rate)), abs=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_the_weights_are_those_of_least_loss(seed: int) -> None:
    rng = np.random.default_rng(seed)
    design, labels = rng.normal(size=(2, 300)), rng.integers(0, 2, 300)
    made = Regression(
        design, labels, rng.normal(size=2), np.array([5.0, 0.1]), rng.normal(size=300)
    )
    expected = minimize(made.loss, np.zeros(2), tol=1e-12).x
    np.testing.assert_allclose(newton(made), expected, atol=1e-5)
