"""The numbers that trees see of an impression; an exported graph computes the same, to the bit.

A split by a set of ids would be a chain of nodes in a graph. An id is looked up instead: it reads
as its click rate in training, and as how often that saw it.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from clickthrough.features.encoding.encoder import Encoded, Encoder

Floats = NDArray[np.float64]

LOOKED_UP = 2
"""The numbers that an id reads as: how its log-odds of a click differ from all, and its count."""

VALUE_STEP, WEIGHT_STEP = 2.0**-12, 2.0**-20
"""What an id reads as is a multiple of the one, and a weight in a bag is taken as one of the other:
then every product and sum of a bag is exact in float64, in whatever order a runtime adds."""

MOST_CODES = 32
"""A column with no more ids is seen as its ids themselves, and not looked up.

Looked up, or both, came to the same on validation; this is the least.
"""

_BLOCK = 1 << 16
"""Rows that are turned at a time: bags take room in float64."""


class Rows(Protocol):
    """A part of a log that trees are fitted to, those of a request side by side."""

    @property
    def inputs(self) -> Encoded:
        """Encoded impressions, n rows."""

    @property
    def labels(self) -> NDArray[np.int8]:
        """0 or 1, shape (n,)."""

    @property
    def offsets(self) -> NDArray[np.int64]:
        """Where each request starts, and the end, shape (requests + 1,)."""

    @property
    def weights(self) -> NDArray[np.float32] | None:
        """Of each row in the loss, shape (n,); all alike where there are none."""


@dataclass(frozen=True)
class Sizes:
    """The number of ids of each id column; and of each bag, with its length."""

    ids: tuple[int, ...]
    bags: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, encoder: Encoder) -> "Sizes":
        """Return what an encoder makes."""
        return cls(tuple(encoder.id_sizes.values()), tuple(encoder.bag_shapes.values()))

    @property
    def codes(self) -> list[int]:
        """The id columns that are seen as they are."""
        return [column for column, size in enumerate(self.ids) if size <= MOST_CODES]

    @property
    def looked_up(self) -> list[int]:
        """The id columns that are looked up."""
        return [column for column, size in enumerate(self.ids) if size > MOST_CODES]

    @property
    def lengths(self) -> list[int]:
        """The length of each bag."""
        return [length for _, length in self.bags]

    @property
    def starts(self) -> NDArray[np.int32]:
        """Where the rows of each column that is looked up start: id columns, bags, the end."""
        sizes = [*(self.ids[column] for column in self.looked_up), *(size for size, _ in self.bags)]
        return np.cumsum([0, *sizes]).astype(np.int32)

    @property
    def id_starts(self) -> NDArray[np.int32]:
        """Where the rows of each id column that is looked up start."""
        return self.starts[: len(self.looked_up)]

    @property
    def bag_starts(self) -> NDArray[np.int32]:
        """Where the rows of each place in the bags start, shape (lengths of all bags,)."""
        return np.repeat(self.starts[len(self.looked_up) : -1], self.lengths)

    @property
    def adds(self) -> Floats:
        """What adds up each bag, shape (lengths of all bags * 2, bags * 2): 0 or 1."""
        bag_of_place = np.repeat(np.arange(len(self.bags)), self.lengths)
        own = bag_of_place[:, None] == np.arange(len(self.bags))
        return np.kron(own.astype(np.float64), np.eye(LOOKED_UP))


@dataclass(frozen=True)
class TreeInputs:
    """From encoded impressions to the numbers that trees see.

    Attributes:
        sizes: of ids and bags.
        table: what each id that is looked up reads as, float32, shape (``sizes.starts[-1]``, 2).
    """

    sizes: Sizes
    table: NDArray[np.float32]

    @property
    def width(self) -> int:
        """The numbers that ids and bags are seen as."""
        pairs = len(self.sizes.looked_up) + len(self.sizes.bags)
        return len(self.sizes.codes) + LOOKED_UP * pairs

    def matrix(self, inputs: Encoded) -> NDArray[np.float32]:
        """Return codes, looked up ids, bags and numbers side by side, shape (n, width)."""
        made = np.empty((len(inputs), self.width + inputs.numeric.shape[1]), np.float32)
        for start in range(0, len(inputs), _BLOCK):
            block = inputs[start : start + _BLOCK]
            parts = [self._ids(block), self._bags(block), block.numeric]
            np.concatenate(parts, axis=1, out=made[start : start + _BLOCK])
        return made

    def _ids(self, inputs: Encoded) -> NDArray[np.float32]:
        """Return codes, then what the other ids read as."""
        ids, sizes = inputs.ids, self.sizes
        read = self.table[ids[:, sizes.looked_up] + sizes.id_starts]
        flat = read.reshape(len(ids), read.shape[1] * LOOKED_UP)
        return np.concatenate([ids[:, sizes.codes].astype(np.float32), flat], axis=1)

    def _bags(self, inputs: Encoded) -> NDArray[np.float32]:
        """Return the weighted mean of what the ids of each bag read as, shape (n, bags * 2)."""
        read = self.table[inputs.bag_ids + self.sizes.bag_starts].astype(np.float64)
        weights = np.rint(inputs.bag_weights.astype(np.float64) / WEIGHT_STEP) * WEIGHT_STEP
        weighted = (read * weights[:, :, None]).reshape(len(inputs), read.shape[1] * LOOKED_UP)
        means: NDArray[np.float32] = (weighted @ self.sizes.adds).astype(np.float32)
        return means
