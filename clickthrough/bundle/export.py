"""From a torch module to an ONNX graph that says the same."""

import contextlib
import io
import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch

from clickthrough.bundle.runtime import OnnxModel
from clickthrough.errors import BundleError
from clickthrough.features.encoding.encoder import Encoded
from clickthrough.models.base import CtrModel

TOLERANCE = 1e-5
"""The most by which a probability of the graph may differ from torch's."""


def export_onnx(model: CtrModel, example: Encoded, path: Path) -> None:
    """Export a model and compare the graph with it.

    Args:
        model: the model; it is put into evaluation mode.
        example: encoded rows on which both must agree, at least two.
        path: where the graph is written; weights beyond 2 GB, the most that a graph can hold, are
            written beside it, into a file whose name begins as its own.

    Raises:
        BundleError: a probability differs by more than 1e-5.
    """
    model.eval()
    inputs = tensors(example)
    rows = torch.export.Dim("rows")
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), _quiet_logs():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            model,
            inputs,
            input_names=list(example.arrays()),
            output_names=["logit"],
            dynamo=True,
            dynamic_shapes=tuple({0: rows} for _ in inputs),
        )
    assert program is not None  # noqa: S101  (with dynamo, it is)
    _strip(program)
    program.save(path)
    gap = largest_gap(model, example, path)
    if not gap <= TOLERANCE:
        raise BundleError(f"the exported graph differs from torch by {gap:.2g} in probability")


def _strip(program: torch.onnx.ONNXProgram) -> None:
    """Leave what computes: equal weights give equal files, wherever and by whatever exported.

    The exporter notes for each node the lines of code that it comes of, with their paths.
    """
    model = program.model
    model.producer_version = None
    nodes = list(model.graph.all_nodes())
    outputs = [output for node in nodes for output in node.outputs]
    noted: list[Any] = [model, model.graph, *nodes, *outputs]
    noted += [*model.graph.inputs, *model.graph.initializers.values()]
    for part in noted:
        part.metadata_props.clear()
        part.doc_string = None


def tensors(inputs: Encoded) -> tuple[torch.Tensor, ...]:
    """Return encoded impressions as the arguments of a model."""
    return tuple(torch.from_numpy(array) for array in inputs.arrays().values())


def largest_gap(model: CtrModel, example: Encoded, path: Path) -> float:
    """Return the largest difference in probability between a graph and its module."""
    with torch.inference_mode():
        expected = model(*tensors(example))
    found = torch.from_numpy(OnnxModel(path).logits(example))
    return float(np.max(np.abs((expected.sigmoid() - found.sigmoid()).numpy())))


@contextlib.contextmanager
def _quiet_logs():  # type: ignore[no-untyped-def]  # noqa: ANN202
    """Keep the exporter's progress out of the user's terminal."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
