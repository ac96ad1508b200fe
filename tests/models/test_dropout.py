import pytest
import torch

from clickthrough.models.dropout import FastDropout


@pytest.mark.parametrize("chance", [0.1, 0.5, 0.9])
def test_values_are_dropped_by_chance_and_the_rest_scaled_up(chance: float) -> None:
    torch.manual_seed(3)
    dropout = FastDropout(chance)
    made = dropout(torch.ones(1_001, 333))  # no multiple of four
    kept = made != 0
    assert float(kept.double().mean()) == pytest.approx(1 - chance, abs=0.004)
    torch.testing.assert_close(made[kept], torch.full_like(made[kept], 1 / (1 - chance)),
                               rtol=1e-3, atol=0)  # fmt: skip
    assert float(made.mean()) == pytest.approx(1, abs=0.03)
    for shift in (1, 2, 3, 4):  # what shares a draw shares no fate
        both = (kept[:, shift:] & kept[:, :-shift]).double().mean()
        assert float(both) == pytest.approx((1 - chance) ** 2, abs=0.006)


def test_a_chance_near_1_leaves_something_to_divide_by() -> None:
    made = FastDropout(1 - 1e-9)(torch.ones(100, 100))
    assert torch.isfinite(made).all()


def test_gradients_pass_where_values_did() -> None:
    values = torch.randn(50, 20, requires_grad=True)
    made = FastDropout(0.5)(values)
    made.sum().backward()
    assert values.grad is not None
    torch.testing.assert_close(values.grad, 2.0 * (made != 0))


def test_a_seed_drops_the_same_again() -> None:
    def drawn(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        made: torch.Tensor = FastDropout(0.5)(torch.ones(64))
        return made

    assert torch.equal(drawn(1), drawn(1))
    assert not torch.equal(drawn(1), drawn(2))


def test_nothing_is_dropped_outside_training_or_without_a_chance() -> None:
    values = torch.randn(8, 5)
    assert FastDropout(0.5).eval()(values) is values
    assert FastDropout(0.0)(values) is values


def test_half_precision_stays_half_precision() -> None:
    made = FastDropout(0.25)(torch.ones(64, 64, dtype=torch.bfloat16))
    assert made.dtype == torch.bfloat16
    assert set(made.unique().tolist()) == {0.0, float(torch.tensor(4 / 3).bfloat16())}
