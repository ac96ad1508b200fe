import torch
from torch import nn

from clickthrough.training.optim.redundant import still_redundant_biases
from tests.training.optim.test_loop import made_model


def test_a_bias_before_batchnorm_is_left_alone() -> None:
    model = nn.Sequential(
        nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 1)
    )
    still_redundant_biases(model)
    trained = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
    assert trained == ["0.weight", "1.weight", "1.bias", "2.weight", "2.bias", "4.weight", "4.bias"]


def test_its_gradient_is_nothing_but_rounding() -> None:
    """What is left alone had no say; the bias after it has."""
    model = made_model().train()
    inputs = torch.randint(0, 200, (64, 1)), torch.randn(64, 3), *torch.empty(2, 64, 0)
    model(inputs[0], inputs[1], inputs[2].int(), inputs[3]).square().sum().backward()
    gradients = {name: value.grad for name, value in model.named_parameters()}
    still_redundant_biases(model)
    still = [name for name, value in model.named_parameters() if not value.requires_grad]
    assert still == ["nets.0.layers.0.bias"]
    (redundant,) = (gradients[name] for name in still)
    needed = gradients["nets.0.layers.1.bias"]
    assert redundant is not None and needed is not None
    assert float(redundant.abs().max()) < 1e-4 * float(needed.abs().max())
