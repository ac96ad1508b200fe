"""Models: torch modules, one family a file, and the one registry of their names."""

from clickthrough.config.training import Mlp
from clickthrough.models.base import CtrModel
from clickthrough.models.mlp import MlpModel

MODELS: dict[str, type[MlpModel]] = {"mlp": MlpModel}


def build_model(config: Mlp, id_sizes: list[int], numeric_width: int) -> CtrModel:
    """Build a model with fresh weights.

    Args:
        config: which model, and its shape.
        id_sizes: the number of ids of each id column.
        numeric_width: the number of numeric inputs.
    """
    return MODELS[config.name](config, id_sizes, numeric_width)
