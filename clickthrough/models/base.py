"""What every model is: ids, numbers and bags in, a logit out."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class InputShape:
    """What a model is fed.

    Attributes:
        id_sizes: the number of ids of each id column.
        numeric: the number of numeric inputs.
        bags: the number of ids and the length of each bag.
        dims: the width of the embedding of each id column, then of each bag; all have that of
            the model's settings by default.
    """

    id_sizes: tuple[int, ...]
    numeric: int
    bags: tuple[tuple[int, int], ...] = ()
    dims: tuple[int, ...] = ()


class CtrModel(nn.Module, ABC):
    """A click model.

    Embedding tables have sparse gradients and belong to :meth:`table_parameters`; an optimizer
    of their own touches only the rows of a batch.

    Attributes:
        shift: is added to every logit but those of training; it undoes what weights and sampling
            of the training rows did to the odds, shape ().
    """

    shift: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("shift", torch.zeros(()))

    @abstractmethod
    def forward(self, ids: Tensor, numeric: Tensor, bag_ids: Tensor, bag_weights: Tensor) -> Tensor:
        """Score impressions.

        Args:
            ids: int32, shape (n, id columns).
            numeric: float32, shape (n, numeric inputs).
            bag_ids: int32, shape (n, lengths of all bags).
            bag_weights: float32, the same shape.

        Returns:
            Logits, float32, shape (n,).
        """

    def member_logits(
        self, ids: Tensor, numeric: Tensor, bag_ids: Tensor, bag_weights: Tensor
    ) -> Tensor:
        """Score impressions by each member of an ensemble, shape (n, members).

        Training gives every member a loss of its own; ``shift`` is not added.
        """
        logits: Tensor = self(ids, numeric, bag_ids, bag_weights) - self.shift
        return logits.unsqueeze(1)

    @abstractmethod
    def table_parameters(self) -> list[nn.Parameter]:
        """Return the embedding tables."""

    @abstractmethod
    def table_columns(self) -> dict[str, list[int]]:
        """Return the name of each table among the weights -> the columns whose rows it holds.

        Columns are numbered: id columns first, then bags; their rows follow one another.
        """

    def dense_parameters(self) -> list[nn.Parameter]:
        """Return every parameter that is not an embedding table."""
        tables = {id(parameter) for parameter in self.table_parameters()}
        return [parameter for parameter in self.parameters() if id(parameter) not in tables]
