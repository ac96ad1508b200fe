"""Each family says what its docstring says: against sums written out, number by number."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from clickthrough.bundle.export import tensors
from clickthrough.models.base import CtrModel
from clickthrough.models.dcn_v2 import Crossing, DcnV2Net
from clickthrough.models.deepfm import DeepFmNet
from clickthrough.models.din import Attention, DinNet
from clickthrough.models.fcn import FcnNet, Masked
from clickthrough.models.final_mlp import FinalMlpNet, Gate
from clickthrough.models.final_net import Factorized, FinalNetNet
from clickthrough.models.fm import FmNet
from clickthrough.models.lr import LrNet
from clickthrough.models.mask_net import Block, MaskNetNet
from clickthrough.models.net import Fed, added_up
from clickthrough.models.qnn import QnnNet, Quadratic
from tests.models.families import built, inputs_of, moved

ROWS = 6


def made(form: str, mix: str = "everything") -> tuple[CtrModel, Fed]:
    """Return a model and rows as its network is fed them."""
    model = moved(built(form, mix=mix)).eval()
    return model, model._fed(0, *tensors(inputs_of(model, ROWS, seed=3)))


def said(model: CtrModel) -> Tensor:
    return model(*tensors(inputs_of(model, ROWS, seed=3)))  # type: ignore[no-any-return]


def last_of(model: CtrModel, part: int = 0) -> nn.Module:
    lasts = model.lasts[0]
    assert isinstance(lasts, nn.ModuleList)
    return lasts[part]


def test_a_sum_of_each_row_is_a_sum() -> None:
    values = torch.randn(5, 7)
    torch.testing.assert_close(added_up(values), values.sum(1))


@pytest.mark.parametrize("mix", ["everything", "no numbers", "numbers alone"])
def test_lr_adds_a_weight_an_id_and_a_weight_a_number(mix: str) -> None:
    model, fed = made("lr", mix)
    assert isinstance(model.net, LrNet) and model.bias is not None
    expected = model.bias + fed.embedded.sum(1)
    if model.net.linear is not None:
        expected = expected + (fed.numeric * model.net.linear.weight).sum(1)
    torch.testing.assert_close(said(model), expected)


def pairs_by_hand(net: FmNet, fed: Fed) -> Tensor:
    """Return own weights and products of all pairs of fields, one after another."""
    tables, weights = len(net.shape.dims), []
    vectors = []
    for field in range(tables):
        row = fed.embedded[:, field * 5 : field * 5 + 5]
        vectors.append(row[:, :4])
        weights.append(row[:, 4])
    if net.linear is not None:
        for number in range(net.shape.numeric):
            value = fed.numeric[:, number]
            vectors.append(value[:, None] * net.vectors[number])
            weights.append(value * net.linear.weight[0, number])
    total = torch.stack(weights).sum(0)
    for i, one in enumerate(vectors):
        for j in range(i + 1, len(vectors)):
            scale = 1.0 if net.pairs is None else net.pairs[i, j]
            total = total + scale * (one * vectors[j]).sum(1)
    return total


@pytest.mark.parametrize("mix", ["everything", "no numbers", "numbers alone"])
@pytest.mark.parametrize("form", ["fm", "fwfm"])
def test_fm_multiplies_each_pair_of_fields_once(form: str, mix: str) -> None:
    model, fed = made(form, mix)
    assert isinstance(model.net, FmNet) and model.bias is not None
    torch.testing.assert_close(
        said(model), model.bias + pairs_by_hand(model.net, fed), rtol=1e-4, atol=1e-5
    )


def test_fwfm_begins_as_fm() -> None:
    weighed, plain = built("fwfm").eval(), built("fm").eval()
    plain.load_state_dict(weighed.state_dict(), strict=False)
    torch.testing.assert_close(said(weighed), said(plain))


def test_deepfm_adds_a_perceptron_that_does_not_see_the_weights_of_ids() -> None:
    model, fed = made("deepfm")
    assert isinstance(model.net, DeepFmNet)
    vectors = [fed.embedded[:, field * 5 : field * 5 + 4] for field in range(4)]
    deep = last_of(model)(model.net.layers(torch.cat([*vectors, fed.numeric], dim=1)))
    expected = deep.squeeze(1) + pairs_by_hand(model.net, fed)
    torch.testing.assert_close(said(model), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("form", ["dcn_v2", "gated crossings", "crossings alone"])
def test_dcn_v2_multiplies_the_first_layer_into_each(form: str) -> None:
    model, fed = made(form)
    assert isinstance(model.net, DcnV2Net)
    x = fed.joined
    for layer in model.net.crossings:
        assert isinstance(layer, Crossing)
        gate = 1.0 if layer.gate is None else layer.gate(x).sigmoid()
        x = fed.joined * layer.crossed(x) * gate + x
    deep = [model.net.layers(fed.joined)] if len(model.net.layers) else []
    expected = last_of(model)(torch.cat([x, *deep], dim=1)).squeeze(1)
    torch.testing.assert_close(said(model), expected)


def test_a_rank_makes_two_narrow_matrices_of_one() -> None:
    layer = Crossing(10, rank=3, gate=True)
    sizes = sorted(tuple(weights.shape) for weights in layer.parameters() if weights.dim() == 2)
    assert sizes == [(3, 10), (3, 10), (10, 3), (10, 3)]


def test_fcn_is_the_mean_of_what_doubles_and_what_grows_by_one() -> None:
    model, fed = made("fcn", "no bags")
    assert isinstance(model.net, FcnNet)
    assert model.net.width % 2  # half of it, rounded up, is not masked
    doubled = raised = fed.joined
    for layer in model.net.exponential:
        doubled = doubled * masked_by_hand(layer, doubled) + doubled
    for layer in model.net.linear:
        raised = fed.joined * masked_by_hand(layer, raised) + raised
    parts = [last_of(model, 0)(doubled), last_of(model, 1)(raised)]
    torch.testing.assert_close(said(model), (parts[0] + parts[1]).squeeze(1) / 2)


def masked_by_hand(layer: nn.Module, x: Tensor) -> Tensor:
    assert isinstance(layer, Masked)
    h = x @ layer.linear.weight.T
    spread = (h - h.mean(1, keepdim=True)) / (h.var(1, correction=0, keepdim=True) + 1e-5).sqrt()
    mask = (spread * layer.norm.weight + layer.norm.bias).relu()
    return torch.cat([h, (h * mask)[:, : x.shape[1] // 2]], dim=1) + layer.bias


def test_a_part_counts_as_far_as_it_is_worse_than_the_mean() -> None:
    model, _ = made("fcn")
    weights = model.net.part_weights(torch.tensor([0.9, 0.4]), torch.tensor(0.6))
    assert weights is not None
    torch.testing.assert_close(weights, torch.tensor([0.3, 0.0]))
    assert model.net.weighs_parts
    assert not made("mlp")[0].net.weighs_parts


def test_final_net_adds_a_sum_to_its_product_with_another() -> None:
    model, fed = made("one branch")
    assert isinstance(model.net, FinalNetNet)
    assert not model.net.learns_from_mean
    branch = model.net.branches[0]
    assert isinstance(branch, nn.Sequential)
    first = branch[0]
    assert isinstance(first, Factorized)
    h2, h1 = torch.split(first.linear(fed.joined), 16, dim=1)
    torch.testing.assert_close(first(fed.joined), h2 + h1 * h2)
    torch.testing.assert_close(said(model), last_of(model)(branch(fed.joined)).squeeze(1))


def test_the_second_branch_sees_each_field_times_a_number_that_begins_at_1() -> None:
    fresh = built("final_net").eval()
    assert isinstance(fresh.net, FinalNetNet) and fresh.net.gate is not None
    fed = fresh._fed(0, *tensors(inputs_of(fresh, ROWS)))
    torch.testing.assert_close(fresh.net.gate(fed.joined), fed.joined)
    model, fed = made("final_net")
    assert isinstance(model.net, FinalNetNet) and model.net.gate is not None
    assert model.net.learns_from_mean
    gates = model.net.gate.linear(fed.joined)
    assert gates.shape == (ROWS, 4 + 3)
    wide = gates[:, :4].repeat_interleave(4, dim=1)
    expected = fed.joined * torch.cat([wide, gates[:, 4:]], dim=1)
    torch.testing.assert_close(model.net.gate(fed.joined), expected)
    hidden = [b(x) for b, x in zip(model.net.branches, [fed.joined, expected], strict=True)]
    parts = [last_of(model, part)(own) for part, own in enumerate(hidden)]
    torch.testing.assert_close(said(model), (parts[0] + parts[1]).squeeze(1) / 2)


@pytest.mark.parametrize("form", ["final_mlp", "told by columns"])
def test_final_mlp_multiplies_the_heads_of_two_perceptrons(form: str) -> None:
    """With ones before the product it is the paper's: a sum of a_h' W_h b_h."""
    model, fed = made(form)
    net, last = model.net, last_of(model)
    assert isinstance(net, FinalMlpNet) and isinstance(last, nn.Linear)
    with torch.no_grad():
        last.weight[:, -12:] = 1.0
    a, b = (
        stream(gate_by_hand(gate, fed)) for stream, gate in zip(net.streams, net.gates, strict=True)
    )
    expected = last.bias + torch.cat([a, b], dim=1) @ last.weight[0, :-12]
    for head, layer in enumerate(net.heads):
        assert isinstance(layer, nn.Linear)
        own, other = a[:, head * 8 : head * 8 + 8], b[:, head * 6 : head * 6 + 6]
        expected = expected + torch.einsum("ni,ji,nj->n", own, layer.weight, other)
    torch.testing.assert_close(said(model), expected, rtol=1e-4, atol=1e-5)


def gate_by_hand(gate: nn.Module, fed: Fed) -> Tensor:
    """Gate by the row of the item, or by a vector."""
    assert isinstance(gate, Gate)
    own = fed.embedded[:, 4:8] if gate.learned is None else gate.learned
    gated: Tensor = fed.joined * 2 * gate.layers(own)
    return gated


def test_mask_net_masks_what_is_normalized() -> None:
    model, fed = made("mask_net")
    net, x = model.net, fed.joined
    assert isinstance(net, MaskNetNet)
    normalized = nn.functional.layer_norm(x, x.shape[1:], net.norm.weight, net.norm.bias)
    blocks = []
    for block in net.blocks:
        assert isinstance(block, Block)
        first, _, second = block.mask
        linear, norm, _ = block.made
        masked = linear(second(first(x).relu()) * normalized)
        blocks.append(norm(masked).relu())
    expected = last_of(model)(net.layers(torch.cat(blocks, dim=1))).squeeze(1)
    torch.testing.assert_close(said(model), expected)


def test_qnn_multiplies_x_by_one_and_the_parts_of_what_it_says() -> None:
    model, fed = made("qnn")
    assert isinstance(model.net, QnnNet)
    x, width = fed.joined, model.net.width
    for layer in model.net.layers:
        assert isinstance(layer, Quadratic)
        linear, norm, *_ = layer.layers
        parts = norm(linear(x)).relu().view(ROWS, 2, width)
        x = x * (1 + parts.sum(1))
    torch.testing.assert_close(said(model), last_of(model)(x).squeeze(1))


def test_din_weighs_each_item_of_the_past_by_the_candidate() -> None:
    model, fed = made("din", "sequences")
    net = model.net
    assert isinstance(net, DinNet)
    assert net.attends == ((0, 1), (0, 2))
    q, found = fed.embedded[:, :4], []
    for attend, keys, mask in zip(net.attention, fed.keys, fed.masks, strict=True):
        assert isinstance(attend, Attention)
        u = torch.zeros_like(q)
        for place in range(keys.shape[1]):
            k = keys[:, place]
            weight = attend.layers(torch.cat([q, k, q - k, q * k], dim=1))
            u = u + mask[:, place : place + 1] * weight * k
        found.append(u)
    expected = last_of(model)(net.layers(torch.cat([fed.joined, *found], dim=1))).squeeze(1)
    torch.testing.assert_close(said(model), expected, rtol=1e-4, atol=1e-5)


def test_din_does_not_attend_to_a_place_without_an_item() -> None:
    """Its row is that of a missing item, and no interest."""
    model, _ = made("din", "sequences")
    inputs = inputs_of(model, ROWS)
    inputs.ids[:] = np.maximum(inputs.ids, 2)
    inputs.bag_ids[:, 2:], inputs.bag_weights[:, 2:] = 0, 0
    inputs.bag_ids[:, :2] = np.maximum(inputs.bag_ids[:, :2], 2)
    before = model(*tensors(inputs)).detach()
    with torch.no_grad():
        model.table_parameters()[0][0] += 5.0
    assert torch.equal(model(*tensors(inputs)).detach(), before)
    inputs.bag_ids[:, 2] = 1
    assert not torch.equal(model(*tensors(inputs)).detach(), before)
