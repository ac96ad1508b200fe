"""What every family must do, alone and as an ensemble, whatever it is fed.

A family of ``NETS`` is tested by being there; what a setting makes of one is an entry of ``FORMS``.
"""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from clickthrough.bundle.export import TOLERANCE, export_onnx, largest_gap, tensors
from clickthrough.bundle.runtime import OnnxModel
from clickthrough.config.training import Training
from clickthrough.errors import ConfigError
from clickthrough.evaluation.metrics import auc
from clickthrough.features.encoding.encoder import Encoded
from clickthrough.models.base import CtrModel
from clickthrough.models.registry import NETS
from clickthrough.training.optim.loop import Trainer, predict_logits, train_model
from clickthrough.training.optim.redundant import still_redundant_biases
from clickthrough.training.resuming.checkpoint import Keeper, identity_of
from tests.models.families import (
    ENSEMBLES,
    FORMS,
    MIXES,
    built,
    inputs_of,
    moved,
    planted,
    taken,
    training,
    with_columns_of,
)

TRAINED = [(name, ensemble) for name in NETS for ensemble in ENSEMBLES]
KINDS = TRAINED + [(form, "one") for form in FORMS if form not in NETS]
FED = [
    (*kind, mix)
    for kind in KINDS
    for mix in (taken(*kind) if kind[1] in {"one", "all"} else ["everything"])
]


def test_every_family_takes_slots_of_every_kind_and_all_but_one_any_mix() -> None:
    wanting = {form: set(MIXES) - set(taken(form, "one")) for form in NETS}
    assert all("everything" not in mixes for mixes in wanting.values())
    one_width = {"several widths"}
    assert {form: mixes for form, mixes in wanting.items() if mixes - one_width} == {
        "din": {"no bags", "no ids", "ids alone", "numbers alone", "bags alone"}
    }
    assert {form for form, mixes in wanting.items() if mixes == one_width} == {
        "lr", "fm", "deepfm",
    }  # fmt: skip


@pytest.mark.parametrize(("form", "ensemble", "mix"), FED)
def test_a_model_gives_a_logit_a_row_that_every_input_moves(
    form: str, ensemble: str, mix: str
) -> None:
    model = moved(built(form, ensemble, mix)).eval()
    inputs, other = inputs_of(model, 40), inputs_of(model, 40, seed=1)
    changed = with_columns_of(inputs, other)
    logits = predict_logits(model, Encoded.joined([inputs, *changed.values()]))
    assert logits.shape == (40 * (1 + len(changed)),)
    assert logits.dtype == np.float32
    assert np.isfinite(logits).all()
    before, *after = logits.reshape(-1, 40)
    assert np.ptp(before) > 1e-3
    for name, said in zip(changed, after, strict=True):
        assert np.abs(said - before).max() > 1e-4, name
    alone = predict_logits(model, inputs[7:8])
    np.testing.assert_allclose(alone, before[7:8], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("form", "ensemble", "mix"), FED)
def test_gradients_reach_every_parameter_and_are_sparse_in_tables(
    form: str, ensemble: str, mix: str
) -> None:
    model = moved(built(form, ensemble, mix)).train()
    still_redundant_biases(model)
    parts = model.part_logits(*tensors(inputs_of(model, 64)))
    labels = (torch.arange(64) % 2).float()
    logits = torch.stack([part for own in parts for part in own])
    loss = nn.functional.binary_cross_entropy_with_logits(logits, labels.expand_as(logits))
    torch.autograd.backward(loss)
    tables, dense = model.table_parameters(), model.dense_parameters()
    together = {id(parameter) for parameter in [*tables, *dense]}
    assert together == {id(parameter) for parameter in model.parameters()}
    assert len(together) == len(tables) + len(dense)
    sizes = {slot.table: slot.size for slot in model.shape.looked_up}
    copies = 3 if ensemble == "none" else 1
    assert sum(len(table) for table in tables) == copies * sum(sizes.values())
    for name, parameter in model.named_parameters():
        gradient, is_table = parameter.grad, any(parameter is table for table in tables)
        if not parameter.requires_grad:
            continue
        assert gradient is not None, name
        assert gradient.is_sparse == is_table, name
        assert torch.isfinite(gradient.to_dense()).all(), name
        assert gradient.to_dense().abs().max() > 1e-7, name


@pytest.mark.parametrize(("form", "ensemble"), KINDS)
def test_a_logit_is_the_mean_of_members_that_say_different_things(form: str, ensemble: str) -> None:
    model = moved(built(form, ensemble)).eval()
    inputs = inputs_of(model, 30)
    said = model.member_logits(*tensors(inputs)).detach()
    assert said.shape == (30, model.members)
    np.testing.assert_allclose(predict_logits(model, inputs), said.mean(1), rtol=1e-4, atol=1e-5)
    for member in range(1, model.members):
        assert (said[:, member] - said[:, 0]).abs().max() > 1e-3


@pytest.mark.parametrize(("form", "ensemble"), KINDS)
def test_a_model_is_saved_and_restored_by_its_weights(
    form: str, ensemble: str, tmp_path: Path
) -> None:
    model, other = moved(built(form, ensemble)), moved(built(form, ensemble, seed=1))
    inputs = inputs_of(model, 20)
    expected = predict_logits(model, inputs)
    assert not np.allclose(predict_logits(other, inputs), expected, atol=1e-3)
    save_file(model.state_dict(), tmp_path / "weights.safetensors")
    other.load_state_dict(load_file(tmp_path / "weights.safetensors"))
    np.testing.assert_array_equal(predict_logits(other, inputs), expected)


