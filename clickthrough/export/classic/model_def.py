"""The network of ``ctr_model.pth``: embeddings, perceptrons over them, a linear path beside.

    from model_def import Net
    net = Net(model, num_classes, numeric)    # model.json, cat_num_classes.pkl, final_numeric.pkl
    net.load_state_dict(torch.load("ctr_model.pth", weights_only=True))

``inference.py`` beside this file says what goes in. Torch alone is needed.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

Entries = list[tuple[Tensor, Tensor]]
"""Ids and weights of each categorical column, both of shape (n, length of the column)."""


class Net(nn.Module):
    """Returns logits before calibration.

    Args:
        model: what ``model.json`` holds: sizes, dropout, members.
        num_classes: the number of ids of each categorical column, in the order of the model.
        numeric: the numeric columns.
    """

    def __init__(
        self, model: Mapping[str, Any], num_classes: Mapping[str, int], numeric: Sequence[str]
    ) -> None:
        super().__init__()
        dims = model["embedding_dims"]
        tables = [nn.Embedding(count, dims[name]) for name, count in num_classes.items()]
        keys = [table_key(*placed) for placed in enumerate(num_classes)]
        self.embeddings = nn.ModuleDict(dict(zip(keys, tables, strict=True)))
        self.embedding_dropout = nn.Dropout(model["embedding_dropout"])
        numbers = len(numeric) + len(model["indicators"])
        width = numbers + sum(dims.values())
        self.members = nn.ModuleList(perceptron(model, width) for _ in range(model["members"]))
        self.wide = nn.Linear(numbers, model["members"], bias=False) if model["wide"] else None

    def forward(self, entries: Entries, numeric: Tensor) -> Tensor:
        """Return logits, shape (n,): the mean over the members.

        Args:
            entries: of each categorical column.
            numeric: standardized numbers, then the marks of missing ones, shape (n, width).
        """
        pairs = zip(self.embeddings.values(), entries, strict=True)
        pooled = [(table(ids) * weights.unsqueeze(2)).sum(1) for table, (ids, weights) in pairs]
        embedded = [self.embedding_dropout(torch.cat(pooled, 1))] if pooled else []
        joined = torch.cat([*embedded, numeric], 1)
        logits = torch.cat([member(joined) for member in self.members], 1)
        return (logits if self.wide is None else logits + self.wide(numeric)).mean(1)


def table_key(place: int, column: str) -> str:
    """Return what the weights call the table of a column; a module's name may hold no dot."""
    return f"{place}_{column}".replace(".", "_")


def perceptron(model: Mapping[str, Any], width: int) -> nn.Sequential:
    """Return linear, BatchNorm, ReLU and dropout for each hidden size, and a last linear."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for place, hidden in enumerate(model["hidden"]):
        layers[f"hidden_{place}"] = nn.Linear(width, hidden)
        layers[f"norm_{place}"] = nn.BatchNorm1d(hidden)
        layers[f"relu_{place}"] = nn.ReLU()
        layers[f"dropout_{place}"] = nn.Dropout(model["dropout"])
        width = hidden
    layers["output"] = nn.Linear(width, 1)
    return nn.Sequential(layers)
