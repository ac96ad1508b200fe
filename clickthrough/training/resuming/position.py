"""How far a run has come."""

from dataclasses import asdict, dataclass, field
from typing import Any

import msgspec
import numpy as np

from clickthrough.training.optim.plateau import Plateau


@dataclass(frozen=True)
class Epoch:
    """What one epoch came to: mean training loss, and the monitored metric on validation.

    Trees know of no such loss.
    """

    number: int
    loss: float | None
    monitored: float


@dataclass
class Position:
    """How far a run has come; with the weights, all that it needs to go on.

    Attributes:
        epochs: those that are done.
        batches: done of the running epoch.
        steps: in all.
        rows: trained on in the running epoch.
        loss: summed over these rows.
        order: the generator of the epoch's order, as the epoch began.
        best: the best monitored value, signed so that higher is better.
        plateau: what the learning rate has come to by validations.
    """

    epochs: list[Epoch] = field(default_factory=list)
    batches: int = 0
    steps: int = 0
    rows: int = 0
    loss: float = 0.0
    order: dict[str, Any] = field(default_factory=dict)
    best: float = -np.inf
    plateau: Plateau = field(default_factory=Plateau)

    def told(self) -> str:
        """Say how far that is."""
        return f"epoch {len(self.epochs) + 1}, batch {self.batches}"

    @classmethod
    def read(cls, numbers: dict[str, Any]) -> "Position":
        """Return the position of a checkpoint.

        Raises:
            ValueError: it is none.
        """
        read = msgspec.convert(numbers, cls)
        if set(numbers) != set(asdict(read)) or min(read.batches, read.rows, read.steps) < 0:
            raise ValueError("expected the position of a run")
        return read
