"""Which rows of a global batch are a process's own."""

from dataclasses import dataclass

import numpy as np

from clickthrough.training.distributed.group import Group
from clickthrough.training.rows.batches import Batch


@dataclass(frozen=True)
class Share:
    """A run of rows of a global batch.

    Attributes:
        first: the first one's place in the batch.
        last: the place after the last one; there may be none.
        of: rows of the batch.
    """

    first: int
    last: int
    of: int

    @property
    def rows(self) -> slice:
        """The places of its rows."""
        return slice(self.first, self.last)


def share_of(batch: Batch, group: Group) -> Share:
    """Return the rows of a process: as many as every other has, or about that in whole requests.

    Args:
        batch: the global one, the same in each process.
        group: the processes.
    """
    count = len(batch)
    cuts = [count * rank // group.size for rank in (group.rank, group.rank + 1)]
    if batch.request is not None and group.size > 1:
        request = batch.request.numpy()
        starts = np.append(np.flatnonzero(np.diff(request, prepend=-1)), count)
        cuts = [int(starts[np.searchsorted(starts, cut)]) for cut in cuts]
    return Share(cuts[0], cuts[1], count)
