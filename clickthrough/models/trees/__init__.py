"""Boosted trees as a model: fitted by LightGBM, served as an ONNX graph; torch is not needed."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clickthrough.features.encoding.encoder import Encoded
from clickthrough.models.trees.booster import Objective, Seen, TreeSettings, fit_booster
from clickthrough.models.trees.inputs import Rows, Sizes, TreeInputs
from clickthrough.models.trees.rates import fit_inputs

if TYPE_CHECKING:
    import lightgbm

__all__ = ["FittedTrees", "Objective", "Rows", "Sizes", "TreeSettings", "fit_trees"]


@dataclass(frozen=True)
class FittedTrees:
    """Trees, and what they see of impressions.

    Attributes:
        inputs: from impressions to the numbers that the trees ask about.
        numeric: the number of numeric inputs.
        booster: the trees.
    """

    inputs: TreeInputs
    numeric: int
    booster: "lightgbm.Booster"

    def logits(self, inputs: Encoded) -> NDArray[np.float32]:
        """Return LightGBM's scores of encoded impressions, shape (n,)."""
        scores = self.booster.predict(self.inputs.matrix(inputs), raw_score=True)
        return np.asarray(scores, np.float32)

    def write(self, path: Path) -> None:
        """Write the graph that computes :meth:`logits` to the last bit."""
        from clickthrough.models.trees.graph import tree_graph

        graph = tree_graph(self.inputs, self.numeric, self.booster)
        path.write_bytes(graph.SerializeToString(deterministic=True))


def fit_trees(
    train: Rows, validation: Rows, sizes: Sizes, settings: TreeSettings | None = None
) -> FittedTrees:
    """Fit trees to encoded impressions.

    Args:
        train: what they are fitted to; it holds clicks and others.
        validation: what their number is chosen on.
        sizes: of ids and bags.
        settings: how; the defaults by default.
    """
    inputs, matrix = fit_inputs(train, sizes)
    seen = Seen(inputs.matrix(validation.inputs), validation)
    booster = fit_booster(Seen(matrix, train), seen, settings or TreeSettings())
    return FittedTrees(inputs, train.inputs.numeric.shape[1], booster)
