"""Several perceptrons over the same embeddings, and the linear path beside them."""

from pathlib import Path

import numpy as np
import pytest
import torch

from clickthrough.bundle.export import TOLERANCE, export_onnx, largest_gap, tensors
from clickthrough.bundle.runtime import OnnxModel
from clickthrough.config.model import Mlp
from clickthrough.models import build_model
from clickthrough.models.base import CtrModel
from clickthrough.models.mlp import MlpModel
from clickthrough.models.shape import InputShape
from clickthrough.training.loop import predict_logits
from tests.inputs import random_inputs

SHAPE = InputShape.of((7, 300), 4, ((20, 3),))
NO_IDS, NO_NUMBERS = InputShape.of((), 4), InputShape.of((7,), 0)


def made(shape: InputShape = SHAPE, members: int = 3, wide: bool = False) -> MlpModel:
    """Return a model whose weights are far from their first values."""
    torch.manual_seed(5)
    settings = Mlp(hidden=[16, 8], embedding_dim=4, members=members, wide=wide, dropout=0.0)
    model = build_model(settings, shape)
    assert isinstance(model, MlpModel)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return model.eval()


def member_logits(model: CtrModel, rows: int = 50, shape: InputShape = SHAPE) -> torch.Tensor:
    return model.member_logits(*tensors(random_inputs(shape, rows)))


@pytest.mark.parametrize("members", [1, 2, 5])
@pytest.mark.parametrize("wide", [False, True])
def test_the_logit_is_the_mean_of_the_members(members: int, wide: bool) -> None:
    model = made(members=members, wide=wide)
    logits = member_logits(model)
    assert logits.shape == (50, members)
    mean = logits.mean(dim=1).detach().numpy()
    np.testing.assert_allclose(predict_logits(model, random_inputs(SHAPE, 50)), mean, atol=1e-6)


def test_members_start_apart() -> None:
    torch.manual_seed(5)
    logits = member_logits(build_model(Mlp(hidden=[8], members=3), SHAPE).eval())
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert (logits[:, one] - logits[:, other]).abs().max() > 1e-3


@pytest.mark.parametrize("wide", [False, True])
def test_the_loss_of_a_member_reaches_its_own_weights_and_the_embeddings_alone(
    wide: bool,
) -> None:
    model = made(wide=wide)
    torch.autograd.backward(member_logits(model)[:, 1].sum())
    for place, member in enumerate(model.members):
        reached = [p.grad is not None and bool(p.grad.any()) for p in member.parameters()]
        assert any(reached) == (place == 1)
    assert all(table.grad is not None for table in model.table_parameters())
    if model.linear is not None:
        gradient = model.linear.weight.grad
        assert gradient is not None
        assert [bool(row.any()) for row in gradient] == [False, True, False]


def test_a_wide_path_adds_a_linear_function_of_the_numbers_to_each_member() -> None:
    model, inputs = made(wide=True), random_inputs(SHAPE, 50)
    assert model.linear is not None
    with_path = member_logits(model).detach()
    weights = model.linear.weight.detach().clone()
    with torch.no_grad():
        model.linear.weight.zero_()
    added = torch.from_numpy(inputs.numeric) @ weights.T
    assert added.abs().min(dim=0).values.max() > 0
    torch.testing.assert_close(with_path, member_logits(model).detach() + added)


def test_a_wide_path_says_nothing_before_training() -> None:
    torch.manual_seed(5)
    settings = Mlp(hidden=[8], members=2, wide=True)
    model = build_model(settings, SHAPE).eval()
    assert isinstance(model, MlpModel)
    assert model.linear is not None
    before = member_logits(model).detach()
    model.linear = None
    torch.testing.assert_close(member_logits(model).detach(), before)


@pytest.mark.parametrize("shape", [SHAPE, NO_IDS, NO_NUMBERS], ids=["all", "no ids", "no numbers"])
@pytest.mark.parametrize(("members", "wide"), [(3, False), (1, True), (3, True)])
def test_the_exported_graph_agrees(
    tmp_path: Path, shape: InputShape, members: int, wide: bool
) -> None:
    model, path = made(shape, members, wide), tmp_path / "model.onnx"
    export_onnx(model, random_inputs(shape, 64), path)
    for rows in (1, 300):
        inputs = random_inputs(shape, rows, seed=rows)
        assert OnnxModel(path).logits(inputs).shape == (rows,)
        assert largest_gap(model, inputs, path) < TOLERANCE
    assert np.ptp(OnnxModel(path).logits(inputs)) > 0.01


def test_members_and_wide_path_are_saved_and_restored() -> None:
    model, other = made(wide=True), build_model(
        Mlp(hidden=[16, 8], embedding_dim=4, members=3, wide=True), SHAPE
    )  # fmt: skip
    other.load_state_dict(model.state_dict())
    inputs = random_inputs(SHAPE, 20)
    np.testing.assert_array_equal(predict_logits(other, inputs), predict_logits(model, inputs))
