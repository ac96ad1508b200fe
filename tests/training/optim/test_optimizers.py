from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from clickthrough.bundle.export import tensors
from clickthrough.config.training import Training
from clickthrough.evaluation.metrics import log_loss
from clickthrough.models.base import CtrModel
from clickthrough.training.optim.loop import train_model
from clickthrough.training.optim.optimizers import Average, Optimizers
from clickthrough.training.resuming.position import Epoch
from tests.training.optim.test_loop import made_model, made_table, probabilities

STEPS = 40


def stepped(decay: float, steps: int = STEPS) -> tuple[CtrModel, Average, list[dict[str, Tensor]]]:
    """Return a model after some steps, its average, and its weights after each step."""
    model = made_model()
    optimizers = Optimizers(model, Training(learning_rate=0.02, averaging=decay))
    seen = []
    for start in range(steps):
        rows = made_table(start, 32)
        model.train()
        logits = model(*tensors(rows.inputs))
        labels = torch.from_numpy(rows.labels.astype(np.float32))
        optimizers.step(nn.functional.binary_cross_entropy_with_logits(logits, labels))
        seen.append({name: value.clone() for name, value in model.state_dict().items()})
    return model, optimizers.average, seen


def whole(name: str) -> bool:
    """Say whether a buffer is not averaged, or never changes."""
    return name.endswith("num_batches_tracked") or name == "shift"


def test_the_average_is_the_moving_average_of_the_weights_after_each_step() -> None:
    _, average, seen = stepped(0.9, 200)
    first = dict(made_model().state_dict())
    found = dict(average.model.state_dict())
    for name in [name for name in found if "embedding" not in name and not whole(name)]:
        mean = first[name].double()
        for number, weights in enumerate(seen, start=1):
            decay = min(0.9, number / (number + 9))
            mean = decay * mean + (1 - decay) * weights[name].double()
        torch.testing.assert_close(found[name].double(), mean, atol=1e-5, rtol=1e-4)
        assert not torch.allclose(found[name], seen[-1][name], atol=1e-4), name


def test_the_average_moves_less_than_the_weights() -> None:
    name = "nets.0.layers.0.weight"
    _, average, seen = stepped(0.98)
    jumps = [float((b[name] - a[name]).norm()) for a, b in pairwise(seen)]
    before = stepped(0.98, STEPS - 1)[1].model.state_dict()[name]
    moved = float((average.model.state_dict()[name] - before).norm())
    assert 0 < moved < min(jumps)


def test_the_first_weights_are_soon_forgotten() -> None:
    _, average, seen = stepped(0.9999)
    name = "nets.0.layers.0.weight"
    first = made_model().state_dict()[name]
    left = float((average.model.state_dict()[name] - first).norm())
    assert left > 0.3 * float((seen[-1][name] - first).norm())


def test_tables_are_shared_and_not_averaged() -> None:
    model, average, _ = stepped(0.9)
    assert average.model is not model
    (own,), (averaged,) = model.table_parameters(), average.model.table_parameters()
    assert averaged is own
    shared = {id(p) for p in model.dense_parameters()} & {
        id(p) for p in average.model.dense_parameters()
    }
    assert not shared


def test_without_a_decay_nothing_is_averaged_or_copied() -> None:
    model, average, _ = stepped(0.0)
    assert average.model is model


def test_the_average_is_what_is_validated_and_kept() -> None:
    validation = made_table(2)

    def trained(decay: float) -> tuple[CtrModel, list[Epoch]]:
        model = made_model()
        settings = Training(epochs=6, batch_size=32, learning_rate=0.02, averaging=decay)
        return model, train_model(model, made_table(1), validation, settings)

    (model, epochs), (other, plain) = trained(0.99), trained(0.0)
    assert [e.loss for e in epochs[:3]] == [e.loss for e in plain[:3]]  # steps are the same
    assert [e.monitored for e in epochs[:3]] != [e.monitored for e in plain[:3]]
    found, without = (
        log_loss(validation.labels, probabilities(m, validation)) for m in (model, other)
    )
    assert found == pytest.approx(min(epoch.monitored for epoch in epochs), abs=1e-9)
    assert without == pytest.approx(min(epoch.monitored for epoch in plain), abs=1e-9)


def taken(optimizers: Optimizers, model: CtrModel, steps: range) -> None:
    """Take some steps; a step's batch follows from its number."""
    for number in steps:
        torch.manual_seed(number)
        rows = made_table(number, 32)
        logits = model.train()(*tensors(rows.inputs))
        labels = torch.from_numpy(rows.labels.astype(np.float32))
        optimizers.step(nn.functional.binary_cross_entropy_with_logits(logits, labels))


@pytest.mark.parametrize("averaging", [0.0, 0.9])
@pytest.mark.parametrize("kept", [True, False])
def test_a_loaded_state_goes_on_as_if_nothing_had_happened(averaging: float, kept: bool) -> None:
    settings = Training(learning_rate=0.02, averaging=averaging)
    straight, broken = made_model(), made_model()
    whole_way = Optimizers(straight, settings)
    taken(whole_way, straight, range(8))
    first = Optimizers(broken, settings)
    taken(first, broken, range(4))
    second = Optimizers(broken, settings)
    if kept:
        state = {name: value.clone() for name, value in first.state().items()}
        second.restore(state)
        assert set(second.state()) == set(state)
    taken(second, broken, range(4, 8))
    pairs = zip(
        whole_way.average.model.state_dict().values(),
        second.average.model.state_dict().values(),
        strict=True,
    )
    same = all(torch.equal(one, other) for one, other in pairs if one.is_floating_point())
    assert same is kept


def test_the_rate_of_tables_is_a_share_of_the_learning_rate() -> None:
    def moved(share: float) -> float:
        model = made_model()
        before = model.table_parameters()[0].detach().clone()
        settings = Training(learning_rate=0.02, embedding_rate=share)
        taken(Optimizers(model, settings), model, range(1))
        return float((model.table_parameters()[0].detach() - before).norm())

    assert moved(0.5) == pytest.approx(moved(1.0) / 2, rel=1e-4)


def test_bf16_trains_about_as_well_and_not_the_same() -> None:
    validation = made_table(2)

    def trained(precision: str) -> tuple[CtrModel, float]:
        model = made_model()
        settings = Training.model_validate(
            {"epochs": 4, "batch_size": 32, "learning_rate": 0.02, "precision": precision}
        )
        train_model(model, made_table(1), validation, settings)
        return model, log_loss(validation.labels, probabilities(model, validation))

    (single, found), (half, other) = trained("fp32"), trained("bf16")
    assert other == pytest.approx(found, rel=0.1)
    assert other != found
    assert all(parameter.dtype == torch.float32 for parameter in half.parameters())
    assert len(single.state_dict()) == len(half.state_dict())
