"""Where a model is fitted, and what it begins with."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from clickthrough.room import Need
from clickthrough.training.continued import Start
from clickthrough.training.distributed.place import Place


@dataclass(frozen=True)
class Where:
    """Where a model is fitted.

    Attributes:
        place: processes and device; those of this process and the settings by default.
        checkpoints: a directory for them; none are kept by default.
        start: a bundle that weights are gone on from.
        beside: the disk that is needed after training.
    """

    place: Place | None = None
    checkpoints: Path | None = None
    start: Start | None = None
    beside: Sequence[Need] = ()

    def part(self, name: str) -> "Where":
        """Return where one of several models is fitted: with checkpoints of its own."""
        own = None if self.checkpoints is None else self.checkpoints / name
        return replace(self, checkpoints=own)
