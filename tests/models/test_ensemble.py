"""What members share, and the path beside a perceptron; see also the contract of models."""

import numpy as np
import pytest
import torch

from clickthrough.bundle.export import tensors
from clickthrough.models.base import CtrModel
from clickthrough.models.mlp import WideDeepNet
from clickthrough.training.optim.loop import predict_logits
from tests.models.families import built, inputs_of, moved


def made(form: str = "mlp", ensemble: str = "tables") -> CtrModel:
    return moved(built(form, ensemble)).eval()


def member_logits(model: CtrModel, rows: int = 50) -> torch.Tensor:
    return model.member_logits(*tensors(inputs_of(model, rows)))


@pytest.mark.parametrize("ensemble", ["none", "tables", "all"])
def test_members_start_apart(ensemble: str) -> None:
    model = built("mlp", ensemble)
    with torch.no_grad():
        model.table_parameters()[0].mul_(50)
    logits = member_logits(model.eval())
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert (logits[:, one] - logits[:, other]).abs().max() > 1e-3


@pytest.mark.parametrize(
    ("ensemble", "tables", "nets"), [("none", 3, 3), ("tables", 1, 3), ("all", 1, 1)]
)
def test_members_share_what_is_said(ensemble: str, tables: int, nets: int) -> None:
    model = made(ensemble=ensemble)
    assert (len(model.embeddings), len(model.nets), len(model.lasts)) == (tables, nets, 3)
    assert (model.scales is not None) == (ensemble == "all")


@pytest.mark.parametrize("form", ["mlp", "wide_deep", "fcn"])
def test_the_loss_of_a_member_reaches_its_own_weights_and_the_tables_alone(form: str) -> None:
    model = made(form)
    torch.autograd.backward(member_logits(model)[:, 1].sum())
    for place, (net, last) in enumerate(zip(model.nets, model.lasts, strict=True)):
        own = [*net.parameters(), *last.parameters()]
        reached = [p.grad is not None and bool(p.grad.any()) for p in own]
        assert any(reached) == (place == 1)
    assert all(table.grad is not None for table in model.table_parameters())


def test_members_that_share_all_differ_in_scales_and_last_layers_alone() -> None:
    model = built("mlp", "all")
    assert model.scales is not None
    assert set(model.scales.flatten().tolist()) == {-1.0, 1.0}
    with torch.no_grad():
        model.scales.copy_(model.scales[:1].expand_as(model.scales).clone())
        for last in model.lasts[1:]:
            last.load_state_dict(model.lasts[0].state_dict())
    logits = member_logits(model.eval())
    torch.testing.assert_close(logits, logits[:, :1].expand_as(logits))


@pytest.mark.parametrize("form", ["mlp", "wide_deep", "fcn", "fm", "din"])
def test_a_member_that_shares_all_is_the_network_behind_its_scale(form: str) -> None:
    """Each is what a member alone says of inputs, rows of tables above all, times its scale."""
    model = made(form, "all")
    assert model.scales is not None
    said, given = member_logits(model, 20), tensors(inputs_of(model, 20))
    fed = model._fed(0, *given)
    width = fed.embedded.shape[1]
    for member in range(3):
        scaled = fed.joined * model.scales[member]
        spans = [model.shape.span(asking) for asking, _ in model.net.attends]
        keys = [k * model.scales[member, own] for k, own in zip(fed.keys, spans, strict=True)]
        alone = fed._replace(
            embedded=scaled[:, :width], numeric=scaled[:, width:], keys=tuple(keys)
        )
        parts = model._last(member, model.net.hidden(alone), model.net.beside(alone))
        torch.testing.assert_close(torch.stack(parts).mean(0), said[:, member])


def test_a_wide_path_adds_a_linear_function_of_the_numbers_to_each_member() -> None:
    model = made("wide_deep")
    inputs, with_path = inputs_of(model, 50), member_logits(model).detach()
    paths = [net.linear.weight for net in model.nets if isinstance(net, WideDeepNet) and net.linear]
    weights = torch.cat([path.detach().clone() for path in paths])
    with torch.no_grad():
        for path in paths:
            path.zero_()
    added = torch.from_numpy(inputs.numeric) @ weights.T
    assert weights.shape == (3, 3)
    assert added.abs().min(dim=0).values.max() > 0
    torch.testing.assert_close(with_path, member_logits(model).detach() + added)


def test_a_wide_path_says_nothing_before_training() -> None:
    model = built("wide_deep", "tables").eval()
    before = member_logits(model).detach()
    for net in model.nets:
        assert isinstance(net, WideDeepNet)
        net.linear = None
    torch.testing.assert_close(member_logits(model).detach(), before)


def test_the_shift_moves_the_logit_and_no_member() -> None:
    model = made()
    inputs, before = inputs_of(model, 20), member_logits(model, 20).detach()
    expected = predict_logits(model, inputs) + np.float32(1.5)
    model.shift.fill_(1.5)
    np.testing.assert_allclose(predict_logits(model, inputs), expected, rtol=1e-6)
    assert torch.equal(member_logits(model, 20).detach(), before)
