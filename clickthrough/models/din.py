"""Attention of the candidate over the user's last items, then a perceptron (din)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from clickthrough.config.model import Din
from clickthrough.errors import ConfigError
from clickthrough.models.net import Fed, Net, perceptron
from clickthrough.models.shape import InputShape


class Attention(nn.Module):
    """u = sum over t of a_t k_t, a_t = MLP[q ; k_t ; q - k_t ; q * k_t] where there is a k_t.

    Weights are no shares: their sum tells how much of the past the candidate resembles.

    Args:
        dim: of q and k.
        hidden: widths of the hidden layers; ReLU stands in for the paper's Dice.
    """

    def __init__(self, dim: int, hidden: Sequence[int]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for width, size in zip([4 * dim, *hidden], hidden, strict=False):
            layers += [nn.Linear(width, size), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Linear(hidden[-1], 1))

    def forward(self, query: Tensor, keys: Tensor, mask: Tensor) -> Tensor:
        """Attend: (n, dim), (n, length, dim), (n, length) -> (n, dim)."""
        asked = query.unsqueeze(1).expand_as(keys)
        compared = torch.cat([asked, keys, asked - keys, asked * keys], dim=2)
        weights = self.layers(compared).squeeze(2) * mask
        return torch.bmm(weights.unsqueeze(1), keys).squeeze(1)


class DinNet(Net):
    """The Deep Interest Network (Zhou et al., 2018): of the past, what resembles the candidate.

    z = w' MLP[x ; u_1 ; ... ], a u for each sequence whose items are looked up in the table of an
    id of the impression: see :class:`Attention`; that id's row q is in x already. To take where
    users have long pasts of several interests, of which a mean says little.

    Raises:
        ConfigError: no sequence has the table and the width of an id.
    """

    def __init__(self, settings: Din, shape: InputShape) -> None:
        super().__init__(shape)
        self.attends = _pairs(shape)
        dims = [shape.dims[asking] for asking, _ in self.attends]
        self.attention = nn.ModuleList(Attention(dim, settings.attention) for dim in dims)
        self.layers = perceptron(self.width + sum(dims), settings.hidden, settings.dropout)
        self.widths = (settings.hidden[-1],)

    def hidden(self, fed: Fed) -> list[Tensor]:
        """See :meth:`Net.hidden`."""
        asking = [fed.embedded[:, self.shape.span(place)] for place, _ in self.attends]
        found = [
            attend(*each)
            for attend, *each in zip(self.attention, asking, fed.keys, fed.masks, strict=True)
        ]
        return [self.layers(torch.cat([fed.joined, *found], dim=1))]


def _pairs(shape: InputShape) -> tuple[tuple[int, int], ...]:
    """Return the first id of the same table, and of the same width, for each sequence."""
    slots, dims = shape.looked_up, shape.dims
    tables = {
        (slot.table, dim): place
        for place, (slot, dim) in reversed([*enumerate(zip(slots, dims, strict=True))])
        if slot.kind == "id"
    }
    made = [
        (tables[slot.table, dim], place)
        for place, (slot, dim) in enumerate(zip(slots, dims, strict=True))
        if slot.kind == "sequence" and (slot.table, dim) in tables
    ]
    if not made:
        raise ConfigError(_missing(shape))
    return tuple(made)


def _missing(shape: InputShape) -> str:
    """Say what there is to attend to, and by what."""
    ids, sequences = (
        ", ".join(slot.name for slot in shape.looked_up if slot.kind == kind) or "none"
        for kind in ("id", "sequence")
    )
    return (
        "model.name: 'din' attends to a sequence of what the impression has too: expected a "
        "'sequence' of a field that is 'categorical' as well, embedded alike; "
        f"found sequences: {sequences}; ids: {ids}"
    )
