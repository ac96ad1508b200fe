"""Embedding tables whose rows are dealt to processes: each holds every n-th row."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from clickthrough.errors import ConfigError
from clickthrough.models.base import CtrModel
from clickthrough.training.distributed.group import Group


class ShardedTable(nn.Module):
    """An embedding table of which a process holds the rows ``rank``, ``rank + size``, and so on.

    Neighbouring ids are about as frequent as each other, so every process has as much to do. A
    look-up asks the owners for the distinct rows of the process's share of a batch; the backward
    pass sends their gradients to the owners, which alone hold the rows' moments.

    Args:
        table: the whole one, with sparse gradients; its weight becomes the own rows.
        group: the processes.

    Attributes:
        weight: the own rows.
        rows: of the whole table.
        whole: the whole table, for a while; see :func:`whole_tables`.
    """

    def __init__(self, table: nn.Embedding, group: Group) -> None:
        super().__init__()
        self.rows, self._group = table.num_embeddings, group
        self.weight = nn.Parameter(own_rows(table.weight.detach(), group))
        self.whole: Tensor | None = None

    def forward(self, rows: Tensor) -> Tensor:
        """Embed rows of the whole table, of any shape."""
        if self.whole is not None:
            return nn.functional.embedding(rows, self.whole)
        distinct, places = torch.unique(rows, return_inverse=True)
        owner = distinct % self._group.size
        order = torch.argsort(owner, stable=True)
        given = torch.bincount(owner, minlength=self._group.size)
        asked, taken = self._asked(distinct[order], given)
        fetched = _Fetched.apply(  # type: ignore[no-untyped-call]
            self.weight, asked, taken, given.tolist(), self._group
        )
        return nn.functional.embedding(order.argsort()[places], fetched)

    def put_together(self) -> Tensor:
        """Return the whole table in the leader; elsewhere, the own rows."""
        return whole_rows(self.weight.detach(), self._group)

    def _asked(self, wanted: Tensor, given: Tensor) -> tuple[Tensor, list[int]]:
        """Tell the owners which rows are wanted; return those that are wanted of the own ones.

        Args:
            wanted: rows of the whole table, those of the first owner first.
            given: how many each owner is asked for.

        Returns:
            Places among the own rows, and how many of them each process asks for.
        """
        counts = torch.stack(self._group.gathered(given))
        taken: list[int] = counts[:, self._group.rank].tolist()
        asked = self._group.exchanged(wanted, given.tolist(), taken)
        return asked.long() // self._group.size, taken


class _Fetched(torch.autograd.Function):
    """The rows that a process asked for; gradients go back to the owners."""

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401
        weight: Tensor,
        asked: Tensor,
        taken: list[int],
        given: list[int],
        group: Group,
    ) -> Tensor:
        ctx.save_for_backward(asked)
        ctx.taken, ctx.given, ctx.group, ctx.shape = taken, given, group, weight.shape
        return group.exchanged(weight.index_select(0, asked), taken, given)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:  # noqa: ANN401
        (asked,) = ctx.saved_tensors
        sums = ctx.group.exchanged(gradient, ctx.given, ctx.taken)
        sparse = torch.sparse_coo_tensor(
            asked.unsqueeze(0), sums, ctx.shape, check_invariants=False
        )
        return sparse, None, None, None, None


def shard_tables(model: CtrModel, group: Group) -> None:
    """Deal out the rows of a model's embedding tables.

    Raises:
        ConfigError: it has a table that is no embedding with sparse gradients.
    """
    tables = {id(table) for table in model.table_parameters()}
    for parent in list(model.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.Embedding) and id(child.weight) in tables:
                tables.discard(id(child.weight))
                setattr(parent, name, ShardedTable(child, group))
    if tables:
        raise ConfigError(
            f"training.tables: {type(model).__name__} has tables that cannot be sharded; "
            "expected replicated"
        )


def join_tables(model: CtrModel) -> None:
    """Undo :func:`shard_tables`: whole in the leader; the others are left with their own rows."""
    for parent in list(model.modules()):
        for name, child in parent.named_children():
            if isinstance(child, ShardedTable):
                whole = child.put_together()
                rows, width = whole.shape
                setattr(parent, name, nn.Embedding(rows, width, sparse=True, _weight=whole))


@contextmanager
def whole_tables(model: CtrModel) -> Iterator[None]:
    """Let the leader look up rows without asking, for a while."""
    sharded = [module for module in model.modules() if isinstance(module, ShardedTable)]
    for table in sharded:
        table.whole = table.put_together()
    try:
        yield
    finally:
        for table in sharded:
            table.whole = None


class Replicated:
    """Every process holds whole tables."""

    def whole(self, own: Tensor) -> Tensor:
        """Return a whole table, or what has a row for each of its rows, from a process's part.

        Args:
            own: the part of this process.

        Returns:
            The whole in the leader; the part elsewhere.
        """
        return own

    def own(self, whole: Tensor) -> Tensor:
        """Return this process's part of a whole."""
        return whole


class Sharded(Replicated):
    """Every process holds every n-th row.

    Args:
        group: the processes.
    """

    def __init__(self, group: Group) -> None:
        self._group = group

    def whole(self, own: Tensor) -> Tensor:
        """See :meth:`Replicated.whole`."""
        return whole_rows(own, self._group)

    def own(self, whole: Tensor) -> Tensor:
        """See :meth:`Replicated.own`."""
        return own_rows(whole, self._group)


def own_rows(whole: Tensor, group: Group) -> Tensor:
    """Return a process's rows of a whole table."""
    return whole[group.rank :: group.size].clone()


def whole_rows(own: Tensor, group: Group) -> Tensor:
    """Put a whole table together in the leader; elsewhere, return what was given.

    Args:
        own: the rows of this process, of which another one may have one more.
        group: the processes.
    """
    counts = [int(count) for count in group.gathered(torch.tensor(len(own)))]
    padded = own.new_zeros((max(counts), *own.shape[1:]))
    padded[: len(own)] = own
    parts = group.collected(padded)
    if not group.leads:
        return own
    whole = own.new_empty((sum(counts), *own.shape[1:]))
    for rank, (part, count) in enumerate(zip(parts, counts, strict=True)):
        whole[rank :: group.size] = part[:count]
    return whole
