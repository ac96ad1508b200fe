"""Schedules of the learning rate beside each other, with the other settings of presets.

    python benchmarks/decay.py criteo=DIR ebnerd=DIR outbrain=DIR --seeds 7 8

Each log is prepared once; every schedule starts from the same weights of a seed and trains as
``clickthrough train`` does, with early stopping. The choice is made by the least log loss of the
validation part; the test part stands beside it.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from clickthrough.bundle.module import input_shape
from clickthrough.config.load import load_config
from clickthrough.config.root import Config
from clickthrough.config.training import Training
from clickthrough.data.open import open_dataset
from clickthrough.evaluation.metrics import auc, log_loss
from clickthrough.models.base import CtrModel
from clickthrough.models.registry import build_model
from clickthrough.training.optim.loop import Trainer, predict_logits
from clickthrough.training.prepare import Prepared, prepare
from clickthrough.training.rows import table

DECAYS = ("none", "cosine", "plateau")
console = Console(width=120)


@dataclass(frozen=True)
class Outcome:
    """What a run came to: epochs, the best of them, and figures of its weights."""

    epochs: int
    best: int
    validation: float
    test: float
    test_auc: float


def probabilities(model: CtrModel, rows: table.Table) -> np.ndarray:
    """Return uncalibrated probabilities, shape (n,)."""
    return 1 / (1 + np.exp(-predict_logits(model, rows.inputs).astype(np.float64)))


def outcome(config: Config, prepared: Prepared, decay: str, seed: int) -> Outcome:
    """Train once."""
    chosen = config.training.model_dump() | {"decay": decay, "seed": seed, "monitor": "log_loss"}
    settings = Training.model_validate(chosen)
    torch.manual_seed(seed)
    model = build_model(config.model, input_shape(prepared.encoder, config.model))
    epochs = Trainer(model, prepared.tables["train"], prepared.watched, settings).run()
    best = min(epochs, key=lambda epoch: epoch.monitored)
    rows = prepared.tables["test"]
    found = probabilities(model, rows)
    figures = log_loss(rows.labels, found), auc(rows.labels, found)
    return Outcome(len(epochs), best.number, best.monitored, *figures)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("logs", nargs="+", help="PRESET=DIR")
    parser.add_argument("--seeds", type=int, nargs="+", default=[7, 8])
    parser.add_argument("--decays", nargs="+", default=DECAYS)
    parser.add_argument("--set", action="append", default=[], help="section.key=value, as in train")
    chosen = parser.parse_args()
    for preset, _, place in (log.partition("=") for log in chosen.logs):
        config = load_config(preset, Path(place), chosen.set)
        prepared = prepare(open_dataset(config.data), config, "live")
        shown = Table("decay", "seed", "epochs", "best", "validation", "test", "test AUC")
        shown.title = f"{preset}: log loss"
        for seed in chosen.seeds:
            for decay in chosen.decays:
                made = outcome(config, prepared, decay, seed)
                figures = made.validation, made.test, made.test_auc
                counts = seed, made.epochs, made.best
                shown.add_row(decay, *map(str, counts), *(f"{figure:.4f}" for figure in figures))
        console.print(shown)


if __name__ == "__main__":
    main()
