"""What every model must do, whatever it is fed."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter

from clickthrough.bundle.export import TOLERANCE, export_onnx, largest_gap, tensors
from clickthrough.bundle.runtime import OnnxModel
from clickthrough.config.model import Mlp
from clickthrough.config.root import Config
from clickthrough.models import MODELS, build_model
from clickthrough.models.base import CtrModel
from clickthrough.models.shape import InputShape
from clickthrough.training.loop import predict_logits
from tests.inputs import random_inputs

SHAPES = {
    "everything": InputShape.of((7, 300), 4, ((20, 3), (5, 1))),
    "no bags": InputShape.of((7, 300), 4),
    "no ids": InputShape.of((), 4, ((20, 3), (5, 1))),
    "no numbers": InputShape.of((7, 300), 0, ((20, 3), (5, 1))),
    "ids alone": InputShape.of((7,), 0),
    "several widths": InputShape.of((7, 300), 4, ((20, 3), (5, 1)), dims=(8, 2, 2, 16)),
    "numbers alone": InputShape.of((), 1),
    "bags alone": InputShape.of((), 0, ((20, 3),)),
}


def made(name: str, shape: InputShape, seed: int = 0) -> CtrModel:
    """Return a small model whose weights are far from their first values."""
    field: Any = Config.model_fields["model"].annotation
    given = {"name": name, "embedding_dim": 4, "hidden": [16, 8]}
    settings: Mlp = TypeAdapter(field).validate_python(given)
    torch.manual_seed(seed)
    model = build_model(settings, shape)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return model


@pytest.fixture(params=SHAPES.values(), ids=list(SHAPES))
def shape(request: pytest.FixtureRequest) -> InputShape:
    found: InputShape = request.param
    return found


@pytest.fixture(params=list(MODELS))
def name(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


def test_a_model_gives_a_logit_a_row(name: str, shape: InputShape) -> None:
    model = made(name, shape)
    for rows in (1, 2, 33):
        logits = predict_logits(model, random_inputs(shape, rows))
        assert logits.shape == (rows,)
        assert logits.dtype == np.float32
        assert np.isfinite(logits).all()
    assert np.ptp(logits) > 1e-3


def test_what_a_model_says_of_a_row_does_not_depend_on_the_others(
    name: str, shape: InputShape
) -> None:
    model, inputs = made(name, shape), random_inputs(shape, 20)
    together = predict_logits(model, inputs)
    for i in range(20):
        alone = predict_logits(model, inputs[i : i + 1])
        assert alone[0] == pytest.approx(together[i], abs=1e-5)


def test_every_input_makes_a_difference(name: str, shape: InputShape) -> None:
    model, inputs = made(name, shape), random_inputs(shape, 200)
    other = random_inputs(shape, 200, seed=1)
    before = predict_logits(model, inputs)
    for argument, array in inputs.arrays().items():
        if array.shape[1] == 0 or (argument == "bag_ids" and not shape.bags):
            continue
        changed = inputs.arrays() | {argument: other.arrays()[argument]}
        after = predict_logits(model, type(inputs)(*changed.values()))
        assert np.abs(after - before).max() > 1e-3, argument


def test_gradients_reach_every_parameter(name: str, shape: InputShape) -> None:
    model, inputs = made(name, shape), random_inputs(shape, 64)
    model.train()
    labels = torch.arange(64) % 2 == 0
    logits = model(*tensors(inputs))
    loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, labels.float())
    loss.backward()  # type: ignore[no-untyped-call]
    for label, parameter in model.named_parameters():
        gradient = parameter.grad
        assert gradient is not None, label
        dense = gradient.to_dense()
        assert torch.isfinite(dense).all(), label
        if parameter.dim() > 1:  # what BatchNorm follows knows no bias
            assert dense.abs().max() > 1e-6, label


def test_tables_and_dense_parameters_are_all_there_is(name: str, shape: InputShape) -> None:
    model = made(name, shape)
    tables, dense = model.table_parameters(), model.dense_parameters()
    assert bool(tables) == bool(shape.id_sizes or shape.bags)
    together = {id(parameter) for parameter in [*tables, *dense]}
    assert together == {id(parameter) for parameter in model.parameters()}
    assert len(together) == len(tables) + len(dense)
    assert sum(len(table) for table in tables) == (
        sum(shape.id_sizes) + sum(size for size, _ in shape.bags)
    )


def test_tables_have_sparse_gradients_and_the_rest_has_dense_ones(
    name: str, shape: InputShape
) -> None:
    model = made(name, shape)
    model.train()
    model(*tensors(random_inputs(shape, 8))).sum().backward()
    assert all(p.grad is not None and p.grad.is_sparse for p in model.table_parameters())
    assert not any(p.grad is None or p.grad.is_sparse for p in model.dense_parameters())


def test_the_exported_graph_agrees(name: str, shape: InputShape, tmp_path: Path) -> None:
    model, path = made(name, shape), tmp_path / "model.onnx"
    export_onnx(model, random_inputs(shape, 64), path)
    graph = OnnxModel(path)
    for rows in (1, 3, 500):
        inputs = random_inputs(shape, rows, seed=rows)
        assert graph.logits(inputs).shape == (rows,)
        assert largest_gap(model, inputs, path) < TOLERANCE
    assert np.ptp(graph.logits(inputs)) > 1e-3


def test_a_model_is_saved_and_restored_by_its_weights(name: str, shape: InputShape) -> None:
    model, other = made(name, shape), made(name, shape, seed=1)
    inputs = random_inputs(shape, 20)
    expected = predict_logits(model, inputs)
    assert not np.allclose(predict_logits(other, inputs), expected, atol=1e-3)
    other.load_state_dict(model.state_dict())
    np.testing.assert_array_equal(predict_logits(other, inputs), expected)