class SideBySide(nn.Module):
    """Several models in one graph: exporting is what takes long."""

    def __init__(self, models: list[CtrModel]) -> None:
        super().__init__()
        self.models = nn.ModuleList(models)

    def forward(self, ids: Tensor, numeric: Tensor, bag_ids: Tensor, weights: Tensor) -> Tensor:
        """Return a logit a row and model, shape (n, models)."""
        said = [model(ids, numeric, bag_ids, weights) for model in self.models]
        return torch.stack(said, dim=1)


@pytest.mark.parametrize("name", NETS)
def test_a_graph_agrees_and_scores_a_row_the_same_whatever_stands_beside_it(
    name: str, tmp_path: Path
) -> None:
    """Alone and sharing all; members that share less are the former, each for itself.

    What a network is fed does not tell bags from ids: only one that attends needs a sequence. Of
    forms, those that do less than the family by default are left out.
    """
    less = {"crossings alone", "one branch"}
    forms = [form for form, given in FORMS.items() if given["name"] == name and form not in less]
    kinds = [*((form, "one") for form in forms), (name, "all")]
    mix = "many columns" if "no bags" in taken(name, "one") else "many columns and a past"
    models = [built(*kind, mix) for kind in kinds]
    side, path = SideBySide([moved(model) for model in models]).train(), tmp_path / "model.onnx"
    for seed in range(3):  # statistics of BatchNorm
        side(*tensors(inputs_of(models[0], 100, seed)))
    export_onnx(side, inputs_of(models[0], 33), path)  # type: ignore[arg-type]
    graph, inputs = OnnxModel(path), inputs_of(models[0], 48, seed=5)
    assert largest_gap(side, inputs, path) < TOLERANCE  # type: ignore[arg-type]
    together = graph.logits(inputs)
    assert all(len(set(column)) > 40 for column in together.T.tolist())
    for rows in (1, 2, 16):
        parts = [graph.logits(inputs[start : start + rows]) for start in range(0, 48, rows)]
        np.testing.assert_array_equal(np.concatenate(parts), together)
    for value in (0, 1):  # missing, unseen
        inputs.ids[:], inputs.bag_ids[:] = value, value
        inputs.bag_weights[:] *= value
        assert np.isfinite(graph.logits(inputs)).all()


@pytest.mark.parametrize(("name", "ensemble"), TRAINED)
def test_a_seed_gives_the_same_weights_also_to_a_run_that_was_stopped(
    name: str, ensemble: str, tmp_path: Path
) -> None:
    expected = trained(name, ensemble, training())
    with pytest.raises(StoppedError):
        trained(name, ensemble, training(), tmp_path, stop_after=2)
    torch.manual_seed(3)  # what is left of the process must not matter
    resumed = trained(name, ensemble, training(), tmp_path)
    other = trained(name, ensemble, training(seed=8))
    assert all(torch.equal(resumed[key], value) for key, value in expected.items())
    assert not all(torch.equal(other[key], value) for key, value in expected.items())


class StoppedError(Exception):
    """Raised where a run is stopped."""


def trained(
    name: str,
    ensemble: str,
    settings: Training,
    folder: Path | None = None,
    stop_after: int | None = None,
) -> dict[str, Tensor]:
    """Train, from the newest checkpoint in a folder, and return the weights."""
    model, table, batches = built(name, ensemble), planted(200, 1), 0

    def progress(epoch: int, done: int, total: int) -> None:
        nonlocal batches
        batches += 1
        if batches == stop_after:
            raise StoppedError

    trainer = Trainer(model, table, planted(60, 2), settings)
    keeper = None
    if folder is not None:
        keeper = Keeper(folder, identity_of(settings, table, model), every=0)
        trainer.resume(keeper)
    trainer.run(progress, keeper)
    return model.state_dict()


@pytest.mark.parametrize(("name", "ensemble"), TRAINED)
def test_a_planted_interaction_is_learned_by_all_but_logistic_regression(
    name: str, ensemble: str
) -> None:
    model, test = built(name, ensemble), planted(500, 3)
    settings = training(epochs=5, batch_size=100, learning_rate=0.03, embedding_rate=1.0)
    train_model(model, planted(600, 1), planted(200, 2), settings)
    found = auc(test.labels, predict_logits(model, test.inputs).astype(np.float64))
    assert (found > 0.9) == (name != "lr"), found
    assert found < 0.6 or name != "lr"


@cache
def loss_of(name: str, ensemble: str, **more: float) -> float:
    """Return the loss of a first epoch."""
    model = built(name, ensemble)
    for setting, value in more.items():
        setattr(model, setting, value)
    loss = train_model(model, planted(200, 1), planted(60, 2), training())[0].loss
    assert loss is not None
    return loss


@pytest.mark.parametrize(("name", "ensemble"), [kind for kind in TRAINED if kind[1] != "one"])
def test_learning_from_the_mean_of_members_is_part_of_the_loss(name: str, ensemble: str) -> None:
    told = loss_of(name, ensemble, distill=0.5)
    assert np.isfinite(told)
    assert told > loss_of(name, ensemble) + 0.01


@pytest.mark.parametrize(("name", "ensemble"), TRAINED)
def test_agreeing_with_itself_is_part_of_the_loss(name: str, ensemble: str) -> None:
    told = loss_of(name, ensemble, self_ensemble=True)
    assert np.isfinite(told)
    assert told > loss_of(name, ensemble) + 0.01


@pytest.mark.parametrize("mix", ["no bags", "no ids", "numbers alone"])
def test_din_refuses_what_it_cannot_attend_to(mix: str) -> None:
    with pytest.raises(ConfigError, match=r"'din' attends to a sequence .* found sequences: "):
        built("din", mix=mix)
