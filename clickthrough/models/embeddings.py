"""Fused embedding tables: one for all id columns and bags of a width."""

from collections.abc import Sequence

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
        self.dim = dim
        sizes = [*shape.id_sizes, *(size for size, _ in shape.bags)]
        self.sizes = sizes
        self.table = nn.Embedding(max(sum(sizes), 1), dim, sparse=True)
        nn.init.normal_(self.table.weight, std=0.01)
        starts = torch.tensor([0, *sizes]).cumsum(0)[:-1].to(torch.int32)
        self.register_buffer("offsets", starts[: self.columns], persistent=False)
        repeats = torch.tensor(self.lengths, dtype=torch.int64)
        bag_starts = starts[self.columns :].repeat_interleave(repeats)
        self.register_buffer("bag_offsets", bag_starts, persistent=False)

    def forward(self, ids: Tensor, bag_ids: Tensor, bag_weights: Tensor) -> Tensor:
        """Embed impressions: (n, columns), (n, lengths), (n, lengths) -> (n, width)."""
        if not self.lengths:
            alone: Tensor = self.table(ids + self.offsets)
            return alone.flatten(1)
        rows = torch.cat([ids + self.offsets, bag_ids + self.bag_offsets], dim=1)
        embedded = self.table(rows)
        bags = torch.split(embedded[:, self.columns :], self.lengths, dim=1)
        weights = torch.split(bag_weights.unsqueeze(1), self.lengths, dim=2)
        # a product row by row: ONNX Runtime sums a single row in another order than several
        pooled = [torch.bmm(own, bag).squeeze(1) for own, bag in zip(weights, bags, strict=True)]
        return torch.cat([embedded[:, : self.columns].flatten(1), *pooled], dim=1)


class Embeddings(nn.Module):
    """Embeds each column at its own width, with one fused table a width.

    Args:
        shape: id columns and bags.
        dims: the width of each id column, then of each bag.
    """

    def __init__(self, shape: InputShape, dims: Sequence[int]) -> None:
        super().__init__()
        self.dims = list(dims)
        self.groups = [_Group(shape, dims, dim) for dim in sorted(set(dims))]
        for group in self.groups:
            fused = FusedEmbedding(group.shape, group.dim)
            self.add_module(f"width_{group.dim}", fused)
            self.register_buffer(
                f"ids_{group.dim}", torch.tensor(group.ids, dtype=torch.int64), persistent=False
            )
            self.register_buffer(
                f"bags_{group.dim}", torch.tensor(group.places, dtype=torch.int64), persistent=False
            )

    @property
    def width(self) -> int:
        """The numbers that an impression is embedded as."""
        return sum(self.dims)

    def columns(self) -> dict[str, list[int]]:
        """Return the name of each table in the state -> its columns: ids, then bags."""
        return {f"width_{group.dim}.table.weight": group.columns for group in self.groups}

    def tables(self) -> list[Tensor]:
        """Return the rows of each id column, then of each bag, as :meth:`forward` joins them."""
        made: dict[int, Tensor] = {}
        for group in self.groups:
            fused = self._fused(group)
            parts = torch.split(fused.table.weight.detach(), fused.sizes)
            made |= dict(zip(group.columns, parts, strict=True))
        return [made[column] for column in range(len(self.dims))]

    def forward(self, ids: Tensor, bag_ids: Tensor, bag_weights: Tensor) -> Tensor:
        """Embed impressions: (n, columns), (n, lengths), (n, lengths) -> (n, width)."""
        if len(self.groups) == 1:
            alone: Tensor = self._fused(self.groups[0])(ids, bag_ids, bag_weights)
            return alone
        made: dict[int, Tensor] = {}
        for group in self.groups:
            own, bags = (getattr(self, f"{kind}_{group.dim}") for kind in ("ids", "bags"))
            given = ids[:, own], bag_ids[:, bags], bag_weights[:, bags]
            parts = self._fused(group)(*given).split(group.dim, dim=1)
            made |= dict(zip(group.columns, parts, strict=True))
        return torch.cat([made[column] for column in range(len(self.dims))], dim=1)

    def _fused(self, group: "_Group") -> FusedEmbedding:
        fused: FusedEmbedding = getattr(self, f"width_{group.dim}")
        return fused


class _Group:
    """The id columns and bags of one width.

    Attributes:
        ids: the id columns.
        places: where the ids of its bags lie among those of all bags.
        columns: its columns among all of them, id columns first.
    """

    def __init__(self, shape: InputShape, dims: Sequence[int], dim: int) -> None:
        count, self.dim = len(shape.id_sizes), dim
        self.columns = [column for column, own in enumerate(dims) if own == dim]
        self.ids = [column for column in self.columns if column < count]
        bags = [column - count for column in self.columns if column >= count]
        starts = [sum(length for _, length in shape.bags[:bag]) for bag in range(len(shape.bags))]
        self.places = [starts[bag] + i for bag in bags for i in range(shape.bags[bag][1])]
        sizes = tuple(shape.id_sizes[column] for column in self.ids)
        self.shape = InputShape(sizes, 0, tuple(shape.bags[bag] for bag in bags))
