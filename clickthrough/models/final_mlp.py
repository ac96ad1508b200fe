"""Two perceptrons with a gate each, joined by a product (final_mlp)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from clickthrough.config.base import unknown_name
from clickthrough.config.model import FinalMlp
from clickthrough.errors import ConfigError
from clickthrough.models.net import Fed, Net, perceptron
from clickthrough.models.shape import InputShape

_CONTEXT, _HIDDEN = 16, 64
"""The numbers of a learned context, and of a gate's hidden layer."""


class Gate(nn.Module):
    """x * 2 sigmoid(MLP(context)), the context some columns' rows or a learned vector.

    Args:
        shape: what the model is fed.
        width: of x.
        columns: whose rows are the context.

    Raises:
        ConfigError: a column is none with a table.
    """

    def __init__(self, shape: InputShape, width: int, columns: Sequence[str]) -> None:
        super().__init__()
        known = [slot.name for slot in shape.looked_up]
        for name in columns:
            if name not in known:
                raise ConfigError(f"model.context: {unknown_name(name, 'column with ids', known)}")
        self.spans = [shape.span(known.index(name)) for name in columns]
        told = sum(span.stop - span.start for span in self.spans) or _CONTEXT
        self.learned = None if self.spans else nn.Parameter(0.1 * torch.randn(1, told))
        self.layers = nn.Sequential(
            nn.Linear(told, _HIDDEN), nn.ReLU(), nn.Linear(_HIDDEN, width), nn.Sigmoid()
        )

    def forward(self, fed: Fed) -> Tensor:
        """Return x behind the gate, shape (n, width)."""
        told = [fed.embedded[:, span] for span in self.spans]
        context = torch.cat(told, dim=1) if self.learned is None else self.learned
        gated: Tensor = fed.joined * (2 * self.layers(context))
        return gated


class FinalMlpNet(Net):
    """FinalMLP (Mao et al., 2023): two perceptrons that see the inputs differently.

    e_k = x * 2 sigmoid(MLP_k(context_k)), a = MLP_1(e_1), b = MLP_2(e_2), and
    z = w' a + u' b + v' [a_h' W_h * b_h]_h: a and b are cut into heads, multiplied by a matrix a
    head, a product of sums being what a perceptron by itself must spend many units on. The paper's
    v is 1; a last layer of its own tells members apart that share all. To take as a stronger
    perceptron at the same cost; ``context`` names the user's columns and the item's, where known.
    """

    def __init__(self, settings: FinalMlp, shape: InputShape) -> None:
        super().__init__(shape)
        self.gates = nn.ModuleList(Gate(shape, self.width, names) for names in settings.context)
        streams = (settings.hidden, settings.other)
        self.streams = nn.ModuleList(
            perceptron(self.width, hidden, settings.dropout) for hidden in streams
        )
        first, second = (hidden[-1] // settings.heads for hidden in streams)
        self.heads = nn.ModuleList(
            nn.Linear(first, second, bias=False) for _ in range(settings.heads)
        )
        self.widths = (settings.hidden[-1] + 2 * settings.other[-1],)

    def hidden(self, fed: Fed) -> list[Tensor]:
        """See :meth:`Net.hidden`."""
        one, other = (
            stream(gate(fed)) for stream, gate in zip(self.streams, self.gates, strict=True)
        )
        own = zip(self.heads, one.chunk(len(self.heads), dim=1), strict=True)
        turned = torch.cat([head(part) for head, part in own], dim=1)
        return [torch.cat([one, other, turned * other], dim=1)]
