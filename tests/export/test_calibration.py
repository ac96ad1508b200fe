"""Any calibrator in one form."""

import json
from dataclasses import replace

import numpy as np
import pytest

from clickthrough.errors import BundleError
from clickthrough.export.calibration import calibration_of
from clickthrough.export.classic import inference
from tests.export.made import Exported

CURVES: dict[str, tuple[dict[str, object], list[float]]] = {
    "platt": ({"method": "platt", "slope": 0.5, "intercept": -1.0}, [-6.0, -1.5, -1.0, 0.0, 4.0]),
    "none": ({"method": "none"}, [-10.0, -1.0, 0.0, 2.0, 10.0]),
    "temperature": ({"method": "temperature", "temperature": 2.0}, [-5.0, -0.5, 0.0, 1.0, 5.0]),
    "isotonic": (
        {"method": "isotonic", "scores": (-1.0, 0.0, 2.0), "values": (-3.0, -2.0, 2.0),
         "slope": 0.5},
        [-7.5, -3.0, -2.0, 2.0, 6.0],
    ),
}  # fmt: skip
LOGITS = np.array([-10.0, -1.0, 0.0, 2.0, 10.0])


@pytest.mark.parametrize("name", CURVES)
def test_every_curve_is_lines_between_knots(name: str) -> None:
    saved, expected = CURVES[name]
    made = json.loads(json.dumps(calibration_of(saved, [])))
    np.testing.assert_allclose(inference.on_curve(LOGITS, made["whole"]), expected, atol=1e-12)
    assert (made["by"], made["slices"]) == (None, {})


def test_a_value_has_its_own_curve(rich: Exported) -> None:
    """The second id column's id 2 is calibrated by itself, all others as before."""
    whole, own = CURVES["platt"][0], CURVES["isotonic"][0]
    saved = {"method": "sliced", "column": 1, "whole": whole, "slices": {2: {"curve": own}}}
    columns = rich.files.categorical
    calibrations = [calibration_of(one, columns) for one in (whole, own, saved)]
    files = [
        replace(rich.files, model=rich.files.model | {"calibration": one}) for one in calibrations
    ]
    expected, inside, found = (inference.probabilities(rich.example.rows, one) for one in files)
    ids = rich.files.vocabularies[columns[1]]
    chosen = np.array([ids.get(row[columns[1]]) == 2 for row in rich.example.rows])
    assert 20 < chosen.sum() < len(chosen) - 20
    np.testing.assert_array_equal(found, np.where(chosen, inside, expected))
    assert np.abs(inside - expected).min() > 1e-4


def test_a_calibrator_of_another_kind_is_refused() -> None:
    with pytest.raises(BundleError, match="a calibrator 'beta' has no form in an export"):
        calibration_of({"method": "beta", "a": 1.0}, [])
