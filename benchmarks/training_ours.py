"""A contestant of training.py: this project's training step, or its dense part alone.

python benchmarks/training_ours.py {full,dense} --model dcn_v2 --rows 1000000 --precision fp32
"""

import argparse

import numpy as np
import torch
from torch import Tensor, nn
from training_data import BATCH, BATCHES, DIM, FIELDS, NUMERIC, Turns, made_log

from clickthrough.config.model import Model, settings_of
from clickthrough.config.training import Training
from clickthrough.features.encoding.encoder import Encoded
from clickthrough.models import build_model
from clickthrough.models.embeddings import Embeddings
from clickthrough.models.shape import InputShape
from clickthrough.training.machine.memory import keep_freed_memory
from clickthrough.training.optim.loop import train_model
from clickthrough.training.optim.loss import Totals
from clickthrough.training.optim.objective import Target, objective
from clickthrough.training.optim.optimizers import Optimizers
from clickthrough.training.rows.table import Table


def family(name: str) -> Model:
    """Return a family's own settings, at the benchmark's width where it has a choice."""
    return settings_of(name) if name == "lr" else settings_of(name, embedding_dim=DIM)


class Ready(Embeddings):
    """Stands for the look-up: the rows are there already, some batches of them in turn."""

    def __init__(self, shape: InputShape) -> None:
        super().__init__(shape)
        self.rows, self.turn = torch.randn(4, BATCH, self.width), 0

    def forward(self, ids: Tensor, bag_ids: Tensor, bag_weights: Tensor) -> Tensor:
        """Return the rows of the next batch."""
        self.turn += 1
        return self.rows[self.turn % len(self.rows)]


def full(chosen: argparse.Namespace, settings: Training) -> None:
    """Train as the project trains: rows are gathered from a table, ids masked, all is updated."""
    size = chosen.rows // FIELDS
    log = made_log(size, chosen.exponent)
    nothing = np.empty((len(log.labels), 0))
    encoded = Encoded(log.ids, log.numeric, nothing.astype(np.int32), nothing.astype(np.float32))
    offsets = np.arange(len(log.labels) + 1)
    train = Table(encoded, log.labels, offsets, {})
    validation = Table(encoded[:BATCH], log.labels[:BATCH], offsets[: BATCH + 1], {})
    model = build_model(family(chosen.model), InputShape.of((size,) * FIELDS, NUMERIC))
    turns = Turns(chosen.clock)

    def progress(epoch: int, done: int, total: int) -> None:
        turns.step(first=done == BATCH)

    train_model(model, train, validation, settings, progress)


def dense(chosen: argparse.Namespace, settings: Training) -> None:
    """Train the network on rows that are ready: no gather, no gradient of the rows."""
    keep_freed_memory()  # as the full step does
    model = build_model(family(chosen.model), InputShape.of((1,) * FIELDS, NUMERIC))
    model.embeddings = nn.ModuleList([Ready(model.shape)])
    optimizers, turns = Optimizers(model, settings), Turns(chosen.clock)
    ids, none = torch.zeros(BATCH, FIELDS, dtype=torch.int32), torch.empty(BATCH, 0)
    numeric, labels = torch.randn(4, BATCH, NUMERIC), (torch.rand(4, BATCH) < 0.2).float()
    model.train()
    for step in range(10**9):
        own = labels[step % 4]
        with torch.autocast("cpu", torch.bfloat16, enabled=settings.precision == "bf16"):
            said = model.part_logits(ids, numeric[step % 4], none, none)
        passes = [[[part.float() for part in parts] for parts in said]]
        target = Target(own, None, None, Totals.of(own, None))
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
