"""Losses looked at now and then: what is found is what would have been found at once."""

from pathlib import Path

import numpy as np
import pytest
import torch

from clickthrough.config.training import Training
from clickthrough.errors import ClickthroughError
from clickthrough.training.optim.loop import Trainer
from clickthrough.training.optim.watch import steps_between_looks
from tests.training.optim.test_loop import made_model, made_table
from tests.training.resuming.test_checkpoint import StoppedError, keeper_of, settings_of, trained


@pytest.fixture
def seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at losses as seldom as on a GPU."""
    monkeypatch.setattr("clickthrough.training.optim.watch._EVERY", {"cpu": 9})


def told(numeric: float) -> str:
    """Return what is said where a row holds something."""
    table = made_table(1)
    table.inputs.numeric[11, 2] = numeric
    trainer = Trainer(made_model(), table, made_table(2), Training(), ["age", "size", "price"])
    with pytest.raises(ClickthroughError) as raised:
        trainer.run()
    return str(raised.value)


def test_losses_stay_on_a_gpu_for_some_steps() -> None:
    assert steps_between_looks(torch.device("cpu")) == 1
    assert steps_between_looks(torch.device("cuda")) > 10


def test_the_batch_and_field_are_named_later(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once = told(np.nan)
    monkeypatch.setattr("clickthrough.training.optim.watch._EVERY", {"cpu": 9})
    assert steps_between_looks(torch.device("cpu")) == 9
    assert told(np.nan) == at_once
    assert "'price' holds nan" in at_once


def test_losses_of_an_epoch_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    expected, epochs = trained(settings_of({}), None)
    monkeypatch.setattr("clickthrough.training.optim.watch._EVERY", {"cpu": 9})
    found, later = trained(settings_of({}), None)
    assert [epoch.monitored for epoch in later] == [epoch.monitored for epoch in epochs]
    assert [e.loss for e in later] == pytest.approx([e.loss for e in epochs], rel=1e-9)
    assert all(torch.equal(found[name], value) for name, value in expected.items())


@pytest.mark.usefixtures("seldom")
def test_checkpoints_are_taken_between_looks_and_gone_on_from(tmp_path: Path) -> None:
    settings = settings_of({})
    expected, epochs = trained(settings, None)
    for stop_after in (12, 23, None):
        try:
            found, later = trained(settings, keeper_of(tmp_path, settings), stop_after)
        except StoppedError:
            (kept,) = tmp_path.iterdir()
    assert kept.name == "000000004"  # after batches 9, 18, 20 (the epoch's last) and 29
    assert later == epochs
    assert all(torch.equal(found[name], value) for name, value in expected.items())
