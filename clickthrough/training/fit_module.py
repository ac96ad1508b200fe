"""Families of torch: the training loop, and what its best weights leave."""

from collections.abc import Callable

import torch

from clickthrough.bundle.module import input_shape
from clickthrough.config.root import Config
from clickthrough.models.registry import build_model
from clickthrough.steps import step
from clickthrough.training.distributed.opening import check_agreement
from clickthrough.training.distributed.place import Place
from clickthrough.training.fitted import FittedModule, Scored
from clickthrough.training.machine.memory import naming_memory
from clickthrough.training.optim.loop import Trainer
from clickthrough.training.optim.monitor import chosen_epoch
from clickthrough.training.optim.untrained import settle_untrained
from clickthrough.training.prepare import Prepared
from clickthrough.training.resuming.checkpoint import Keeper, identity_of
from clickthrough.training.resuming.position import Epoch
from clickthrough.training.told import Told
from clickthrough.training.where import Where


def fit_module(
    prepared: Prepared, config: Config, told: Told, where: Where
) -> tuple[Scored, list[Epoch]] | None:
    """Train a module; the leader's is then the best one, others have none.

    Raises:
        ClickthroughError: the loss is no number, a checkpoint is of another run, or a process
            ended.
    """
    settings, start = config.training, where.start
    place = where.place or Place.of(settings)
    encoder, train = prepared.encoder, prepared.tables["train"]
    torch.manual_seed(settings.seed)
    with naming_memory(f"model: '{config.model.name}'"):
        model = build_model(config.model, input_shape(encoder, config.model))
    if start is not None:
        start.load(model, encoder)
        told.say(f"going on from bundle {start.bundle.manifest.version}")
    identity = identity_of(settings, train, model, place)
    check_agreement(place.group, identity)
    watched = prepared.watched if place.group.leads else None
    trainer = Trainer(model, train, watched, settings, encoder.numeric_names, place)
    keeper = None
    if where.checkpoints is not None:
        keeper = Keeper(where.checkpoints, identity, settings.checkpoint_every)
        if trainer.resume(keeper):
            told.say(f"going on from {trainer.position.told()}{keeper.noted}")
    with step("training") as at:
        at.before = len(trainer.position.epochs) * len(train) + trainer.position.rows

        def far(epoch: int, done: int, total: int) -> None:
            rows = (epoch - 1) * total + done
            at(rows, settings.epochs * total, f"epoch {epoch} of at most {settings.epochs}")

        epochs = trainer.run(far, keeper, told.evaluated)
    if place.group.leads and start is None and settings.unseen_share:
        settle_untrained(model, encoder, train.inputs)
    _say_which(epochs, settings.monitor, told.say)
    return (FittedModule(model), epochs) if place.group.leads else None


def _say_which(epochs: list[Epoch], monitor: str, say: Callable[[str], None]) -> None:
    chosen = chosen_epoch(epochs, monitor)
    say(
        f"stopped after {len(epochs)} epochs; best is {chosen.number}: "
        f"validation {monitor} {chosen.monitored:.4f}"
    )
