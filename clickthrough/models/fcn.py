"""A linear and an exponential crossing network (fcn)."""

import torch
from torch import Tensor, nn

from clickthrough.config.model import Fcn
from clickthrough.models.dropout import FastDropout
from clickthrough.models.net import Fed, Net
from clickthrough.models.shape import InputShape


class Masked(nn.Module):
    """H = [h ; h * relu(LayerNorm(h))] + b with h = W x: (n, width) -> (n, width).

    Args:
        width: of x; W makes half of it, rounded up.
        dropout: of H.
    """

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        half = (width + 1) // 2
        self.rest = width - half
        self.linear, self.norm = nn.Linear(width, half, bias=False), nn.LayerNorm(half)
        self.bias = nn.Parameter(torch.zeros(width))
        self.dropout = FastDropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Return H."""
        made = self.linear(x)
        masked = (made * self.norm(made).relu())[:, : self.rest]
        joined: Tensor = self.dropout(torch.cat([made, masked], dim=1) + self.bias)
        return joined


class FcnNet(Net):
    """The Fusing Cross Network (FCN, also DCNv3; Li et al., 2024), with no perceptron at all.

    Exponential: x_{l+1} = x_l * H_l(x_l) + x_l, whose degree doubles with each layer; linear:
    x_{l+1} = x0 * H_l(x_l) + x_l, whose degree grows by one; H is :class:`Masked`. Each network is
    a part with a logit of its own, z is the mean of both, and each also learns by itself as far as
    it is worse than z: L + sum over parts of max(0, L_k - L) L_k. The factor in front is a weight:
    no gradient goes through it. To take on large logs of ids; a number far from the rest is far
    farther in products of high degree, so heavy tails want a logarithm first.
    """

    weighs_parts = True

    def __init__(self, settings: Fcn, shape: InputShape) -> None:
        super().__init__(shape)
        self.exponential, self.linear = (
            nn.ModuleList(Masked(self.width, settings.dropout) for _ in range(layers))
            for layers in (settings.exponential, settings.linear)
        )
        self.widths = (self.width, self.width)

    def hidden(self, fed: Fed) -> list[Tensor]:
        """See :meth:`Net.hidden`."""
        first = doubled = raised = fed.joined
        for layer in self.exponential:
            doubled = doubled * layer(doubled) + doubled
        for layer in self.linear:
            raised = first * layer(raised) + raised
        return [doubled, raised]

    def part_weights(self, parts: Tensor, whole: Tensor) -> Tensor:
        """See :meth:`Net.part_weights`."""
        return (parts - whole).relu()
