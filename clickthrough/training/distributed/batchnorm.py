"""BatchNorm over a batch that several processes share (Ioffe and Szegedy, 2015)."""

from typing import Any

import torch
from torch import Tensor, nn

from clickthrough.training.distributed.group import Group


class SharedBatchNorm(nn.BatchNorm1d):
    """BatchNorm with the statistics of the global batch; torch's own needs GPUs.

    In training the processes exchange counts, means and sums of squares once, and once more in the
    backward pass. In evaluation it is what it was made of, and its state is the same always.

    Args:
        like: whose place it takes; weights and statistics are shared with it.
        group: the processes.
    """

    def __init__(self, like: nn.BatchNorm1d, group: Group) -> None:
        super().__init__(like.num_features, like.eps, like.momentum)
        self._parameters, self._buffers = like._parameters, like._buffers
        self.training, self._group = like.training, group

    def forward(self, values: Tensor) -> Tensor:
        """Normalize values, shape (b, features), of which another process has others."""
        if not self.training:
            return super().forward(values)
        single = values.float()
        count, mean, variance = global_moments(single.detach(), self._group)
        self._take_in(count, mean, variance)
        made: Tensor = _Normalized.apply(  # type: ignore[no-untyped-call]
            single, self.weight, self.bias, (mean, variance, count), self.eps, self._group
        )
        return made.to(values.dtype)

    @torch.no_grad()
    def _take_in(self, count: Tensor, mean: Tensor, variance: Tensor) -> None:
        """Move the statistics of evaluation towards those of a batch, as torch does."""
        assert self.running_mean is not None and self.running_var is not None  # noqa: S101
        assert self.num_batches_tracked is not None and self.momentum is not None  # noqa: S101
        self.num_batches_tracked.add_(1)
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance * (count / (count - 1)), self.momentum)


def global_moments(values: Tensor, group: Group) -> tuple[Tensor, Tensor, Tensor]:
    """Return count, means and variances of the rows of all processes.

    Each tells its own moments about its own mean, and they are put together exactly (Chan, Golub
    and LeVeque, 1979): a mean square less a squared mean would lose half of the digits.

    Args:
        values: shape (b, features); b may be 0.
        group: the processes.
    """
    features = values.shape[1]
    own = values.new_full((1,), len(values))
    mean = variance = values.new_zeros(features)
    if len(values):  # torch's kernels divide by the number of rows
        mean, variance = torch.batch_norm_update_stats(values, None, None, 0.0)
    squares = variance * len(values)
    told = torch.stack(group.gathered(torch.cat([own, mean, squares])))
    counts, means, sums = told[:, :1], told[:, 1 : features + 1], told[:, features + 1 :]
    count = counts.sum()
    mean = (counts * means).sum(dim=0) / count
    variance = (sums + counts * (means - mean).square()).sum(dim=0) / count
    return count, mean, variance


class _Normalized(torch.autograd.Function):
    """Scaled and shifted standard values; every row acts on all through mean and variance."""

    @staticmethod
    def forward(  # noqa: PLR0913, PLR0917
        ctx: Any,  # noqa: ANN401
        values: Tensor,
        weight: Tensor,
        bias: Tensor,
        moments: tuple[Tensor, Tensor, Tensor],
        eps: float,
        group: Group,
    ) -> Tensor:
        mean, variance, count = moments
        ctx.save_for_backward(values, weight, mean, (variance + eps).rsqrt(), count)
        ctx.group = group
        return nn.functional.batch_norm(values, mean, variance, weight, bias, eps=eps)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:  # noqa: ANN401
        values, weight, mean, spread, count = ctx.saved_tensors
        by_weight = by_bias = torch.zeros_like(weight)
        if len(values):  # with z the standard values: sums over rows of gradient * z, and gradient
            _, by_weight, by_bias = torch.ops.aten.native_batch_norm_backward(
                gradient, values, weight, None, None, mean, spread, True, 0.0, [False, True, True]
            )
        means = torch.stack([by_bias, by_weight])
        ctx.group.add(means)
        means /= count
        # weight * spread * (gradient - means[0] - z * means[1]), as a line in values and gradient
        slope = weight * spread
        along = -slope * spread * means[1]
        back = torch.addcmul(-slope * means[0] - along * mean, values, along)
        return back.addcmul_(gradient, slope), by_weight, by_bias, None, None, None


def share_batchnorm(model: nn.Module, group: Group) -> None:
    """Put a shared BatchNorm in the place of each one of a model."""
    for parent in list(model.modules()):
        for name, child in parent.named_children():
            if type(child) is nn.BatchNorm1d:
                setattr(parent, name, SharedBatchNorm(child, group))


def part_batchnorm(model: nn.Module) -> None:
    """Undo :func:`share_batchnorm`; weights and statistics stay."""
    for parent in list(model.modules()):
        for name, child in parent.named_children():
            if type(child) is SharedBatchNorm:
                plain = nn.BatchNorm1d(child.num_features, child.eps, child.momentum)
                plain._parameters, plain._buffers = child._parameters, child._buffers
                setattr(parent, name, plain.train(child.training))
