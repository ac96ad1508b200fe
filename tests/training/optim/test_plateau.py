"""The learning rate falls where validation has come to a standstill."""

from collections.abc import Iterable, Sequence

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from clickthrough.config.training import Training
from clickthrough.training.optim.loop import Trainer
from clickthrough.training.optim.plateau import Plateau
from clickthrough.training.optim.step import Step
from clickthrough.training.rows.batches import Batch
from tests.training.optim.test_loop import made_model, made_table

outcomes = st.lists(st.booleans(), max_size=30)


def settings_of(**values: object) -> Training:
    return Training.model_validate({"decay": "plateau", **values})


def factors(improved: Iterable[bool], settings: Training, first_step: int = 1_000) -> list[float]:
    """Return the factor after each of some validations, a thousand steps apart."""
    found, made = [], Plateau()
    for number, better in enumerate(improved):
        made = made.after(better, first_step + 1_000 * number, settings)
        found.append(made.factor)
    return found


@given(improved=outcomes, patience=st.integers(1, 4), factor=st.floats(0.05, 0.95))
def test_each_run_of_validations_without_improvement_lowers_the_rate(
    improved: list[bool], patience: int, factor: float
) -> None:
    settings = settings_of(plateau_patience=patience, plateau_factor=factor)
    told = "".join("+" if better else "-" for better in improved)
    cuts = sum(len(run) // patience for run in told.split("+"))
    found = factors(improved, settings)
    assert found[-1:] == pytest.approx([factor**cuts][: len(found)])
    assert found == sorted(found, reverse=True)


@given(improved=outcomes)
def test_a_standstill_before_the_rate_is_at_its_height_does_not_count(improved: list[bool]) -> None:
    settings = settings_of(warmup_steps=3_000)
    late = factors(improved[2:], settings, first_step=3_000)
    assert factors(improved, settings)[2:] == late


def rates(values: Sequence[float], monkeypatch: pytest.MonkeyPatch, **more: object) -> list[float]:
    """Train where validation finds some values, higher ones better; return each epoch's rate."""
    trainer_of = {"epochs": len(values), "patience": 3, "batch_size": 400, "least_steps": 1}
    taken: list[float] = []
    left = iter(values)

    def take(self: Step, batch: Batch, factor: float, due: bool = False) -> torch.Tensor:
        del self, batch, due
        taken.append(factor)
        return torch.zeros(2)

    monkeypatch.setattr(Step, "take", take)
    monkeypatch.setattr(Trainer, "_validated", lambda self: next(left))
    settings = settings_of(**{"monitor": "auc"} | trainer_of | more)
    Trainer(made_model(), made_table(1), made_table(2), settings).run()
    return taken[1::2]  # of two steps an epoch the last


def test_the_rate_of_a_run_falls_after_a_standstill_and_patience_ends_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values = [0.5, 0.6, 0.6, 0.7, 0.6, 0.7, 0.1, 0.9]
    found = rates(values, monkeypatch)
    assert found == pytest.approx([1, 1, 1, 0.1, 0.1, 0.01, 0.001])  # no eighth epoch


def test_another_factor_and_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    values = [0.5, 0.4, 0.4, 0.4]
    found = rates(values, monkeypatch, plateau_factor=0.5, plateau_patience=2)
    assert found == pytest.approx([1, 1, 1, 0.5])


def test_warm_up_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    found = rates([0.5, 0.4, 0.4, 0.4], monkeypatch, warmup_steps=5)
    assert found == pytest.approx([2 / 5, 4 / 5, 1, 0.1])


def test_other_schedules_do_not_mind(monkeypatch: pytest.MonkeyPatch) -> None:
    assert rates([0.5, 0.4, 0.4], monkeypatch, decay="none") == [1, 1, 1]
