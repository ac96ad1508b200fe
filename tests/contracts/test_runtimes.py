"""Every runtime says what torch says, and the same of a row whatever rows are beside it."""

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

from clickthrough import Predictor
from clickthrough.bundle import load_bundle
from clickthrough.bundle.export import TOLERANCE, export_onnx, tensors
from clickthrough.bundle.runtime import OnnxModel, load_model
from clickthrough.config.model import Mlp
from clickthrough.config.serving import Runtime
from clickthrough.errors import BundleError
from clickthrough.models.base import CtrModel
from clickthrough.models.registry import build_model
from clickthrough.models.shape import InputShape
from clickthrough.serving.app import from_environment
from tests.inputs import random_inputs

SHAPES = {
    "ids and numbers": InputShape.of((50, 1_000, 7), 11),
    "bags": InputShape.of((50,), 3, ((40, 5), (9, 2))),
    "wide": InputShape.of((100,) * 30, 52),
}
HIDDEN = {"ids and numbers": [16], "bags": [33, 7], "wide": [512, 256, 128]}
Made = tuple[CtrModel, OnnxModel, InputShape]


@pytest.fixture(scope="module", params=["onnx", "openvino"])
def runtime(request: pytest.FixtureRequest) -> Runtime:
    if request.param == "openvino" and find_spec("openvino") is None:
        pytest.skip("openvino is not installed")
    return request.param  # type: ignore[no-any-return]


@pytest.fixture(scope="module", params=SHAPES)
def made(
    request: pytest.FixtureRequest, runtime: Runtime, tmp_path_factory: pytest.TempPathFactory
) -> Made:
    shape = SHAPES[request.param]
    torch.manual_seed(3)
    model = build_model(Mlp(hidden=HIDDEN[request.param], embedding_dim=16), shape)
    path = tmp_path_factory.mktemp("graph") / "model.onnx"
    export_onnx(model, random_inputs(shape, 8), path)
    return model, load_model(path, runtime), shape


def test_a_runtime_says_what_torch_says(made: Made) -> None:
    model, loaded, shape = made
    inputs = random_inputs(shape, 300, seed=1)
    with torch.inference_mode():
        expected = model(*tensors(inputs)).sigmoid().numpy()
    found = 1 / (1 + np.exp(-loaded.logits(inputs)))
    assert found.dtype == np.float32
    assert np.ptp(expected) > 1e-3
    assert np.abs(found - expected).max() < TOLERANCE


def test_a_row_scores_alike_whatever_is_beside_it(made: Made) -> None:
    _, loaded, shape = made
    inputs = random_inputs(shape, 600, seed=2)
    whole = loaded.logits(inputs)
    assert len(np.unique(whole)) > 500
    for rows in [*range(1, 40), 64, 100, 127, 500]:
        for start in (0, 7):
            part = slice(start, start + rows)
            np.testing.assert_array_equal(loaded.logits(inputs[part]), whole[part], str(rows))


def test_an_unknown_runtime_is_refused(monkeypatch: pytest.MonkeyPatch, bundle_path: Path) -> None:
    monkeypatch.setenv("CTR_BUNDLE", str(bundle_path))
    monkeypatch.setenv("CTR_STORE", "memory")
    monkeypatch.setenv("CTR_RUNTIME", "tensorrt")
    with pytest.raises(SystemExit, match=r"CTR_RUNTIME: .*'onnx' or 'openvino', found 'tensorrt'"):
        from_environment()


def test_a_runtime_that_is_not_installed_is_named(
    monkeypatch: pytest.MonkeyPatch, bundle_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    monkeypatch.delitem(sys.modules, "clickthrough.bundle.openvino_runtime", raising=False)
    with pytest.raises(BundleError, match=r"pip install '\.\[openvino\]'"):
        load_bundle(bundle_path, "openvino")


def test_the_runtime_is_chosen_by_name(bundle_path: Path, runtime: Runtime) -> None:
    model = Predictor.load(bundle_path, runtime=runtime).bundle.model
    assert type(model).__name__ == {"onnx": "OnnxModel", "openvino": "OpenVinoModel"}[runtime]
