"""The seam: what a home is, and which there are (``tests/export/test_contract.py`` holds them)."""

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from clickthrough.bundle.load import Bundle
    from clickthrough.export.example import Example


class Write(Protocol):
    """What the module of a home has by the name ``write``."""

    def __call__(self, bundle: "Bundle", folder: Path, example: "Example | None") -> None:
        """Write the files of a home.

        Args:
            bundle: what they are made of.
            folder: an empty directory.
            example: impressions to try; None where no log is at hand.

        Raises:
            BundleError: the home cannot hold this bundle; what was written does not count.
        """


@dataclass(frozen=True)
class Home:
    """A place that a model can be written for.

    Attributes:
        name: as the command line says it.
        summary: what is written, in a line.
        then: what to do with it, as the verb says it at the end.
        takes_columns: whether it is given what features are made of, counters included, and not
            raw fields: there is no store.
    """

    name: str
    summary: str
    then: str
    takes_columns: bool = False

    def write(self, bundle: "Bundle", folder: Path, example: "Example | None") -> None:
        """See :class:`Write`; what it needs is imported now."""
        module = importlib.import_module(f"clickthrough.export.{self.name}.write")
        write: Write = module.write
        write(bundle, folder, example)


HOMES: dict[str, Home] = {
    home.name: home
    for home in [
        Home(
            "classic",
            "plain torch, pickle and scikit-learn files, and scripts that score with them",
            "README.md says how its script is run",
            takes_columns=True,
        ),
        Home(
            "onnx",
            "one ONNX graph from encoded inputs to the calibrated probability",
            "README.md says how it is fed",
        ),
        Home(
            "triton",
            "a model repository: raw fields by the Python backend, encoded inputs by ONNX Runtime",
            "README.md says how Triton is started",
        ),
        Home(
            "sagemaker",
            "model.tar.gz for the service's image, and the requests that make an endpoint of both",
            "README.md says what is sent to AWS",
        ),
        Home(
            "torchserve",
            "an archive with a handler; TorchServe gets no security fixes any more",
            "README.md says how TorchServe is started; it gets no security fixes any more",
        ),
    ]
}
"""Homes by their names."""
