"""What fitting a model leaves, whatever its family: something that scores, and its files."""

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from safetensors.torch import save_file

from clickthrough.bundle import layout
from clickthrough.bundle.export import export_onnx
from clickthrough.features.encoding.encoder import Encoded
from clickthrough.models.base import CtrModel
from clickthrough.training.optim.loop import predict_logits

EXAMPLE_ROWS = 512


class Scored(Protocol):
    """What a family fits."""

    def logits(self, inputs: Encoded) -> NDArray[np.float32]:
        """Return logits of encoded rows, shape (n,)."""

    def write(self, folder: Path, example: Encoded) -> None:
        """Write the files that a bundle holds of it: its graph, and what it can be made of anew.

        Args:
            folder: where they go, named as in a bundle.
            example: encoded rows on which the graph must agree.
        """


class FittedModule:
    """A torch module with its best weights.

    Args:
        model: the module.
    """

    def __init__(self, model: CtrModel) -> None:
        self.model = model

    def logits(self, inputs: Encoded) -> NDArray[np.float32]:
        """See :meth:`Scored.logits`."""
        return predict_logits(self.model, inputs)

    def write(self, folder: Path, example: Encoded) -> None:
        """See :meth:`Scored.write`; weights lie beside the graph."""
        export_onnx(self.model.cpu(), example[:EXAMPLE_ROWS], folder / layout.ONNX)
        save_file(self.model.state_dict(), folder / layout.WEIGHTS)
        # safetensors lets the owner alone read it
        (folder / layout.WEIGHTS).chmod((folder / layout.ONNX).stat().st_mode)
