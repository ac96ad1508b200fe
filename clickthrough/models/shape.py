"""What a model is fed: its slots, and how wide the rows of its tables are."""

from collections.abc import Sequence
from dataclasses import dataclass

from clickthrough.features.slots import Slot


@dataclass(frozen=True)
class InputShape:
    """What a model is fed.

    Attributes:
        slots: ids, then numbers, then bags and sequences, in the order of the encoder's columns.
        dims: the width of the rows of each slot that has a table, in their order.
    """

    slots: tuple[Slot, ...]
    dims: tuple[int, ...]

    def __post_init__(self) -> None:
        """Refuse a width too many or too few."""
        if len(self.dims) != len(self.looked_up):
            raise ValueError(f"{len(self.dims)} widths for {len(self.looked_up)} slots of tables")

    @classmethod
    def of(
        cls,
        id_sizes: Sequence[int],
        numeric: int,
        bags: Sequence[tuple[int, int]] = (),
        dims: Sequence[int] | int = 16,
    ) -> "InputShape":
        """Return a shape without names: each column has a table of its own.

        Args:
            id_sizes: the ids of each id column.
            numeric: how many numbers.
            bags: the ids and the length of each bag.
            dims: the width of each id column, then of each bag; or one of all.
        """
        ids = [Slot(f"id_{i}", "id", "", f"id_{i}", size) for i, size in enumerate(id_sizes)]
        numbers = [Slot(f"number_{i}", "number") for i in range(numeric)]
        several = [
            Slot(f"bag_{i}", "bag", "", f"bag_{i}", size, length)
            for i, (size, length) in enumerate(bags)
        ]
        count = len(ids) + len(several)
        widths = (dims,) * count if isinstance(dims, int) else tuple(dims)
        return cls((*ids, *numbers, *several), widths)

    @property
    def ids(self) -> tuple[Slot, ...]:
        """The slots of one id."""
        return tuple(slot for slot in self.slots if slot.kind == "id")

    @property
    def bags(self) -> tuple[Slot, ...]:
        """The slots of several ids."""
        return tuple(slot for slot in self.slots if slot.kind in ("bag", "sequence"))

    @property
    def looked_up(self) -> tuple[Slot, ...]:
        """The slots that have a table: ids, then bags and sequences."""
        return (*self.ids, *self.bags)

    @property
    def numeric(self) -> int:
        """How many numbers there are."""
        return sum(slot.kind == "number" for slot in self.slots)

    def span(self, place: int) -> slice:
        """Return where the row of a slot lies among those of all, by its place in ``looked_up``."""
        start = sum(self.dims[:place])
        return slice(start, start + self.dims[place])

    def places(self, place: int) -> slice:
        """Return where the ids of a bag lie among those of all, by its place in ``looked_up``."""
        start = sum(slot.length for slot in self.looked_up[len(self.ids) : place])
        return slice(start, start + self.looked_up[place].length)
