"""Embeddings and a multi-layer perceptron."""

import torch
from torch import Tensor, nn

from clickthrough.config.training import Mlp
from clickthrough.models.base import CtrModel, InputShape
from clickthrough.models.dropout import FastDropout
from clickthrough.models.embeddings import Embeddings


class MlpModel(CtrModel):
    """Embeddings joined with numbers; then linear, BatchNorm, ReLU, dropout a layer."""

    def __init__(self, config: Mlp, shape: InputShape) -> None:
        super().__init__()
        count = len(shape.id_sizes) + len(shape.bags)
        dims = shape.dims or config.dims([""] * count)
        self.embedding = Embeddings(shape, dims) if dims else None
        self.embedding_dropout = FastDropout(config.embedding_dropout)
        width = (self.embedding.width if self.embedding else 0) + shape.numeric
        self.members = nn.ModuleList(_perceptron(config, width) for _ in range(config.members))
        wide = config.wide and shape.numeric > 0
        self.linear = nn.Linear(shape.numeric, config.members, bias=False) if wide else None
        if self.linear is not None:
            nn.init.zeros_(self.linear.weight)

    def forward(self, ids: Tensor, numeric: Tensor, bag_ids: Tensor, bag_weights: Tensor) -> Tensor:
        """Score impressions; see :meth:`CtrModel.forward`."""
        members = self.member_logits(ids, numeric, bag_ids, bag_weights)
        # one after another: ONNX Runtime takes the mean of a single row in another order
        total: Tensor = sum(members.unbind(1))  # type: ignore[assignment]
        return total / members.shape[1] + self.shift

    def member_logits(
        self, ids: Tensor, numeric: Tensor, bag_ids: Tensor, bag_weights: Tensor
    ) -> Tensor:
        """Score impressions by each perceptron; see :meth:`CtrModel.member_logits`."""
        inputs = [numeric]
        if self.embedding is not None:
            embedded = self.embedding(ids, bag_ids, bag_weights)
            inputs.insert(0, self.embedding_dropout(embedded))
        joined = torch.cat(inputs, dim=1)
        logits = torch.cat([member(joined) for member in self.members], dim=1)
        return logits if self.linear is None else logits + self.linear(numeric)

    def table_parameters(self) -> list[nn.Parameter]:
        """Return the embedding tables, one a width."""
        return [] if self.embedding is None else list(self.embedding.parameters())

    def table_columns(self) -> dict[str, list[int]]:
        """Return the columns of each table; see :meth:`CtrModel.table_columns`."""
        columns = {} if self.embedding is None else self.embedding.columns()
        return {f"embedding.{name}": own for name, own in columns.items()}


def _perceptron(config: Mlp, width: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for hidden in config.hidden:
        layers += [
            nn.Linear(width, hidden),
            nn.BatchNorm1d(hidden),
            nn.ReLU(),
            FastDropout(config.dropout),
        ]
        width = hidden
    return nn.Sequential(*layers, nn.Linear(width, 1))
