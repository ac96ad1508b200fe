"""Scales hold their values between round ticks that can be told apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickthrough.report.scale import scale

VALUES = st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), max_size=20)


@given(VALUES, st.booleans())
def test_values_lie_between_the_ends(values: list[float], zero: bool) -> None:
    made = scale(values, 10, 200, zero)
    assert made.low < made.high
    assert made.low == made.ticks[0]
    assert made.high == made.ticks[-1]
    assert 2 <= len(made.ticks) <= 9
    for value in values:
        slack = 1e-9 + 1e-6 * max(map(abs, values))
        assert made.low - slack <= value <= made.high + slack
        assert 10 <= made(value) <= 200
    assert not zero or made.low <= 0 <= made.high


@given(VALUES)
def test_ticks_are_told_apart(values: list[float]) -> None:
    made = scale(values, 0, 100)
    assert len({made.label(tick) for tick in made.ticks}) == len(made.ticks)


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([0.0, 1.0], ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        ([0.404, 0.411], ["0.404", "0.406", "0.408", "0.410", "0.412"]),
        ([-0.3, 0.2], ["-0.3", "-0.2", "-0.1", "0.0", "0.1", "0.2"]),
        ([0, 9_000], ["0", "2,000", "4,000", "6,000", "8,000", "10,000"]),
        ([float("nan"), 5.0, 5.0], ["4.4", "4.6", "4.8", "5.0", "5.2", "5.4", "5.6"]),
        ([], ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
    ],
)
def test_ticks_are_round(values: list[float], labels: list[str]) -> None:
    made = scale(values, 0, 100)
    assert [made.label(tick) for tick in made.ticks] == labels
    low = scale(values, 100, 0)
    assert low(made.low) == 100
