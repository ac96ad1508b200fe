"""Where a model is trained: in which processes, on which device, with which rows of its tables."""

from dataclasses import dataclass, field

import torch

from clickthrough.config.training import Training
from clickthrough.models.base import CtrModel
from clickthrough.training.distributed.batchnorm import part_batchnorm, share_batchnorm
from clickthrough.training.distributed.group import ALONE, Group
from clickthrough.training.distributed.join import group_of_process
from clickthrough.training.distributed.tables import (
    Replicated,
    Sharded,
    join_tables,
    shard_tables,
)
from clickthrough.training.machine.device import device_of


@dataclass(frozen=True)
class Place:
    """Where a model is trained.

    Attributes:
        group: the processes.
        device: of this one.
        sharded: whether the rows of tables are dealt out to the processes.
    """

    group: Group = ALONE
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    sharded: bool = False

    @classmethod
    def of(cls, settings: Training) -> "Place":
        """Return where this process trains.

        Raises:
            ConfigError: the device is not there.
        """
        group = group_of_process()
        sharded = settings.tables == "sharded" and group.size > 1
        return cls(group, device_of(settings.device, group), sharded)

    @property
    def layout(self) -> Replicated:
        """How tables lie."""
        return Sharded(self.group) if self.sharded else Replicated()

    def enter(self, model: CtrModel) -> None:
        """Move a model here: all processes begin with the leader's weights.

        Raises:
            ConfigError: its tables cannot be sharded.
        """
        model.to(self.device)
        if self.group.size == 1:
            return
        with torch.no_grad():
            for value in model.state_dict().values():
                self.group.lead(value)
        share_batchnorm(model, self.group)
        if self.sharded:
            shard_tables(model, self.group)

    def leave(self, model: CtrModel) -> None:
        """Make a plain model of it again, whole in the leader."""
        join_tables(model)
        part_batchnorm(model)
