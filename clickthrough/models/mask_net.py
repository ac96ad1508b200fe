"""Blocks that an instance-guided mask goes over, side by side (mask_net)."""

import torch
from torch import Tensor, nn

from clickthrough.config.model import MaskNet
from clickthrough.models.net import Fed, Net, perceptron
from clickthrough.models.shape import InputShape


class Block(nn.Module):
    """relu(LayerNorm(W3 (m * h))) with the mask m = W2 relu(W1 x): (n, width) -> (n, size).

    Args:
        width: of x, and of h, which is x normalized.
        inner: width of the mask's hidden layer.
        size: numbers that it makes.
    """

    def __init__(self, width: int, inner: int, size: int) -> None:
        super().__init__()
        self.mask = nn.Sequential(nn.Linear(width, inner), nn.ReLU(), nn.Linear(inner, width))
        self.made = nn.Sequential(nn.Linear(width, size, bias=False), nn.LayerNorm(size), nn.ReLU())

    def forward(self, x: Tensor, normalized: Tensor) -> Tensor:
        """Return what is left behind the mask."""
        made: Tensor = self.made(self.mask(x) * normalized)
        return made


class MaskNetNet(Net):
    """MaskNet (Wang, Z. et al., 2021), its parallel form.

    z = w' MLP([block_1 ; ... ; block_k]), see :class:`Block`, over one LayerNorm(x). A mask says
    for each impression which inputs count, and multiplies them on the way. To take where what
    matters differs from row to row, and no BatchNorm is wanted before the blocks; most of its
    weights are in the masks: ``reduction`` is what they cost.
    """

    def __init__(self, settings: MaskNet, shape: InputShape) -> None:
        super().__init__(shape)
        inner = max(1, round(self.width * settings.reduction))
        self.norm = nn.LayerNorm(self.width)
        self.blocks = nn.ModuleList(
            Block(self.width, inner, settings.block) for _ in range(settings.blocks)
        )
        self.layers = perceptron(
            settings.blocks * settings.block, settings.hidden, settings.dropout
        )
        self.widths = (settings.hidden[-1],)

    def hidden(self, fed: Fed) -> list[Tensor]:
        """See :meth:`Net.hidden`."""
        x, normalized = fed.joined, self.norm(fed.joined)
        blocks = [block(x, normalized) for block in self.blocks]
        return [self.layers(torch.cat(blocks, dim=1))]
