"""What a family is: a network from an embedded impression to what its last layers score."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from clickthrough.models.dropout import FastDropout
from clickthrough.models.shape import InputShape


class Fed(NamedTuple):
    """What a network is fed, of n impressions.

    Attributes:
        embedded: each slot's row of its table, side by side, shape (n, sum of widths).
        numeric: shape (n, numbers).
        keys: the rows of each place of the sequences that are attended to, a tensor a pair of
            :attr:`Net.attends`, shape (n, length, dim).
        masks: 1 where a place holds something, else 0, shape (n, length) each.
    """

    embedded: Tensor
    numeric: Tensor
    keys: tuple[Tensor, ...] = ()
    masks: tuple[Tensor, ...] = ()

    @property
    def joined(self) -> Tensor:
        """Rows and numbers side by side, shape (n, width)."""
        return torch.cat([self.embedded, self.numeric], dim=1)


class Net(nn.Module):
    """One member of a model.

    Its logit is the mean of its parts': each part is a hidden layer that a last layer of its own
    scores. Last layers belong to the model: members that share a network have their own.

    Args:
        shape: what the model is fed.

    Attributes:
        widths: of the hidden layer of each part; none where all is said by :meth:`beside`.
        attends: pairs of places among the slots of tables: an id, and a sequence of the same table
            whose places the network looks at one by one.
        weighs_parts: whether losses of the parts by themselves count; see :meth:`part_weights`.
    """

    weighs_parts = False
    widths: tuple[int, ...] = ()
    attends: tuple[tuple[int, int], ...] = ()

    def __init__(self, shape: InputShape) -> None:
        super().__init__()
        self.shape = shape
        self.width = sum(shape.dims) + shape.numeric

    def hidden(self, fed: Fed) -> list[Tensor]:
        """Return the hidden layer of each part, shape (n, its width)."""
        return []

    def beside(self, fed: Fed) -> Tensor | None:
        """Return what is added to the logit of each part, shape (n,), if there is such a thing."""
        return None

    def part_weights(self, parts: Tensor, whole: Tensor) -> Tensor:
        """Return how much each part's own loss counts beside that of their mean, shape (parts,).

        Args:
            parts: the loss of each part by itself, without a gradient, shape (parts,).
            whole: that of their mean, shape ().
        """
        return torch.zeros_like(parts)

    @property
    def learns_from_mean(self) -> bool:
        """Whether each part is also to say what their mean says."""
        return False

    def fields(self, embedded: Tensor) -> Tensor:
        """Return the rows of slots that all have one width: (n, slots * dim) -> (n, slots, dim)."""
        return embedded.view(-1, len(self.shape.dims), self.shape.dims[0])


def perceptron(width: int, hidden: Sequence[int], dropout: float) -> nn.Sequential:
    """Return layers: linear, BatchNorm, ReLU, dropout each."""
    layers: list[nn.Module] = []
    for size in hidden:
        layers += [nn.Linear(width, size), nn.BatchNorm1d(size), nn.ReLU(), FastDropout(dropout)]
        width = size
    return nn.Sequential(*layers)


def added_up(values: Tensor) -> Tensor:
    """Return the sum of each row: (n, width) -> (n,).

    A product with ones: ONNX Runtime may sum a single row in another order than several, as it
    does (1.32) over a middle axis of 8 or more.
    """
    return (values @ values.new_ones(values.shape[1], 1)).squeeze(1)
