"""The graph with its calibrator says what model and calibrator say, for every family."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings

from clickthrough.bundle import layout
from clickthrough.bundle.export import export_onnx
from clickthrough.bundle.runtime import OnnxModel
from clickthrough.calibration.base import Calibrator
from clickthrough.calibration.isotonic import Isotonic
from clickthrough.calibration.platt import Platt
from clickthrough.calibration.sliced import Slice, Sliced
from clickthrough.export.calibration import calibration_of
from clickthrough.export.onnx.calibrated import LOGIT, PROBABILITY, calibrated_graph
from clickthrough.export.onnx.pieces import pieces_of
from clickthrough.export.onnx.trial import graph_outputs
from clickthrough.features.encoding.encoder import Encoded
from tests.export.onnx.test_pieces import calibrators
from tests.models.families import FORMS, built, inputs_of, moved

SIZES = {"user": 30, "item": 40}
STEEP = Isotonic(scores=(-1.0, 0.0, 2.0), values=(-3.0, -2.0, 2.0), slope=0.5)
SLICED = Sliced(
    by="item",
    column=1,
    whole=Platt(slope=0.8, intercept=-0.3),
    slices={
        id_: Slice(value=str(id_), impressions=9, clicks=3, curve=STEEP) for id_ in (0, 1, 7, 39)
    },
)


def gap(graph: Path, rows: Encoded, calibrator: Calibrator, folder: Path) -> float:
    """Return how far a calibrated graph is from model and calibrator."""
    calibration = calibration_of(calibrator.model_dump(), list(SIZES))
    made = calibrated_graph(onnx.load(graph), pieces_of(calibration, SIZES))
    onnx.checker.check_model(made)
    (folder / "calibrated.onnx").write_bytes(made.SerializeToString())
    found = graph_outputs(folder / "calibrated.onnx", rows)
    assert {name: (a.dtype, a.shape) for name, a in found.items()} == dict.fromkeys(
        (PROBABILITY, LOGIT), (np.dtype(np.float64), (len(rows), 1))
    )
    logits = OnnxModel(graph).logits(rows)
    expected = calibrator.logit(logits, rows.ids)
    np.testing.assert_allclose(found[LOGIT][:, 0], expected, rtol=1e-9, atol=1e-9)
    return float(np.abs(found[PROBABILITY][:, 0] - calibrator.probability_of(expected)).max())


@pytest.mark.parametrize("form", FORMS)
def test_every_family_is_calibrated_in_its_graph(form: str, tmp_path: Path) -> None:
    model = moved(built(form))
    export_onnx(model, inputs_of(model, 8), tmp_path / layout.ONNX)
    rows = inputs_of(model, 400, seed=1)
    assert len(set(rows.ids[:, 1].tolist()) & set(SLICED.slices)) == 4
    assert gap(tmp_path / layout.ONNX, rows, SLICED, tmp_path) < 1e-12


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Encoded]:
    model = moved(built("mlp"))
    path = tmp_path_factory.mktemp("graph") / layout.ONNX
    export_onnx(model, inputs_of(model, 8), path)
    return path, inputs_of(model, 100, seed=2)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(calibrator=calibrators())
def test_every_calibrator_has_a_graph(
    graph: tuple[Path, Encoded], tmp_path: Path, calibrator: Calibrator
) -> None:
    if isinstance(calibrator, Sliced):
        calibrator = calibrator.model_copy(update={"by": "item"})
    assert gap(*graph, calibrator, tmp_path) < 1e-12


def test_probabilities_stay_within_0_and_1(graph: tuple[Path, Encoded], tmp_path: Path) -> None:
    for intercept in (-1e4, 1e4):
        assert gap(*graph, Platt(slope=1.0, intercept=intercept), tmp_path) < 1e-12
