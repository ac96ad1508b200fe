"""Losses that are looked at now and then, so that a GPU is not waited for at every step."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite

import torch
from torch import Tensor

from clickthrough.training.machine.device import Rows
from clickthrough.training.optim.divergence import refuse_divergence
from clickthrough.training.rows.batches import Batch

_EVERY = {"cuda": 50}


def steps_between_looks(device: torch.device) -> int:
    """Return after how many steps losses are looked at: on a processor after each."""
    return _EVERY.get(device.type, 1)


@dataclass(frozen=True)
class Seen:
    """A step whose outcome nobody has looked at yet.

    Attributes:
        told: the mean loss of the batch, and whether a checkpoint is due (0 or more), shape (2,).
        batch: what was trained on.
        place: the epoch and batch, for errors.
        rate: the learning rate.
    """

    told: Tensor
    batch: Batch
    place: str
    rate: float


@dataclass
class Watch:
    """Keeps steps until they are looked at.

    Args:
        rows: the table's, for errors.
        numeric: the names of the numeric inputs, for errors.
        every: after how many steps it is time to look.
    """

    rows: Rows
    numeric: Sequence[str]
    every: int
    _seen: list[Seen] = field(default_factory=list)

    def add(self, seen: Seen) -> None:
        """Keep a step."""
        self._seen.append(seen)

    @property
    def is_full(self) -> bool:
        """Whether it is time to look."""
        return len(self._seen) >= self.every

    def look(self) -> tuple[float, bool]:
        """Return the losses since the last look, summed over rows, and if a checkpoint is due.

        Raises:
            ClickthroughError: a loss is not a number; the first such batch is named.
        """
        seen, self._seen = self._seen, []
        if not seen:
            return 0.0, False
        told = torch.stack([one.told for one in seen]).tolist()
        for one, (loss, _) in zip(seen, told, strict=True):
            if not isfinite(loss):
                numeric = self.rows.inputs(one.batch.rows)[1].cpu()
                refuse_divergence(one.place, numeric, self.numeric, one.rate)
        losses = [loss * len(one.batch) for one, (loss, _) in zip(seen, told, strict=True)]
        return sum(losses), any(due for _, due in told)
