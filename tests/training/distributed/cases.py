"""What is trained, in one process and in several."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from clickthrough.config.model import settings_of
from clickthrough.config.training import Training
from clickthrough.models.base import CtrModel
from clickthrough.models.registry import build_model
from clickthrough.models.shape import InputShape
from clickthrough.training.distributed.group import ALONE
from clickthrough.training.distributed.place import Place
from clickthrough.training.distributed.share import Share
from clickthrough.training.optim.loop import Trainer
from clickthrough.training.optim.loss import training_loss
from clickthrough.training.optim.objective import Target
from clickthrough.training.resuming.checkpoint import Keeper, identity_of
from clickthrough.training.resuming.position import Epoch
from clickthrough.training.rows.table import Table
from clickthrough.training.rows.unseen import Unseen
from tests.inputs import random_inputs

SHAPE = InputShape.of((60, 11), 3, ((25, 3),))
ROWS = 807  # the last batch is smaller, and no number of processes divides it
State = dict[str, Tensor]


@dataclass(frozen=True)
class Case:
    """A run.

    Attributes:
        training: its settings.
        model: its model's.
        weighted: whether rows have weights.
        breaking: what is left out, to see that it matters.
    """

    training: dict[str, Any]
    model: dict[str, Any] = field(default_factory=dict)
    weighted: bool = False
    breaking: str = ""

    @property
    def settings(self) -> Training:
        base = {"epochs": 2, "batch_size": 64, "device": "cpu"}
        return Training.model_validate(base | self.training)


POINTWISE = {"pos_weight": 3.0, "clip_norm": 0.5, "averaging": 0.9, "unseen_share": 0.1}
LISTWISE = {"listwise": 0.5, "monitor": "request_auc", "batch_size": 40, "warmup_steps": 20}
"""A request of fifty is a batch of its own: one process has all of it, the others no row."""
SHARDED = {"tables": "sharded"}
DROPOUT = {"dropout": 0.3}
PLATEAU = {"decay": "plateau", "learning_rate": 0.01, "epochs": 4}
"""Log loss is worse after the third epoch than after the second."""
CASES = {
    "pointwise": Case(POINTWISE, weighted=True),
    "pointwise sharded": Case(POINTWISE | SHARDED, weighted=True),
    "listwise": Case(LISTWISE, weighted=True),
    "listwise sharded": Case(LISTWISE | SHARDED),
    "members, warmup, negatives": Case(
        {"warmup_steps": 9, "decay": "cosine", "negatives": 0.5, "pos_weight": "balanced"},
        {"name": "wide_deep", "members": 2},
    ),
    "plateau": Case(PLATEAU),
    "weighed parts": Case(LISTWISE, {"name": "fcn"}, weighted=True),
}
GONE_ON = ("pointwise", "pointwise sharded")
CONTROLS = {
    "own statistics": Case(POINTWISE, weighted=True, breaking="batchnorm"),
    "own masks": Case(POINTWISE, weighted=True, breaking="masks"),
    "own table gradients": Case(POINTWISE, weighted=True, breaking="tables"),
    "own totals": Case(LISTWISE, weighted=True, breaking="totals"),
    "own parts": Case(LISTWISE, {"name": "fcn"}, weighted=True, breaking="parts"),
    "own plateau": Case(PLATEAU, breaking="plateau"),
}
RESUMED = {
    "dropout": Case({"epochs": 3, "averaging": 0.9}, DROPOUT),
    "dropout sharded": Case({"epochs": 3, **SHARDED}, DROPOUT),
}


class StoppedError(Exception):
    """Raised where a run is stopped."""


def made_table(case: Case, seed: int) -> Table:
    """Return rows in requests of five to fifty, whose clicks depend on numbers and ids."""
    rng = np.random.default_rng(seed)
    inputs = random_inputs(SHAPE, ROWS, seed)
    inputs.numeric[:] = rng.normal(size=inputs.numeric.shape)
    logit = inputs.numeric[:, 0] + inputs.ids[:, 0] / 30 - 1
    labels = (rng.random(ROWS) < 1 / (1 + np.exp(-logit))).astype(np.int8)
    ends = np.cumsum(rng.choice([5, 6, 9, 50], ROWS))
    offsets = np.concatenate([[0], ends[ends < ROWS], [ROWS]]).astype(np.int64)
    weights = rng.random(ROWS).astype(np.float32) if case.weighted else None
    return Table(inputs, labels, offsets, {}, weights)


def made_model(case: Case) -> CtrModel:
    torch.manual_seed(1)  # 0 has a weight without a gradient: Adam makes steps of its rounding
    values: dict[str, Any] = {"embedding_dim": 4, "dropout": 0.0} | case.model
    name = values.pop("name", "mlp")
    layers = {} if name == "fcn" else {"hidden": [24, 12]}
    return build_model(settings_of(name, **layers, **values), SHAPE)


def trained(
    case: Case, keeper: Path | None = None, stop_after: int | None = None
) -> tuple[State, list[Epoch]]:
    """Train, from a checkpoint where there is one; return all of the state, and the epochs.

    Args:
        case: what.
        keeper: where checkpoints are kept after every batch.
        stop_after: batches.
    """
    model, train, batches = made_model(case), made_table(case, 1), 0

    def progress(epoch: int, done: int, total: int) -> None:
        nonlocal batches
        batches += 1
        if batches == stop_after:
            raise StoppedError

    place = Place.of(case.settings)
    identity = identity_of(case.settings, train, model, place)
    with BREAKING[case.breaking]():
        trainer = Trainer(model, train, made_table(case, 2), case.settings, place=place)
        kept = Keeper(keeper, identity, 0.0) if keeper else None
        if kept is not None:
            trainer.resume(kept)
        while not trainer._is_finished():
            trainer._epoch(progress, kept)
            trainer._close()
        now, _ = trainer.state()
        state = {name: value.detach().clone() for name, value in now.items()}  # before the best
        epochs = trainer.run()
    state |= {f"plain/{name}": value.detach().clone() for name, value in model.state_dict().items()}
    return state, epochs


@contextmanager
def patched(target: str, value: object) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"clickthrough.training.{target}", value)
        yield


def own_mask(self: Unseen, ids: Tensor, share: Share) -> Tensor:
    """Draw for the own rows alone."""
    drawn = torch.rand(ids.shape, generator=self.generator)
    return ids.masked_fill(drawn < self._share, 1)


def own_value(self: Trainer) -> float:
    """Validate, and tell nobody: all but the leader see an improvement each time."""
    leads = self._place.group.leads
    value = VALIDATED(self)
    return value if leads else float(len(self.position.epochs))


VALIDATED = Trainer._validated
BREAKING: dict[str, Any] = {
    "": nullcontext,
    "batchnorm": lambda: patched("distributed.place.share_batchnorm", lambda *_: None),
    "masks": lambda: patched("rows.unseen.Unseen.replaced", own_mask),
    "tables": lambda: patched(
        "distributed.gradients.Gradients._gathered", lambda _, gradient: gradient
    ),
    "parts": lambda: patched(
        "optim.step.Target", lambda *given: replace(Target(*given), group=ALONE)
    ),
    "plateau": lambda: patched("optim.loop.Trainer._validated", own_value),
    "totals": lambda: patched(
        "optim.objective.training_loss",
        lambda logits, **given: training_loss(logits, **given | {"totals": None}),
    ),
}
