from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from clickthrough.bundle.export import TOLERANCE, export_onnx, largest_gap, tensors
from clickthrough.bundle.runtime import OnnxModel
from clickthrough.config.model import Mlp, WideDeep
from clickthrough.errors import BundleError
from clickthrough.models.base import CtrModel
from clickthrough.models.registry import build_model
from clickthrough.models.shape import InputShape
from clickthrough.training.optim.loop import predict_logits
from tests.inputs import random_inputs

SHAPE = InputShape.of((5, 300), 4, ((20, 3), (7, 2)))


SMALL = Mlp(hidden=[16, 8], embedding_dim=4)


def made(seed: int, shape: InputShape, config: Mlp | WideDeep = SMALL) -> CtrModel:
    """Return a model whose weights and normalization statistics are not the initial ones."""
    torch.manual_seed(seed)
    model = build_model(config, shape)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    model.train()
    for _ in range(20):
        model(*tensors(random_inputs(shape, 200, seed)))
    return model


def gap(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> float:
    return float(np.abs(1 / (1 + np.exp(-one)) - 1 / (1 + np.exp(-other))).max())


@pytest.mark.parametrize(
    "shape",
    [
        SHAPE,
        InputShape.of((5, 300), 4),
        InputShape.of((), 4),
        InputShape.of((5, 300), 0),
        InputShape.of((), 0, ((20, 3),)),
        InputShape.of((), 4, ((20, 1), (7, 2))),
    ],
    ids=str,
)
def test_the_graph_equals_torch_for_any_number_of_rows(tmp_path: Path, shape: InputShape) -> None:
    model = made(3, shape)
    path = tmp_path / "model.onnx"
    export_onnx(model, random_inputs(shape, 64), path)
    graph = OnnxModel(path)
    for rows in (1, 2, 64, 1_000):
        inputs = random_inputs(shape, rows, seed=rows)
        expected, found = predict_logits(model, inputs), graph.logits(inputs)
        assert found.shape == (rows,)
        assert gap(expected, found) < 1e-5
    assert np.ptp(1 / (1 + np.exp(-found))) > 0.1


@pytest.mark.parametrize("members", [1, 2, 3, 5, 16])
@pytest.mark.parametrize(
    "shape",
    [
        InputShape.of((5, 300, 7), 4, ((20, 3), (7, 20))),
        InputShape.of((5,) * 30, 10, ((9, 50),)),
        InputShape.of((5, 300), 1),
    ],
    ids=str,
)
def test_a_row_scores_the_same_whatever_stands_beside_it(
    tmp_path: Path, shape: InputShape, members: int
) -> None:
    config = WideDeep(hidden=[128, 64], embedding_dim=16, members=members)
    export_onnx(made(4, shape, config), random_inputs(shape, 64), tmp_path / "model.onnx")
    graph, inputs = OnnxModel(tmp_path / "model.onnx"), random_inputs(shape, 200, seed=5)
    together = graph.logits(inputs)
    assert len(set(together.tolist())) > 190
    for rows in (1, 2, 3, 7, 64):
        parts = [graph.logits(inputs[start : start + rows]) for start in range(0, 200, rows)]
        np.testing.assert_array_equal(np.concatenate(parts), together)


def test_the_graph_is_one_file(tmp_path: Path) -> None:
    export_onnx(made(3, SHAPE), random_inputs(SHAPE, 64), tmp_path / "model.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


def test_the_gap_of_another_model_is_seen(tmp_path: Path) -> None:
    model, inputs = made(3, SHAPE), random_inputs(SHAPE, 64)
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
        export_onnx(made(3, SHAPE), random_inputs(SHAPE, 64), tmp_path / "model.onnx")


def test_a_model_that_answers_nothing_fails(tmp_path: Path) -> None:
    model = made(3, SHAPE)
    with torch.no_grad():
        list(model.parameters())[-1].fill_(float("nan"))
    with pytest.raises(BundleError, match="differs from torch by nan"):
        export_onnx(model, random_inputs(SHAPE, 64), tmp_path / "model.onnx")
