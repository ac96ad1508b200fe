"""The torch module of a bundle, rebuilt from its weights."""

from safetensors.torch import load_file

from clickthrough.bundle import layout
from clickthrough.bundle.load import Bundle
from clickthrough.bundle.refusal import refusing
from clickthrough.config.model import Model, TorchFamily
from clickthrough.errors import BundleError
from clickthrough.features.encoding.encoder import Encoder
from clickthrough.models.base import CtrModel
from clickthrough.models.registry import build_model
from clickthrough.models.shape import InputShape


def load_module(bundle: Bundle) -> CtrModel:
    """Return the module that a bundle's graph was made of, in evaluation mode.

    Raises:
        BundleError: its weights are not those of its configuration, or no numbers; or it is of
            a family that is no module.
    """
    settings = bundle.config.model
    if not isinstance(settings, TorchFamily):
        raise BundleError(
            f"{bundle.path}: '{settings.name}' is a graph alone; expected a network of torch"
        )
    model = build_model(settings, input_shape(bundle.encoder, settings))
    path = bundle.path / layout.WEIGHTS
    with refusing(path):
        model.load_state_dict(load_file(path))
    if not all(bool(weights.isfinite().all()) for weights in model.state_dict().values()):
        raise BundleError(f"{path}: expected finite weights")
    return model.eval()


def input_shape(encoder: Encoder, model: Model) -> InputShape:
    """Return what an encoder feeds a module of these settings."""
    assert isinstance(model, TorchFamily)  # noqa: S101 - others are no modules
    return InputShape(encoder.slots, model.dims([*encoder.id_sizes, *encoder.bag_shapes]))
