"""Factorized interaction layers, in one branch or two (final_net)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from clickthrough.config.model import FinalNet
from clickthrough.models.dropout import FastDropout
from clickthrough.models.net import Fed, Net
from clickthrough.models.shape import InputShape


class Factorized(nn.Module):
    """[h2 ; h1] = W x + b, h2 + h1 * h2: (n, width) -> (n, size)."""

    def __init__(self, width: int, size: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, 2 * size)

    def forward(self, x: Tensor) -> Tensor:
        """Return sums and products of pairs of sums."""
        plain, factor = self.linear(x).chunk(2, dim=1)
        made: Tensor = plain + factor * plain
        return made


class FieldGate(nn.Module):
    """Multiplies each field by a number that all fields decide on; it begins at 1.

    g = V x + 1, shape (n, fields), a field being the row of a slot, or a number.
    """

    owner: Tensor

    def __init__(self, shape: InputShape, width: int) -> None:
        super().__init__()
        sizes = torch.tensor([*shape.dims, *(1 for _ in range(shape.numeric))])
        owner = torch.arange(len(sizes)).repeat_interleave(sizes)
        self.register_buffer("owner", owner, persistent=False)
        self.linear = nn.Linear(width, len(sizes))
        nn.init.zeros_(self.linear.weight)
        nn.init.ones_(self.linear.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return x behind the gate, shape (n, width)."""
        gates: Tensor = self.linear(x)
        return x * gates[:, self.owner]


class FinalNetNet(Net):
    """FINAL (Zhu et al., 2023): each layer doubles the degree, so that few are enough.

    A layer is BatchNorm, ReLU and dropout after :class:`Factorized`. With two branches the second
    sees the fields behind a :class:`FieldGate`; each branch is a part with a logit of its own, z is
    their mean, and each also learns to say what the mean says. To take in place of a perceptron
    where ids are to be multiplied with one another; two branches are an ensemble in one network.
    """

    def __init__(self, settings: FinalNet, shape: InputShape) -> None:
        super().__init__(shape)
        self.branches = nn.ModuleList(
            _branch(self.width, settings.hidden, settings.dropout) for _ in range(settings.branches)
        )
        self.gate = FieldGate(shape, self.width) if settings.branches > 1 else None
        self.widths = (settings.hidden[-1],) * settings.branches

    def hidden(self, fed: Fed) -> list[Tensor]:
        """See :meth:`Net.hidden`."""
        seen = [fed.joined]
        if self.gate is not None:
            seen.append(self.gate(fed.joined))
        return [branch(own) for branch, own in zip(self.branches, seen, strict=True)]

    @property
    def learns_from_mean(self) -> bool:
        """See :attr:`Net.learns_from_mean`."""
        return len(self.branches) > 1


def _branch(width: int, hidden: Sequence[int], dropout: float) -> nn.Sequential:
    layers: list[nn.Module] = []
    for size in hidden:
        layers += [Factorized(width, size), nn.BatchNorm1d(size), nn.ReLU(), FastDropout(dropout)]
        width = size
    return nn.Sequential(*layers)
