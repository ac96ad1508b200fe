"""What every model is: ids and numbers in, a logit out."""

from abc import ABC, abstractmethod

from torch import Tensor, nn


class CtrModel(nn.Module, ABC):
    """A click model.

    Embedding tables have sparse gradients and belong to :meth:`table_parameters`; an optimizer
    of their own touches only the rows of a batch.
    """

    @abstractmethod
    def forward(self, ids: Tensor, numeric: Tensor) -> Tensor:
        """Score impressions.

        Args:
            ids: int32, shape (n, id columns).
            numeric: float32, shape (n, numeric inputs).

        Returns:
            Logits, float32, shape (n,).
        """

    @abstractmethod
    def table_parameters(self) -> list[nn.Parameter]:
        """Return the embedding tables."""

    def dense_parameters(self) -> list[nn.Parameter]:
        """Return every parameter that is not an embedding table."""
        tables = {id(parameter) for parameter in self.table_parameters()}
        return [parameter for parameter in self.parameters() if id(parameter) not in tables]
