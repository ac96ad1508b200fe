"""Writing the graph, if it answers as the bundle does, and what its inputs mean."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from clickthrough.bundle import layout
from clickthrough.bundle.load import Bundle
from clickthrough.bundle.refusal import refusing
from clickthrough.errors import BundleError
from clickthrough.export.calibration import calibration_of
from clickthrough.export.example import TOLERANCE, Example
from clickthrough.export.onnx.calibrated import LOGIT, PROBABILITY, calibrated_graph
from clickthrough.export.onnx.pieces import pieces_of
from clickthrough.export.onnx.trial import graph_outputs, trial_rows

GRAPH = "model.onnx"


def write(bundle: Bundle, folder: Path, _: Example | None) -> None:
    """Write the graph from encoded inputs to the calibrated probability.

    Raises:
        BundleError: the calibrator has no form in a graph, a graph cannot be read, or a probability
            would differ by more than 1e-6.
    """
    write_graph(bundle, folder)
    (folder / "model.json").write_text(json.dumps(described(bundle, folder), indent=2) + "\n")


def write_graph(bundle: Bundle, folder: Path) -> None:
    """Write ``model.onnx``; weights that lie beside the bundle's graph lie beside it too.

    Raises:
        BundleError: see :func:`write`.
    """
    calibration = calibration_of(bundle.calibrator.model_dump(), list(bundle.encoder.id_sizes))
    with refusing(Path(layout.ONNX)):
        model = onnx.load(bundle.path / layout.ONNX, load_external_data=False)
        made = calibrated_graph(model, pieces_of(calibration, bundle.encoder.id_sizes))
    about = {"clickthrough.bundle": bundle.manifest.version}
    about |= {f"clickthrough.{name}": json.dumps(own) for name, own in columns_of(bundle).items()}
    onnx.helper.set_model_props(made, about)
    for beside in bundle.path.glob(f"{layout.ONNX}.*"):
        shutil.copyfile(beside, folder / beside.name)
    (folder / GRAPH).write_bytes(made.SerializeToString(deterministic=True))
    _check_answers(bundle, folder / GRAPH)


def described(bundle: Bundle, folder: Path) -> dict[str, Any]:
    """Say what goes into the graph that lies in a directory, and what comes out."""
    graph = onnx.load(folder / GRAPH, load_external_data=False).graph
    return {
        "bundle": bundle.manifest.version,
        "inputs": {entry.name: _tensor(entry) for entry in graph.input},
        "outputs": {entry.name: _tensor(entry) for entry in graph.output},
        "columns": columns_of(bundle),
    }


def columns_of(bundle: Bundle) -> dict[str, list[str]]:
    """Return what each input holds, a name a column; a bag's as often as it is long."""
    encoder = bundle.encoder
    bags = [name for name, (_, length) in encoder.bag_shapes.items() for _ in range(length)]
    return {
        "ids": list(encoder.id_sizes),
        "numeric": encoder.numeric_names,
        "bag_ids": bags,
        "bag_weights": bags,
    }


def _tensor(entry: onnx.ValueInfoProto) -> dict[str, Any]:
    tensor = entry.type.tensor_type
    dtype = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)).name
    return {"dtype": dtype, "shape": ["rows", *(part.dim_value for part in tensor.shape.dim[1:])]}


def _check_answers(bundle: Bundle, path: Path) -> None:
    """Compare the graph with the bundle on rows of any ids and numbers."""
    rows = trial_rows(bundle.encoder)
    expected = bundle.calibrator.probability(bundle.model.logits(rows), rows.ids)
    with refusing(Path(GRAPH)):  # the runtime may not know what the graph needs
        found = graph_outputs(path, rows)
    gap = float(np.max(np.abs(found[PROBABILITY][:, 0] - expected)))
    if not gap <= TOLERANCE or not np.isfinite(found[LOGIT]).all():
        raise BundleError(f"the graph differs from the bundle by {gap:.2g} in probability")
