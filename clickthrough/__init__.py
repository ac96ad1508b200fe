"""Click probabilities from raw logs: features, training, calibration, serving, and back.

``fit`` makes a model of a frame or a log, ``load`` opens a bundle, ``ClickClassifier`` is the same
for scikit-learn; ``train`` and ``evaluate`` are the verbs of the command line as functions;
``Predictor`` scores in process what ``clickthrough serve`` scores over HTTP.
"""

import importlib
from typing import TYPE_CHECKING, Any

from clickthrough._version import __version__
from clickthrough.errors import (
    BundleError,
    ClickthroughError,
    ConfigError,
    DataError,
    RequestError,
    StoreError,
)

if TYPE_CHECKING:
    from clickthrough.api.fit import fit
    from clickthrough.api.model import ClickModel, load
    from clickthrough.api.verbs import evaluate, train
    from clickthrough.serving.predictor import Predictor
    from clickthrough.sklearn import ClickClassifier

__all__ = [
    "BundleError",
    "ClickClassifier",
    "ClickModel",
    "ClickthroughError",
    "ConfigError",
    "DataError",
    "Predictor",
    "RequestError",
    "StoreError",
    "__version__",
    "evaluate",
    "fit",
    "load",
    "train",
]

_PLACES = {
    "ClickClassifier": "clickthrough.sklearn",
    "ClickModel": "clickthrough.api.model",
    "Predictor": "clickthrough.serving.predictor",
    "evaluate": "clickthrough.api.verbs",
    "fit": "clickthrough.api.fit",
    "load": "clickthrough.api.model",
    "train": "clickthrough.api.verbs",
}
"""What is loaded on first use: the command line and the readers do not need it."""


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """Load what is asked for."""
    if name not in _PLACES:
        raise AttributeError(f"module 'clickthrough' has no attribute '{name}'")
    try:
        return getattr(importlib.import_module(_PLACES[name]), name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "clickthrough":
            raise
        from clickthrough.errors import install_hint

        what = f"clickthrough.{name} needs '{error.name}': {install_hint('train')}"
        raise ModuleNotFoundError(what, name=error.name) from None


def __dir__() -> list[str]:
    """Return the front doors."""
    return sorted(__all__)
