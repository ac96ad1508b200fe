"""The threads that torch trains with."""

from pathlib import Path

import pytest
import torch

from clickthrough.config.load import parse_config
from clickthrough.errors import ConfigError
from clickthrough.training.machine.threads import torch_threads
from clickthrough.training.optim.loop import Trainer
from clickthrough.training.run import train
from tests.logs import make_config, make_values


@pytest.mark.parametrize("count", [1, 2, 3])
def test_torch_has_so_many_threads_and_then_as_many_as_before(count: int) -> None:
    before = torch.get_num_threads()
    with torch_threads(count):
        assert torch.get_num_threads() == count
    assert torch.get_num_threads() == before
    with torch_threads(None):
        assert torch.get_num_threads() == before


def test_threads_are_given_back_after_an_error() -> None:
    before = torch.get_num_threads()
    with pytest.raises(KeyError), torch_threads(before + 2):
        raise KeyError
    assert torch.get_num_threads() == before


def test_a_run_trains_with_the_threads_of_its_settings(
    log_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    run = Trainer.run

    def spied(self: Trainer, *given: object) -> object:
        seen.append(torch.get_num_threads())
        return run(self, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(Trainer, "run", spied)
    before = torch.get_num_threads()
    train(make_config(log_folder, epochs=1, threads=2), tmp_path / "bundle", baselines=False)
    assert seen == [2]
    assert torch.get_num_threads() == before


def test_no_threads_are_refused(log_folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"training\.threads"):
        parse_config(make_values(log_folder, threads=0), "test")
