"""Embeddings and a multi-layer perceptron."""

import torch
from torch import Tensor, nn

from clickthrough.config.training import Mlp
from clickthrough.models.base import CtrModel, InputShape
from clickthrough.models.embeddings import FusedEmbedding


class MlpModel(CtrModel):
    """Embeddings joined with numbers; then linear, BatchNorm, ReLU, dropout a layer."""

    def __init__(self, config: Mlp, shape: InputShape) -> None:
        super().__init__()
        embeds = bool(shape.id_sizes or shape.bags)
        self.embedding = FusedEmbedding(shape, config.embedding_dim) if embeds else None
        self.embedding_dropout = nn.Dropout(config.embedding_dropout)
        width = (self.embedding.width if self.embedding else 0) + shape.numeric
        layers: list[nn.Module] = []
        for hidden in config.hidden:
            layers += [
                nn.Linear(width, hidden),
                nn.BatchNorm1d(hidden),
                nn.ReLU(),
                nn.Dropout(config.dropout),
            ]
            width = hidden
        self.layers = nn.Sequential(*layers, nn.Linear(width, 1))

    def forward(self, ids: Tensor, numeric: Tensor, bag_ids: Tensor, bag_weights: Tensor) -> Tensor:
        """Score impressions; see :meth:`CtrModel.forward`."""
        inputs = [numeric]
        if self.embedding is not None:
            embedded = self.embedding(ids, bag_ids, bag_weights)
            inputs.insert(0, self.embedding_dropout(embedded))
        logits: Tensor = self.layers(torch.cat(inputs, dim=1))
        return logits.squeeze(1)

    def table_parameters(self) -> list[nn.Parameter]:
        """Return the embedding table."""
        return [] if self.embedding is None else list(self.embedding.parameters())
