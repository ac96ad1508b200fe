"""Click probabilities from raw logs: features, training, calibration, serving, and back.

``from clickthrough import Predictor`` scores in process what ``clickthrough serve`` scores
over HTTP.
"""

from typing import TYPE_CHECKING, Any

from clickthrough._version import __version__

if TYPE_CHECKING:
    from clickthrough.serving.predictor import Predictor

__all__ = ["Predictor", "__version__"]


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """Load the predictor on first use: the command line and the readers do not need it."""
    if name == "Predictor":
        from clickthrough.serving.predictor import Predictor

        return Predictor
    raise AttributeError(f"module 'clickthrough' has no attribute '{name}'")
