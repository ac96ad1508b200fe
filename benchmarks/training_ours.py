"""A contestant of training.py: this project's training step, or its dense part alone.

python benchmarks/training_ours.py {full,dense} --rows 1000000 --precision fp32
"""

import argparse

import numpy as np
import torch
from training_data import BATCH, BATCHES, DIM, FIELDS, HIDDEN, NUMERIC, Turns, made_log

from clickthrough.config.model import Mlp
from clickthrough.config.training import Training
from clickthrough.features.encoding.encoder import Encoded
from clickthrough.models import build_model
from clickthrough.models.shape import InputShape
from clickthrough.training.machine.memory import keep_freed_memory
from clickthrough.training.optim.loop import train_model
from clickthrough.training.optim.loss import training_loss
from clickthrough.training.optim.optimizers import Optimizers
from clickthrough.training.rows.table import Table

MODEL = Mlp(embedding_dim=DIM, hidden=list(HIDDEN))


def full(chosen: argparse.Namespace, settings: Training) -> None:
    """Train as the project trains: rows are gathered from a table, ids masked, all is updated."""
    size = chosen.rows // FIELDS
    log = made_log(size, chosen.exponent)
    nothing = np.empty((len(log.labels), 0))
    encoded = Encoded(log.ids, log.numeric, nothing.astype(np.int32), nothing.astype(np.float32))
    offsets = np.arange(len(log.labels) + 1)
    train = Table(encoded, log.labels, offsets, {})
    validation = Table(encoded[:BATCH], log.labels[:BATCH], offsets[: BATCH + 1], {})
    model = build_model(MODEL, InputShape.of((size,) * FIELDS, NUMERIC))
    turns = Turns(chosen.clock)

    def progress(epoch: int, done: int, total: int) -> None:
        turns.step(first=done == BATCH)

    train_model(model, train, validation, settings, progress)


def dense(chosen: argparse.Namespace, settings: Training) -> None:
    """Train the perceptron on inputs that are ready: no gather, no gradient of the inputs."""
    keep_freed_memory()  # as the full step does
    width = FIELDS * DIM + NUMERIC
    model = build_model(MODEL, InputShape.of((), width))
    optimizers, turns = Optimizers(model, settings), Turns(chosen.clock)
    inputs = torch.randn(4, BATCH, width)
    labels = (torch.rand(4, BATCH) < 0.2).float()
    none = torch.empty(BATCH, 0)
    model.train()
    for step in range(10**9):
        with torch.autocast("cpu", torch.bfloat16, enabled=settings.precision == "bf16"):
            logits = model.member_logits(none, inputs[step % 4], none, none).float()
        optimizers.step(training_loss(logits[:, 0], labels[step % 4], None, 0.0))
        turns.step(first=step % BATCHES == 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("part", choices=["full", "dense"])
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
