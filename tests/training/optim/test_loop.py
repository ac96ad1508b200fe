import re
from itertools import pairwise
from typing import get_args

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from clickthrough.bundle.export import tensors
from clickthrough.config.model import Mlp
from clickthrough.config.training import Monitor, Training
from clickthrough.errors import ClickthroughError
from clickthrough.evaluation.metrics import all_metrics, auc
from clickthrough.models.base import CtrModel
from clickthrough.models.registry import build_model
from clickthrough.models.shape import InputShape
from clickthrough.training.optim.loop import Trainer, predict_logits, train_model
from clickthrough.training.optim.optimizers import Optimizers
from clickthrough.training.rows.table import Table
from tests.inputs import without_bags

ITEMS = 200


def made_table(seed: int, rows: int = 800, noise: float = 0.0) -> Table:
    """Return rows whose clicks depend on the first number, and on nothing else."""
    rng = np.random.default_rng(seed)
    numeric = rng.normal(size=(rows, 3)).astype(np.float32)
    ids = rng.integers(0, ITEMS, (rows, 1), np.int32)
    logit = 1.5 * numeric[:, 0] + noise * rng.normal(size=rows)
    labels = (rng.random(rows) < 1 / (1 + np.exp(-logit))).astype(np.int8)
    inputs = without_bags(ids, numeric)
    rates = {"item": np.full(rows, 0.5, np.float32)}
    return Table(inputs, labels, np.arange(0, rows + 1, 4), rates)


def made_model(seed: int = 0) -> CtrModel:
    torch.manual_seed(seed)
    return build_model(Mlp(hidden=[32], embedding_dim=8, dropout=0.0), InputShape.of((ITEMS,), 3))


def probabilities(model: CtrModel, table: Table) -> NDArray[np.float64]:
    logits = predict_logits(model, table.inputs).astype(np.float64)
    return 1 / (1 + np.exp(-logits))


def listwise_of(model: CtrModel, table: Table) -> float:
    logits, terms = predict_logits(model, table.inputs).astype(np.float64), []
    for start, end in pairwise(table.offsets):
        share = np.exp(logits[start:end]) / np.exp(logits[start:end]).sum()
        terms += (-np.log(share[table.labels[start:end] == 1])).tolist()
    return float(np.mean(terms))


