"""Families of torch: the training loop, and what its best weights leave."""

from collections.abc import Callable
from pathlib import Path

import torch

from clickthrough.bundle.module import input_shape
from clickthrough.config.root import Config
from clickthrough.models.base import CtrModel
from clickthrough.models.registry import build_model
from clickthrough.room import Need, see_to_room
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
from clickthrough.training.room import REMEDY, module_needs
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
    if place.group.leads and where.checkpoints is not None:
        see_to_room([*_needs(model, where.checkpoints), *where.beside], REMEDY)
    with step("taking the digest of the rows"):
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


def _needs(model: CtrModel, checkpoints: Path) -> list[Need]:
    tables, dense = model.table_parameters(), model.dense_parameters()
    held, own = (sum(one.nbytes for one in some) for some in (tables, dense))
    return module_needs(held, sum(map(len, tables)), own, checkpoints)


def _say_which(epochs: list[Epoch], monitor: str, say: Callable[[str], None]) -> None:
    chosen = chosen_epoch(epochs, monitor)
    say(
        f"stopped after {len(epochs)} epochs; best is {chosen.number}: "
        f"validation {monitor} {chosen.monitored:.4f}"
    )
