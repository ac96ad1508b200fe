"""The one registry of the families that are torch modules."""

from typing import Any

from clickthrough.config.model import Model, TorchFamily
from clickthrough.models.base import CtrModel
from clickthrough.models.dcn_v2 import DcnV2Net
from clickthrough.models.deepfm import DeepFmNet
from clickthrough.models.din import DinNet
from clickthrough.models.fcn import FcnNet
from clickthrough.models.final_mlp import FinalMlpNet
from clickthrough.models.final_net import FinalNetNet
from clickthrough.models.fm import FmNet
from clickthrough.models.lr import LrNet
from clickthrough.models.mask_net import MaskNetNet
from clickthrough.models.mlp import MlpNet, WideDeepNet
from clickthrough.models.qnn import QnnNet
from clickthrough.models.shape import InputShape

NETS: dict[str, type[Any]] = {
    "lr": LrNet,
    "fm": FmNet,
    "mlp": MlpNet,
    "wide_deep": WideDeepNet,
    "deepfm": DeepFmNet,
    "dcn_v2": DcnV2Net,
    "fcn": FcnNet,
    "final_net": FinalNetNet,
    "final_mlp": FinalMlpNet,
    "mask_net": MaskNetNet,
    "qnn": QnnNet,
    "din": DinNet,
}
"""Family -> its network, made of the family's settings and an :class:`InputShape`."""


def build_model(settings: Model, shape: InputShape) -> CtrModel:
    """Build a model with fresh weights.

    Args:
        settings: which family, and its layers.
        shape: what it is fed.
    """
    assert isinstance(settings, TorchFamily)  # noqa: S101 - others are no modules
    return CtrModel(settings, shape, lambda: NETS[settings.name](settings, shape))
