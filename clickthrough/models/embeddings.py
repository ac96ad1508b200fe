"""Fused embedding tables: one for all columns of a width; columns of a field share its rows."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from clickthrough.features.slots import Slot
from clickthrough.models.shape import InputShape


class FusedEmbedding(nn.Module):
    """Embeds the ids of all columns with one look-up: each table owns a range of rows.

    A bag is embedded as the weighted mean of its ids.

    Args:
        slots: id columns, then bags.
        dim: width of an embedding.

    Attributes:
        sizes: table -> its rows, which follow one another.
    """

    offsets: Tensor
    bag_offsets: Tensor

    def __init__(self, slots: Sequence[Slot], dim: int) -> None:
        super().__init__()
        self.columns = sum(slot.kind == "id" for slot in slots)
        self.lengths = [slot.length for slot in slots[self.columns :]]
        self.dim = dim
        self.sizes = {slot.table: slot.size for slot in slots}
        self.table = nn.Embedding(max(sum(self.sizes.values()), 1), dim, sparse=True)
        nn.init.normal_(self.table.weight, std=0.01)
        self.starts = _starts(self.sizes)
        starts = torch.tensor([self.starts[slot.table] for slot in slots], dtype=torch.int32)
        self.register_buffer("offsets", starts[: self.columns], persistent=False)
        repeats = torch.tensor(self.lengths, dtype=torch.int64)
        bag_starts = starts[self.columns :].repeat_interleave(repeats)
        self.register_buffer("bag_offsets", bag_starts, persistent=False)

    def rows_of(self, table: str) -> Tensor:
        """Return the rows of a table, shape (size, dim)."""
        start = self.starts[table]
        return self.table.weight.detach()[start : start + self.sizes[table]]

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


def _starts(sizes: dict[str, int]) -> dict[str, int]:
    """Return the first row of each table."""
    made, start = {}, 0
    for table, size in sizes.items():
        made[table] = start
        start += size
    return made


class Embeddings(nn.Module):
    """Embeds each column at its own width, with one fused table a width.

    Args:
        shape: slots and widths.
    """

    def __init__(self, shape: InputShape) -> None:
        super().__init__()
        self.dims = list(shape.dims)
        self.slots = shape.looked_up
        self.groups = [_Group(shape, dim) for dim in sorted(set(shape.dims))]
        for group in self.groups:
            fused = FusedEmbedding([self.slots[column] for column in group.columns], group.dim)
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

    def tables_of(self) -> dict[str, list[str]]:
        """Return the name of each weight -> the tables whose rows follow one another in it."""
        return {
            f"width_{group.dim}.table.weight": list(self._fused(group.dim).sizes)
            for group in self.groups
        }

    def tables(self) -> list[Tensor]:
        """Return the rows of each id column, then of each bag, as :meth:`forward` joins them."""
        pairs = zip(self.slots, self.dims, strict=True)
        return [self._fused(dim).rows_of(slot.table) for slot, dim in pairs]

    def places(self, column: int, ids: Tensor) -> Tensor:
        """Embed the ids of one column, each by itself: (n, length) -> (n, length, dim).

        Args:
            column: its place among id columns and bags.
            ids: of that column.
        """
        fused = self._fused(self.dims[column])
        made: Tensor = fused.table(ids + fused.starts[self.slots[column].table])
        return made

    def forward(self, ids: Tensor, bag_ids: Tensor, bag_weights: Tensor) -> Tensor:
        """Embed impressions: (n, columns), (n, lengths), (n, lengths) -> (n, width)."""
        if len(self.groups) == 1:
            alone: Tensor = self._fused(self.groups[0].dim)(ids, bag_ids, bag_weights)
            return alone
        made: dict[int, Tensor] = {}
        for group in self.groups:
            own, bags = (getattr(self, f"{kind}_{group.dim}") for kind in ("ids", "bags"))
            given = ids[:, own], bag_ids[:, bags], bag_weights[:, bags]
            parts = self._fused(group.dim)(*given).split(group.dim, dim=1)
            made |= dict(zip(group.columns, parts, strict=True))
        return torch.cat([made[column] for column in range(len(self.dims))], dim=1)

    def _fused(self, dim: int) -> FusedEmbedding:
        fused: FusedEmbedding = getattr(self, f"width_{dim}")
        return fused


class _Group:
    """The id columns and bags of one width.

    Attributes:
        ids: the id columns.
        places: where the ids of its bags lie among those of all bags.
        columns: its columns among all of them, id columns first.
    """

    def __init__(self, shape: InputShape, dim: int) -> None:
        count, self.dim = len(shape.ids), dim
        self.columns = [column for column, own in enumerate(shape.dims) if own == dim]
        self.ids = [column for column in self.columns if column < count]
        bags = [column - count for column in self.columns if column >= count]
        lengths = [slot.length for slot in shape.bags]
        starts = [sum(lengths[:bag]) for bag in range(len(lengths))]
        self.places = [starts[bag] + i for bag in bags for i in range(lengths[bag])]
