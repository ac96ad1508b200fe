"""A contestant of training.py: this project's training step, or its dense part alone.

python benchmarks/training_ours.py {full,dense} --model dcn_v2 --rows 1000000 --precision fp32

``din`` has a sequence of the ids of the first field besides, which no other family is fed.
"""

import argparse

import numpy as np
import torch
from torch import Tensor, nn
from training_data import BATCH, BATCHES, FIELDS, NUMERIC, Log, Turns, made_log

from clickthrough.comparison.contenders import contenders
from clickthrough.config.model import Blend, LightGbm, TorchModel, settings_of
from clickthrough.config.training import Training
from clickthrough.features.encoding.encoder import Encoded
from clickthrough.features.slots import Slot
from clickthrough.freed_memory import keep_freed_memory
from clickthrough.models.base import CtrModel
from clickthrough.models.embeddings import Embeddings
from clickthrough.models.registry import build_model
from clickthrough.models.shape import InputShape
from clickthrough.training.distributed.group import ALONE
from clickthrough.training.optim.loop import train_model
from clickthrough.training.optim.loss import Totals
from clickthrough.training.optim.objective import Target, objective
from clickthrough.training.optim.optimizers import Optimizers
from clickthrough.training.rows.table import Table

PAST = 20
"""Ids of the sequence."""


def family(text: str) -> TorchModel:
    """Return a family's own settings, and those in brackets: ``fm[fwfm=true]``."""
    model = contenders(text, settings_of("mlp"))[0].model
    assert not isinstance(model, LightGbm | Blend)
    return model


def made_model(text: str, size: int) -> CtrModel:
    """Return a model with fresh weights over tables of ``size`` ids each."""
    settings = family(text)
    shape = InputShape.of((size,) * FIELDS, NUMERIC)
    slots = shape.slots
    if settings.name == "din":
        slots = (*slots, Slot("past", "sequence", "", slots[0].table, size, PAST))
    looked_up = [slot.name for slot in slots if slot.kind != "number"]
    return build_model(settings, InputShape(slots, settings.dims(looked_up)))


def encoded(log: Log, past: bool) -> Encoded:
    """Return what a model is fed; the past of a row is what the rows before it show."""
    length, first = PAST * past, log.ids[:, 0]
    ids = np.stack([np.roll(first, 1 + place) for place in range(length)] or [first], axis=1)
    ids = np.ascontiguousarray(ids[:, :length])
    return Encoded(log.ids, log.numeric, ids, np.full(ids.shape, 1 / PAST, np.float32))


class Ready(Embeddings):
    """Stands for the look-up: the rows are there already, some batches of them in turn."""

    def __init__(self, shape: InputShape) -> None:
        super().__init__(shape)
        self.rows, self.turn = torch.randn(4, BATCH, self.width), 0

    def forward(self, ids: Tensor, bag_ids: Tensor, bag_weights: Tensor) -> Tensor:
        """Return the rows of the next batch."""
        self.turn += 1
        return self.rows[self.turn % len(self.rows)]

    def places(self, column: int, ids: Tensor) -> Tensor:
        """Return the rows of a sequence, of one batch."""
        dim = self.dims[column]
        return self.rows[self.turn % len(self.rows), :, : PAST * dim].view(BATCH, PAST, dim)


def full(chosen: argparse.Namespace, settings: Training) -> None:
    """Train as the project trains: rows are gathered from a table, ids masked, all is updated."""
    size = chosen.rows // FIELDS
    log = made_log(size, chosen.exponent)
    fed = encoded(log, past=family(chosen.model).name == "din")
    offsets = np.arange(len(log.labels) + 1)
    train = Table(fed, log.labels, offsets, {})
    validation = Table(fed[:BATCH], log.labels[:BATCH], offsets[: BATCH + 1], {})
    model = made_model(chosen.model, size)
    turns = Turns(chosen.clock)

    def progress(epoch: int, done: int, total: int) -> None:
        turns.step(first=done == BATCH)

    train_model(model, train, validation, settings, progress)


def dense(chosen: argparse.Namespace, settings: Training) -> None:
    """Train the network on rows that are ready: no gather, no gradient of the rows."""
    keep_freed_memory()  # as the full step does
    model = made_model(chosen.model, 1)
    model.embeddings = nn.ModuleList([Ready(model.shape)])
    optimizers, turns = Optimizers(model, settings), Turns(chosen.clock)
    ids = torch.zeros(BATCH, FIELDS, dtype=torch.int32)
    past = torch.ones(BATCH, PAST * bool(model.shape.bags), dtype=torch.int32)
    numeric, labels = torch.randn(4, BATCH, NUMERIC), (torch.rand(4, BATCH) < 0.2).float()
    model.train()
    for step in range(10**9):
        own = labels[step % 4]
        with torch.autocast("cpu", torch.bfloat16, enabled=settings.precision == "bf16"):
            said = model.part_logits(ids, numeric[step % 4], past, past.float())
        passes = [[[part.float() for part in parts] for parts in said]]
        target = Target(own, None, None, Totals.of(own, None), ALONE)
        optimizers.step(objective(passes, target, model, settings, 1.0))
        turns.step(first=step % BATCHES == 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("part", choices=["full", "dense"])
    parser.add_argument("--model", default="mlp")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--exponent", type=float, default=1.05)
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--clock", default="wall")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    settings = Training.model_validate(
        {"epochs": 10**6, "patience": 10**6, "batch_size": BATCH, "precision": chosen.precision}
    )
    if chosen.part == "full":
        full(chosen, settings)
    else:
        dense(chosen, settings)


if __name__ == "__main__":
    main()
