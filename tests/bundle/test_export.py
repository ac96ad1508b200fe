from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from clickthrough.bundle.export import TOLERANCE, export_onnx, largest_gap
from clickthrough.bundle.runtime import OnnxModel
from clickthrough.config.training import Mlp
from clickthrough.errors import BundleError
from clickthrough.features.encoding.encoder import Encoded
from clickthrough.models import build_model
from clickthrough.models.base import CtrModel
from clickthrough.training.loop import predict_logits

SIZES = [5, 300]
WIDTH = 4


def made(seed: int, sizes: list[int], width: int) -> CtrModel:
    """Return a model whose weights and normalization statistics are not the initial ones."""
    torch.manual_seed(seed)
    model = build_model(Mlp(hidden=[16, 8], embedding_dim=4), sizes, width)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    model.train()
    for _ in range(20):
        inputs = example(200, sizes, width, seed)
        model(torch.from_numpy(inputs.ids), torch.from_numpy(inputs.numeric))
    return model


def example(rows: int, sizes: list[int], width: int, seed: int = 0) -> Encoded:
    rng = np.random.default_rng(seed)
    ids = [rng.integers(0, size, rows, np.int32) for size in sizes]
    numeric = rng.normal(1.0, 3.0, (rows, width)).astype(np.float32)
    stacked = np.stack(ids, axis=1) if ids else np.empty((rows, 0), np.int32)
    return Encoded(stacked, numeric)


def gap(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> float:
    return float(np.abs(1 / (1 + np.exp(-one)) - 1 / (1 + np.exp(-other))).max())


@pytest.mark.parametrize(("sizes", "width"), [(SIZES, WIDTH), ([], WIDTH), (SIZES, 0)])
def test_the_graph_equals_torch_for_any_number_of_rows(
    tmp_path: Path, sizes: list[int], width: int
) -> None:
    model = made(3, sizes, width)
    path = tmp_path / "model.onnx"
    export_onnx(model, example(64, sizes, width), path)
    graph = OnnxModel(path)
    for rows in (1, 2, 64, 1_000):
        inputs = example(rows, sizes, width, seed=rows)
        expected, found = predict_logits(model, inputs), graph.logits(inputs.ids, inputs.numeric)
        assert found.shape == (rows,)
        assert gap(expected, found) < 1e-5
    assert np.ptp(1 / (1 + np.exp(-found))) > 0.1


def test_the_graph_is_one_file(tmp_path: Path) -> None:
    export_onnx(made(3, SIZES, WIDTH), example(64, SIZES, WIDTH), tmp_path / "model.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


def test_the_gap_of_another_model_is_seen(tmp_path: Path) -> None:
    model, inputs = made(3, SIZES, WIDTH), example(64, SIZES, WIDTH)
    export_onnx(model, inputs, tmp_path / "model.onnx")
    assert largest_gap(model, inputs, tmp_path / "model.onnx") < TOLERANCE
    with torch.no_grad():
        list(model.parameters())[-1].add_(0.01)
    assert largest_gap(model, inputs, tmp_path / "model.onnx") > 100 * TOLERANCE


def test_an_export_that_changes_the_model_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = torch.onnx.export

    def perturbing(model: CtrModel, *args: Any, **kwargs: Any) -> object:  # noqa: ANN401
        other = deepcopy(model)
        with torch.no_grad():
            list(other.parameters())[-1].add_(1e-3)
        return export(other, *args, **kwargs)

    monkeypatch.setattr(torch.onnx, "export", perturbing)
    with pytest.raises(BundleError, match="differs from torch by"):
        export_onnx(made(3, SIZES, WIDTH), example(64, SIZES, WIDTH), tmp_path / "model.onnx")


def test_a_model_that_answers_nothing_fails(tmp_path: Path) -> None:
    model = made(3, SIZES, WIDTH)
    with torch.no_grad():
        list(model.parameters())[-1].fill_(float("nan"))
    with pytest.raises(BundleError, match="differs from torch by nan"):
        export_onnx(model, example(64, SIZES, WIDTH), tmp_path / "model.onnx")
