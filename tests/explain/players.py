"""Groups of a model's inputs, for tests: each slot its own."""

import numpy as np
from numpy.typing import NDArray

from clickthrough.explain.groups import Group, Groups
from clickthrough.features.encoding.encoder import Encoded
from clickthrough.features.slots import Slot


def by_slot(slots: tuple[Slot, ...]) -> Groups:
    def places(*kinds: str) -> NDArray[np.intp]:
        own = [p for p, s in enumerate(slots) for _ in range(s.length) if s.kind in kinds]
        return np.array(own, np.intp)

    every = tuple(Group(s.name, s.name, "context", False, (s.name,)) for s in slots)
    return Groups(every, places("id"), places("number"), places("bag", "sequence"))


def numbers(values: NDArray[np.floating]) -> Encoded:
    """Return rows of numbers alone."""
    none = np.empty((len(values), 0))
    return Encoded(
        none.astype(np.int32), values.astype(np.float32), none.astype(np.int32),
        none.astype(np.float32),
    )  # fmt: skip


def of_numbers(count: int) -> Groups:
    return by_slot(tuple(Slot(f"x{place}", "number") for place in range(count)))
