"""An optimizer of embedding tables: a step costs what the rows of its batch cost."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from clickthrough.training.optim.placewise import summed_by_place

_DECAY = 0.999
_SMALLEST = 1e-8


class RowWiseAdam(torch.optim.Optimizer):
    """Adam without momentum and with one second moment a row, on the rows of a batch alone.

    With g the gradient of a row, summed over its places in the batch, and t the step:

        v <- 0.999 v + 0.001 mean(g^2)
        w <- w - rate * sqrt(1 - 0.999^t) * g / (sqrt(v) + 1e-8)

    Adam (Kingma and Ba, 2015) with beta1 = 0 and the correction applied to the rate, as in
    ``torch.optim.SparseAdam``; one moment a row as in row-wise Adagrad of DLRM (Naumov et al.,
    2019) and partial row-wise Adam of FBGEMM: 4 bytes a row where Adam keeps 128 at dimension 16.
    A row that is not in the batch is neither read nor written and its moment does not decay. A
    seed gives the same weights again.

    Args:
        tables: embedding tables with sparse gradients, each shape (rows, dimension).
        lr: the rate.
        l2: strength of L2, taken over the distinct rows of a batch: ``l2 * w`` joins the
            gradient. Over whole tables it would make a step as slow as they are large.
    """

    def __init__(self, tables: Iterable[nn.Parameter], lr: float, l2: float = 0.0) -> None:
        super().__init__(tables, {"lr": lr, "l2": l2})
        for group in self.param_groups:
            for table in group["params"]:
                self.state[table] = {
                    "step": torch.tensor(0.0),
                    "moments": torch.zeros(len(table), device=table.device),
                }

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Change the rows that have a gradient."""
        for group in self.param_groups:
            for table in group["params"]:
                if table.grad is not None:
                    self._change(table, table.grad, group["lr"], group["l2"])

    def _change(self, table: Tensor, gradient: Tensor, rate: float, l2: float) -> None:
        summed = summed_by_place if gradient.is_cuda else summed_by_row
        rows, gradients = summed(gradient)  # a row may stand there again, with the same sum
        weights = table.index_select(0, rows)
        if l2:
            gradients.add_(weights, alpha=l2)
        moments, step = self.state[table]["moments"], self.state[table]["step"]
        step += 1
        squares = gradients.square().mean(dim=1)
        latest = moments.index_select(0, rows).lerp_(squares, 1 - _DECAY)
        moments.index_copy_(0, rows, latest)
        corrected = rate * (1 - _DECAY ** float(step)) ** 0.5
        changes = gradients.mul_((corrected / latest.sqrt_().add_(_SMALLEST)).unsqueeze(1))
        table.index_copy_(0, rows, weights.sub_(changes))


def summed_by_row(gradient: Tensor) -> tuple[Tensor, Tensor]:
    """Return the rows that a sparse gradient names, once each, and the sum for each.

    The same as ``coalesce``, several times as fast: ids are sorted as 32 bit numbers, by radix
    sort, and the values of a row are summed where they lie, by the kernel of embedding bags.

    Args:
        gradient: sparse, shape (rows of the table, dimension), of less than 2^31 rows.

    Returns:
        Rows in ascending order, shape (u,); sums, shape (u, dimension).
    """
    ordered, places = torch.sort(gradient._indices()[0].int(), stable=True)
    rows, counts = torch.unique_consecutive(ordered, return_counts=True)
    starts = counts.cumsum(0).sub_(counts)
    sums = nn.functional.embedding_bag(places, gradient._values(), starts, mode="sum")
    return rows.long(), sums
