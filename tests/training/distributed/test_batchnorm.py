import copy

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from clickthrough.training.distributed.batchnorm import (
    SharedBatchNorm,
    part_batchnorm,
    share_batchnorm,
)
from clickthrough.training.distributed.group import ALONE, Group


class Echo(Group):
    """Processes that have the same rows: what one tells comes back from each."""

    size = 3

    def add(self, values: Tensor) -> None:
        values *= self.size

    def gathered(self, values: Tensor) -> list[Tensor]:
        return [values] * self.size


def stepped(layer: nn.Module, values: Tensor) -> list[Tensor]:
    """Return output, gradients and state after a step."""
    given = values.clone().requires_grad_()
    made = layer(given)
    (made * torch.linspace(-1, 2, made.numel()).view(made.shape)).sum().backward()
    gradients = [parameter.grad for parameter in layer.parameters()]
    return [made, given.grad, *gradients, *layer.state_dict().values()]


@settings(max_examples=40, deadline=None)
@given(
    rows=st.integers(2, 50),
    features=st.integers(1, 6),
    mean=st.floats(-30, 30),
    scale=st.floats(0.1, 30),
    seed=st.integers(0, 99),
)
def test_alone_it_is_torchs_batchnorm(
    rows: int, features: int, mean: float, scale: float, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    values = mean + scale * torch.randn(rows, features, generator=generator).double()
    plain = nn.BatchNorm1d(features).double()
    nn.init.normal_(plain.weight, generator=generator)
    shared = SharedBatchNorm(copy.deepcopy(plain), ALONE)
    single = shared.float(), plain.float()
    for expected, found in zip(*(stepped(one, values.float()) for one in single), strict=True):
        torch.testing.assert_close(found, expected, atol=2e-3, rtol=2e-3)


def test_statistics_are_those_of_all_rows() -> None:
    values = torch.randn(7, 4, generator=torch.Generator().manual_seed(1))
    plain, shared = nn.BatchNorm1d(4), SharedBatchNorm(nn.BatchNorm1d(4), Echo())
    plain(values.repeat(3, 1))
    shared(values)
    for name in ("running_mean", "running_var", "num_batches_tracked"):
        torch.testing.assert_close(getattr(shared, name), getattr(plain, name))
    own = nn.BatchNorm1d(4)
    own(values)
    assert not torch.allclose(own.running_var, shared.running_var)  # type: ignore[arg-type]


def test_a_model_is_what_it_was_after_all() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Sequential(nn.BatchNorm1d(4)))
    state = copy.deepcopy(model.state_dict())
    share_batchnorm(model, ALONE)
    copied = copy.deepcopy(model)
    assert sum(isinstance(module, SharedBatchNorm) for module in copied.modules()) == 2
    assert list(model.state_dict()) == list(state)
    model(torch.randn(5, 3))
    moved = copy.deepcopy(model.state_dict())
    part_batchnorm(model)
    assert [type(module) for module in model.modules()].count(nn.BatchNorm1d) == 2
    assert all(torch.equal(moved[name], value) for name, value in model.state_dict().items())
    assert not torch.equal(moved["1.running_mean"], state["1.running_mean"])
