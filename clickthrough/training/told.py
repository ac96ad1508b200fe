"""Where a run reports to: lines, and each epoch once it is validated. Of steps, see ``steps``."""

from collections.abc import Callable
from dataclasses import dataclass

from clickthrough.training.resuming.position import Epoch


@dataclass(frozen=True)
class Told:
    """Where a run reports to.

    Attributes:
        say: takes a line.
        evaluated: takes an epoch once it is validated; what it raises ends the run.
    """

    say: Callable[[str], None] = lambda line: None
    evaluated: Callable[[Epoch], None] = lambda epoch: None
