"""The processes that train together, and all that they tell each other."""

from collections.abc import Callable, Sequence
from typing import Any, Self

import torch
import torch.distributed as dist
from torch import Tensor

from clickthrough.errors import ClickthroughError


class Group:
    """A process that trains alone: whatever it tells the others comes back as it was.

    Every method but the properties must be called by all processes alike, and in the same order.

    Attributes:
        rank: which process this is, from 0.
        size: how many there are.
        first_here: whether it is the first one of its machine.
    """

    rank = 0
    size = 1
    first_here = True

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return itself: a copied model belongs to the same processes."""
        return self

    @property
    def leads(self) -> bool:
        """Whether it talks, validates and writes for all."""
        return self.rank == 0

    def add(self, values: Tensor) -> None:
        """Replace values by their sum over the processes."""

    def gathered(self, values: Tensor) -> list[Tensor]:
        """Return the values of each process; all have one shape."""
        return [values]

    def collected(self, values: Tensor) -> list[Tensor]:
        """Return the values of each process in the leader, and nothing elsewhere."""
        return [values]

    def exchanged(self, rows: Tensor, given: Sequence[int], taken: Sequence[int]) -> Tensor:
        """Send rows to the processes that need them.

        Args:
            rows: those for the first process first, shape (sum of ``given``, ...).
            given: how many are for each process.
            taken: how many come from each process.

        Returns:
            Those from the first process first, shape (sum of ``taken``, ...).
        """
        return rows

    def lead(self, values: Tensor) -> None:
        """Replace values by those of the leader."""

    def wait(self) -> None:
        """Wait until all processes are here."""


class Processes(Group):
    """Several processes, joined by ``torch.distributed``.

    Raises:
        ClickthroughError: from every method, when another process ended.
    """

    def __init__(self, local_rank: int) -> None:
        self.rank, self.size = dist.get_rank(), dist.get_world_size()
        self.first_here = local_rank == 0

    def add(self, values: Tensor) -> None:
        """See :meth:`Group.add`."""
        self._together(lambda: dist.all_reduce(values))

    def gathered(self, values: Tensor) -> list[Tensor]:
        """See :meth:`Group.gathered`."""
        made = [torch.empty_like(values) for _ in range(self.size)]
        self._together(lambda: dist.all_gather(made, values.contiguous()))
        return made

    def collected(self, values: Tensor) -> list[Tensor]:
        """See :meth:`Group.collected`."""
        made = [torch.empty_like(values) for _ in range(self.size)] if self.leads else []
        self._together(lambda: dist.gather(values.contiguous(), made or None, 0))
        return made

    def exchanged(self, rows: Tensor, given: Sequence[int], taken: Sequence[int]) -> Tensor:
        """See :meth:`Group.exchanged`."""
        made = rows.new_empty((sum(taken), *rows.shape[1:]))
        self._together(lambda: dist.all_to_all_single(made, rows.contiguous(), [*taken], [*given]))
        return made

    def lead(self, values: Tensor) -> None:
        """See :meth:`Group.lead`."""
        self._together(lambda: dist.broadcast(values, 0))

    def wait(self) -> None:
        """See :meth:`Group.wait`."""
        self.add(torch.zeros(1))

    def _together(self, act: Callable[[], object]) -> None:
        try:
            act()
        except RuntimeError as error:
            reason = str(error).partition("\n")[0]
            raise ClickthroughError(
                f"process {self.rank} of {self.size} lost another one: {reason}; "
                "--resume goes on from the last checkpoint"
            ) from None


ALONE = Group()


def gathered_rows(group: Group, rows: Tensor) -> Tensor:
    """Return the rows of all processes, those of the first one first.

    Args:
        group: the processes.
        rows: shape (n, ...), with another n in each process.
    """
    if group.size == 1:
        return rows
    counts = [int(count) for count in group.gathered(torch.tensor(len(rows)))]
    padded = rows.new_zeros((max(counts), *rows.shape[1:]))
    padded[: len(rows)] = rows
    parts = group.gathered(padded)
    return torch.cat([part[:count] for part, count in zip(parts, counts, strict=True)])


def led_text(group: Group, text: str) -> str:
    """Return the leader's text."""
    if group.size == 1:
        return text
    letters = torch.tensor(list(text.encode()), dtype=torch.uint8)
    length = torch.tensor(len(letters))
    group.lead(length)
    if not group.leads:
        letters = torch.empty(int(length), dtype=torch.uint8)
    group.lead(letters)
    return bytes(letters.tolist()).decode()
