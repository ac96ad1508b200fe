"""One fused embedding table for all id columns and bags of a width."""

import torch
from torch import Tensor, nn

from clickthrough.models.base import InputShape


class FusedEmbedding(nn.Module):
    """Embeds the ids of all columns with one look-up: each column owns a range of rows.

    A bag is embedded as the weighted mean of its ids.

    Args:
        shape: id columns and bags.
        dim: width of an embedding.
    """

    offsets: Tensor
    bag_offsets: Tensor

    def __init__(self, shape: InputShape, dim: int) -> None:
        super().__init__()
        self.columns = len(shape.id_sizes)
        self.lengths = [length for _, length in shape.bags]
        self.width = (self.columns + len(shape.bags)) * dim
        sizes = [*shape.id_sizes, *(size for size, _ in shape.bags)]
        self.sizes = sizes
        self.table = nn.Embedding(max(sum(sizes), 1), dim, sparse=True)
        nn.init.normal_(self.table.weight, std=0.01)
        starts = torch.tensor([0, *sizes]).cumsum(0)[:-1].to(torch.int32)
        self.register_buffer("offsets", starts[: self.columns], persistent=False)
        repeats = torch.tensor(self.lengths, dtype=torch.int64)
        bag_starts = starts[self.columns :].repeat_interleave(repeats)
        self.register_buffer("bag_offsets", bag_starts, persistent=False)

    def tables(self) -> list[Tensor]:
        """Return the rows of each id column, then of each bag, as :meth:`forward` joins them."""
        return list(torch.split(self.table.weight.detach(), self.sizes))

    def forward(self, ids: Tensor, bag_ids: Tensor, bag_weights: Tensor) -> Tensor:
        """Embed impressions: (n, columns), (n, lengths), (n, lengths) -> (n, width)."""
        if not self.lengths:
            alone: Tensor = self.table(ids + self.offsets)
            return alone.flatten(1)
        rows = torch.cat([ids + self.offsets, bag_ids + self.bag_offsets], dim=1)
        embedded = self.table(rows)
        weighed = embedded[:, self.columns :] * bag_weights.unsqueeze(2)
        pooled = [part.sum(dim=1) for part in weighed.split(self.lengths, dim=1)]
        return torch.cat([embedded[:, : self.columns].flatten(1), *pooled], dim=1)
