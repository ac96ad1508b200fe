"""What adding a family takes: settings, a network, and an entry each."""

from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from torch import Tensor

from clickthrough.bundle.export import export_onnx
from clickthrough.bundle.runtime import OnnxModel
from clickthrough.config import model as families
from clickthrough.config.model import TorchFamily, settings_of
from clickthrough.models import NETS, build_model
from clickthrough.models.net import Fed, Net, perceptron
from clickthrough.models.shape import InputShape
from clickthrough.training.optim.loop import predict_logits, train_model
from tests.models.families import ENSEMBLES, MIXES, inputs_of, planted, shape_of, training


class Toy(TorchFamily):
    """One layer."""

    name: Literal["toy"] = "toy"
    size: int = 8


class ToyNet(Net):
    """z = w' MLP(x) of one layer."""

    def __init__(self, settings: Toy, shape: InputShape) -> None:
        super().__init__(shape)
        self.layers = perceptron(self.width, [settings.size], 0.1)
        self.widths = (settings.size,)

    def hidden(self, fed: Fed) -> list[Tensor]:
        return [self.layers(fed.joined)]


@pytest.mark.parametrize("ensemble", ENSEMBLES)
def test_a_registered_family_is_trained_and_exported_alone_or_as_an_ensemble(
    ensemble: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(families._FAMILIES, "toy", Toy)
    monkeypatch.setitem(NETS, "toy", ToyNet)
    mix = "no bags" if ensemble == "one" else "everything"
    chosen = settings_of("toy", size=6, **ENSEMBLES[ensemble])
    assert isinstance(chosen, TorchFamily)
    model = build_model(chosen, shape_of(chosen, MIXES[mix]))
    if ensemble == "one":
        export_onnx(model, inputs_of(model, 20), tmp_path / "model.onnx")
        inputs = inputs_of(model, 30)
        found = OnnxModel(tmp_path / "model.onnx").logits(inputs)
        np.testing.assert_allclose(found, predict_logits(model, inputs), atol=1e-5)
        return
    epochs = train_model(model, planted(200, 1), planted(60, 2), training(epochs=2))
    assert len(epochs) == 2
    assert np.isfinite(epochs[-1].loss)


def test_an_unregistered_family_is_named() -> None:
    with pytest.raises(KeyError, match="toy"):
        settings_of("toy")
