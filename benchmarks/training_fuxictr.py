"""A contestant of training.py: FuxiCTR's DNN, trained by its own ``fit``.

    python -m venv fuxi && fuxi/bin/pip install -r benchmarks/training_fuxictr.txt
    python benchmarks/training.py --fuxictr fuxi/bin/python

The package holds the blocks but not the DNN, so it is put together here as in the repository's
``model_zoo/DNN/DNN_torch``, with the settings of its ``DNN_default`` (Adam at 1e-3, no
regularizer, no dropout, no BatchNorm: less work than ours) but for layers, dimension and batch.
Batches are slices of tensors in memory; its data loaders, which put rows together one by one, are
left out, to its advantage.
"""

import argparse
import tempfile
from collections import OrderedDict
from collections.abc import Iterator

import torch
from fuxictr.features import FeatureMap
from fuxictr.pytorch.layers import FeatureEmbedding, MLP_Block
from fuxictr.pytorch.models import BaseModel
from torch import Tensor
from training_data import BATCH, BATCHES, DIM, FIELDS, HIDDEN, NUMERIC, Log, Turns, made_log


class DNN(BaseModel):
    """As in model_zoo/DNN/DNN_torch/src/DNN.py."""

    def __init__(self, feature_map: FeatureMap, folder: str) -> None:
        super().__init__(
            feature_map,
            model_id="DNN",
            eval_steps=10**12,
            verbose=0,
            model_root=folder,
            metrics=["AUC"],
        )
        self.embedding_layer = FeatureEmbedding(feature_map, DIM)
        self.mlp = MLP_Block(
            input_dim=feature_map.sum_emb_out_dim(),
            output_dim=1,
            hidden_units=list(HIDDEN),
            hidden_activations="relu",
            output_activation=self.output_activation,
            dropout_rates=0,
            batch_norm=False,
        )
        self.compile("adam", "binary_crossentropy", 1e-3)
        self.reset_parameters()
        self.model_to_device()

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        embedded = self.embedding_layer(self.get_inputs(inputs), flatten_emb=True)
        return {"y_pred": self.mlp(embedded)}


class Batches:
    """Endless batches; the end of a step is when the next is asked for."""

    def __init__(self, log: Log, clock: str) -> None:
        self._columns = {f"c{i}": torch.from_numpy(log.ids[:, i].copy()) for i in range(FIELDS)}
        self._columns |= {
            f"n{i}": torch.from_numpy(log.numeric[:, i].copy()) for i in range(NUMERIC)
        }
        self._columns["label"] = torch.from_numpy(log.labels).float()
        self._turns = Turns(clock)

    def __len__(self) -> int:
        return 10**12

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        for step in range(len(self)):
            start = step % BATCHES * BATCH
            yield {name: column[start : start + BATCH] for name, column in self._columns.items()}
            self._turns.step(first=step % BATCHES == 0)


def made_map(field_size: int, folder: str) -> FeatureMap:
    """Declare the fields."""
    made = FeatureMap("synthetic", folder)
    category = {"source": "", "type": "categorical", "vocab_size": field_size}
    number = {"source": "", "type": "numeric"}
    made.features = OrderedDict({f"c{i}": dict(category) for i in range(FIELDS)})
    made.features |= {f"n{i}": dict(number) for i in range(NUMERIC)}
    made.labels, made.default_emb_dim = ["label"], DIM
    made.num_fields = made.get_num_fields()
    made.set_column_index()
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--exponent", type=float, default=1.05)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--clock", default="wall")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    torch.manual_seed(7)
    size = chosen.rows // FIELDS
    with tempfile.TemporaryDirectory() as folder:
        model = DNN(made_map(size, folder), folder)
        model.fit(Batches(made_log(size, chosen.exponent), chosen.clock), epochs=1)


if __name__ == "__main__":
    main()
