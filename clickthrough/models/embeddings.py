"""One fused embedding table for all id columns of a width."""

import torch
from torch import Tensor, nn


class FusedEmbedding(nn.Module):
    """Embeds ids of several columns with one look-up: each column owns a range of rows.

    Args:
        sizes: the number of ids of each column.
        dim: width of an embedding.
    """

    offsets: Tensor

    def __init__(self, sizes: list[int], dim: int) -> None:
        super().__init__()
        self.dim = dim
        self.table = nn.Embedding(max(sum(sizes), 1), dim, sparse=True)
        nn.init.normal_(self.table.weight, std=0.01)
        starts = torch.tensor([0, *sizes]).cumsum(0)[:-1]
        self.register_buffer("offsets", starts.to(torch.int32), persistent=False)

    def forward(self, ids: Tensor) -> Tensor:
        """Embed ids of shape (n, columns) as (n, columns * dim)."""
        embedded: Tensor = self.table(ids + self.offsets)
        return embedded.flatten(1)
