"""What a model is fed, input by input: named, with the table that its ids are looked up in."""

from dataclasses import dataclass
from typing import Literal

SlotKind = Literal["id", "number", "bag", "sequence"]


@dataclass(frozen=True)
class Slot:
    """One input of a model.

    Attributes:
        name: of its column.
        kind: one id; one number; several weighted ids; the last ids of a key, the latest first.
        origin: the declared feature that it comes from; see :mod:`clickthrough.config.origins`.
        table: what its ids are looked up in; slots of a table, of one embedding width, share rows.
        size: the ids of that table.
        length: how many ids a bag or a sequence has. A place without one holds the id 0: that is
            its mask, whatever its weights are.
    """

    name: str
    kind: SlotKind
    origin: str = ""
    table: str = ""
    size: int = 0
    length: int = 1


def table_sizes(slots: tuple[Slot, ...]) -> dict[str, int]:
    """Return the number of ids of each table.

    >>> table_sizes((Slot("ad", "id", "", "item", 9), Slot("clicks", "sequence", "", "item", 9, 5)))
    {'item': 9}
    """
    return {slot.table: slot.size for slot in slots if slot.kind != "number"}