@pytest.mark.parametrize("rows", [1, 5, 63, 64, 65, 200])
def test_a_net_is_given_as_many_rows_as_are_computed_alike(
    rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of few, and of the last ones, some libraries add up in another order."""
    model, inputs, given = made_model(), made_table(3).inputs, list[int]()
    model.register_forward_pre_hook(lambda _, values: given.append(len(values[0])))
    whole = predict_logits(model, inputs)
    monkeypatch.setattr("clickthrough.training.optim.loop._EVAL_ROWS", 128)
    found = predict_logits(model, inputs[:rows])
    np.testing.assert_allclose(found, whole[:rows], rtol=1e-6, atol=1e-7)
    assert [number % 64 for number in given] == [0] * len(given)


def test_a_model_learns_what_the_rows_hold() -> None:
    model, test = made_model(), made_table(3)
    train_model(model, made_table(1, 4_000), made_table(2), Training(epochs=4, batch_size=64))
    assert auc(test.labels, probabilities(model, test)) > 0.75


@pytest.mark.parametrize("monitor", get_args(Monitor))
def test_early_stopping_restores_the_best_weights(monitor: str) -> None:
    model, validation = made_model(), made_table(2)
    settings = Training.model_validate(
        {"epochs": 30, "batch_size": 32, "learning_rate": 0.02, "patience": 2, "monitor": monitor}
    )
    epochs = train_model(model, made_table(1), validation, settings)
    values = [epoch.monitored for epoch in epochs]
    lower = {"log_loss", "listwise_loss", "normalized_entropy", "ece"}
    best = min(values) if monitor in lower else max(values)
    assert [epoch.number for epoch in epochs] == list(range(1, len(epochs) + 1))
    assert len(epochs) == values.index(best) + 1 + 2 < 30
    p = probabilities(model, validation)
    found = all_metrics(validation.labels, p, validation.offsets) | {
        "listwise_loss": listwise_of(model, validation)
    }
    assert found[monitor] == pytest.approx(best, abs=1e-6 if monitor == "listwise_loss" else 1e-9)
    assert found[monitor] != pytest.approx(values[-1], abs=1e-6)


def test_a_seed_gives_the_same_model_again_and_another_seed_another() -> None:
    test = made_table(3)

    def trained(seed: int) -> NDArray[np.float64]:
        model = made_model()
        settings = Training(epochs=2, batch_size=64, seed=seed)
        train_model(model, made_table(1), made_table(2), settings)
        return probabilities(model, test)

    assert np.array_equal(trained(5), trained(5))
    assert not np.allclose(trained(5), trained(6), atol=1e-6)


def test_the_embedding_of_the_unseen_id_is_trained() -> None:
    def moved(share: float) -> float:
        model = made_model()
        before = model.table_parameters()[0].detach()[1].clone()
        table = made_table(1)
        seen = without_bags(np.maximum(table.inputs.ids, 2), table.inputs.numeric)
        rows = Table(seen, table.labels, table.offsets, table.rates)
        settings = Training(epochs=1, batch_size=64, unseen_share=share)
        train_model(model, rows, made_table(2), settings)
        return float((model.table_parameters()[0].detach()[1] - before).abs().max())

    assert moved(0.0) == 0.0
    assert moved(0.1) > 1e-4


def test_a_diverging_loss_names_batch_and_learning_rate() -> None:
    settings = Training(epochs=3, batch_size=64, learning_rate=1e37, decay="none")
    with pytest.raises(ClickthroughError) as told:
        train_model(made_model(), made_table(1), made_table(2), settings)
    assert re.match(
        r"training diverged at epoch 1, batch [23]: .*learning_rate 1e\+37", str(told.value)
    )
    assert "all inputs are finite, the largest is" in str(told.value)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_field_that_is_no_number_is_named(value: float) -> None:
    table = made_table(1)
    table.inputs.numeric[11, 2] = value
    trainer = Trainer(made_model(), table, made_table(2), Training(), ["age", "size", "price"])
    with pytest.raises(ClickthroughError, match=rf"epoch 1, batch \d+: .*'price' holds {value}"):
        trainer.run()


def test_a_clipped_gradient_has_the_largest_norm_that_is_allowed() -> None:
    model = made_model()
    optimizers = Optimizers(model, Training(clip_norm=0.01))
    logits = model(*tensors(made_table(1).inputs))
    optimizers.step((logits * 100).square().mean())
    norm = torch.stack([p.grad.norm() for p in model.dense_parameters() if p.grad is not None])
    assert float(norm.norm()) == pytest.approx(0.01, rel=1e-3)


def test_progress_counts_every_row() -> None:
    told: list[tuple[int, int, int]] = []

    def progress(epoch: int, done: int, total: int) -> None:
        told.append((epoch, done, total))

    settings = Training(epochs=2, batch_size=300, least_steps=1)
    train_model(made_model(), made_table(1), made_table(2), settings, progress)
    ends = [(epoch, done) for epoch, done, total in told if done == total]
    assert ends == [(1, 800), (2, 800)]
    assert len(told) == 6


def test_a_last_batch_of_one_row_is_no_error() -> None:
    settings = Training(epochs=1, batch_size=100, least_steps=1)
    epochs = train_model(made_model(), made_table(1, 801), made_table(2), settings)
    assert epochs[0].loss is not None
    assert np.isfinite(epochs[0].loss)


@pytest.mark.parametrize("listwise", [0.0, 0.5])
@pytest.mark.parametrize(
    ("batch_size", "least_steps", "steps"), [(64, 50, 50), (64, 5, 13), (10**6, 20, 20)]
)
def test_a_small_log_gets_smaller_batches(
    batch_size: int, least_steps: int, steps: int, listwise: float
) -> None:
    told: list[int] = []
    settings = Training(epochs=1, batch_size=batch_size, least_steps=least_steps, listwise=listwise)
    progress = lambda epoch, done, total: told.append(done)  # noqa: E731
    train_model(made_model(), made_table(1), made_table(2), settings, progress)
    assert len(told) == steps


def test_members_are_trained_each_on_its_own_loss() -> None:
    """The gradient of a member is that of its own loss, whatever the others say."""
    shape, table = InputShape.of((ITEMS,), 3), made_table(1, 64)
    config = Mlp(hidden=[8], embedding_dim=4, dropout=0.0, members=2)
    settings = Training(epochs=1, batch_size=64, least_steps=1, unseen_share=0)

    def first_member(bias: float) -> torch.Tensor:
        torch.manual_seed(0)
        model = build_model(config, shape)
        last = model.get_submodule("lasts.1.0")
        assert isinstance(last, torch.nn.Linear)
        torch.nn.init.constant_(last.bias, bias)
        train_model(model, table, made_table(2), settings)
        return model.get_parameter("nets.0.layers.0.weight").detach()

    assert torch.equal(first_member(0.0), first_member(3.0))
