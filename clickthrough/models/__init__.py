"""Models: torch modules, one family a file, and the one registry of their names."""

from typing import Any

from clickthrough.config.model import Model
from clickthrough.models.base import CtrModel
from clickthrough.models.mlp import MlpNet, WideDeepNet
from clickthrough.models.net import Net
from clickthrough.models.shape import InputShape

NETS: dict[str, type[Any]] = {
    "mlp": MlpNet,
    "wide_deep": WideDeepNet,
}
"""Family -> its network, made of the family's settings and an :class:`InputShape`."""

__all__ = ["NETS", "CtrModel", "InputShape", "Net", "build_model"]


def build_model(settings: Model, shape: InputShape) -> CtrModel:
    """Build a model with fresh weights.

    Args:
        settings: which family, and its layers.
        shape: what it is fed.
    """
    return CtrModel(settings, shape, lambda: NETS[settings.name](settings, shape))
