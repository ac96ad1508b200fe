"""Models: torch modules, one family a file, and the one registry of their names."""

from clickthrough.config.training import Mlp
from clickthrough.models.base import CtrModel, InputShape
from clickthrough.models.mlp import MlpModel

MODELS: dict[str, type[MlpModel]] = {"mlp": MlpModel}


def build_model(config: Mlp, shape: InputShape) -> CtrModel:
    """Build a model with fresh weights.

    Args:
        config: which model, and its layers.
        shape: what it is fed.
    """
    return MODELS[config.name](config, shape)
