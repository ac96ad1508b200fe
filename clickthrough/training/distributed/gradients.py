"""Gradients of the processes' shares, summed to those of the global batch."""

import torch
from torch import Tensor

from clickthrough.models.base import CtrModel
from clickthrough.training.distributed.group import Group, gathered_rows
from clickthrough.training.optim.rowwise import summed_by_row


class Gradients:
    """What processes tell each other between the backward pass and the optimizers.

    Args:
        model: its gradients are summed in place.
        group: the processes.
        sharded: whether the rows of tables are dealt out: then gradients have already gone to
            the owners of their rows.
    """

    def __init__(self, model: CtrModel, group: Group, sharded: bool = False) -> None:
        self._dense, self._group = model.dense_parameters(), group
        self._tables = [] if sharded else model.table_parameters()

    def add(self, told: Tensor) -> Tensor:
        """Sum gradients, and some numbers beside in the same message.

        Args:
            told: of this process, shape (n,).

        Returns:
            Their sums, shape (n,).
        """
        if self._group.size == 1:
            return told
        gradients = [p.grad for p in self._dense if p.grad is not None]
        message = torch.cat([told, *(gradient.flatten() for gradient in gradients)])
        self._group.add(message)
        sizes = [len(told), *(gradient.numel() for gradient in gradients)]
        sums, *parts = torch.split(message, sizes)
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))
        for table in self._tables:
            if table.grad is not None:
                table.grad = self._gathered(table.grad)
        return sums

    def _gathered(self, gradient: Tensor) -> Tensor:
        """Return the sparse gradient of all processes; a row and its number travel together."""
        if gradient.is_cuda:  # how many rows differ is not known without waiting for the device
            rows, sums = gradient._indices()[0], gradient._values()
        else:
            rows, sums = summed_by_row(gradient)
        message = torch.cat([rows.int().view(torch.float32).unsqueeze(1), sums], dim=1)
        every = gathered_rows(self._group, message)
        numbers = every[:, 0].contiguous().view(torch.int32).long().unsqueeze(0)
        return torch.sparse_coo_tensor(
            numbers, every[:, 1:].contiguous(), gradient.shape, check_invariants=False
        )
