import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickthrough.config.training import Training
from clickthrough.training.optim.schedule import rate_factor

DECAYS = ["none", "linear", "cosine", "plateau"]


def factors(steps: int, **settings: object) -> list[float]:
    made = Training.model_validate(settings)
    return [rate_factor(step, steps, made) for step in range(steps)]


@given(decay=st.sampled_from(DECAYS), warmup=st.integers(0, 30), steps=st.integers(1, 100))
def test_a_rate_rises_once_and_then_never_again(decay: str, warmup: int, steps: int) -> None:
    found = factors(steps, decay=decay, warmup_steps=warmup)
    assert all(0 <= factor <= 1 for factor in found)
    rising, falling = found[: warmup + 1], found[warmup:]
    assert rising == sorted(rising)
    assert falling == sorted(falling, reverse=True)
    if warmup < steps:
        assert found[warmup] == 1.0


@pytest.mark.parametrize(
    ("decay", "half", "last"),
    [("none", 1, 1), ("plateau", 1, 1), ("linear", 0.5, 0.01), ("cosine", 0.5, 0)],
)
def test_a_decay_ends_near_nothing(decay: str, half: float, last: float) -> None:
    found = factors(100, decay=decay)
    assert found[50] == pytest.approx(half)
    assert found[-1] == pytest.approx(last, abs=1e-3)
