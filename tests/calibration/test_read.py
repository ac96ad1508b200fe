"""Calibrators as bundles hold them."""

import json

import pytest

from clickthrough.calibration import Platt, read_calibrator
from clickthrough.calibration.identity import Identity
from clickthrough.calibration.isotonic import Isotonic
from clickthrough.calibration.sliced import Sliced
from clickthrough.calibration.temperature import Temperature


def test_the_first_bundles_are_still_read() -> None:
    text = '{\n  "method": "platt",\n  "slope": 0.9712,\n  "intercept": -0.0421\n}\n'
    assert read_calibrator(text) == Platt(slope=0.9712, intercept=-0.0421)


def test_each_method_is_read_by_its_name() -> None:
    curve = {"method": "isotonic", "scores": [-1, 1], "values": [-2, 0.5], "slope": 1}
    assert isinstance(read_calibrator(json.dumps(curve)), Isotonic)
    assert isinstance(read_calibrator('{"method": "temperature", "temperature": 2}'), Temperature)
    assert read_calibrator('{"method": "none"}') == Identity()
    part = {"value": "mobile", "impressions": 9, "clicks": 3, "curve": curve}
    whole = {"method": "temperature", "temperature": 2}
    sliced = {"method": "sliced", "by": "platform", "column": 1, "whole": whole}
    found = read_calibrator(json.dumps(sliced | {"slices": {"2": part}}))
    assert isinstance(found, Sliced)
    assert isinstance(found.slices[2].curve, Isotonic)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('{"method": "beta"}', "'platt', 'temperature', 'isotonic', 'none', 'sliced'"),
        ('{"slope": 1, "intercept": 0}', "method"),
        ('{"method": "platt", "slope": 1, "intercep": 0}', "did you mean 'intercept'"),
        ('{"method": "temperature", "temperature": 0}', "greater than 0"),
        ('{"method": "isotonic", "scores": [0, 1], "values": [1, 0], "slope": 1}', "rise"),
    ],
)
def test_anything_else_is_refused_saying_what_is_wrong(text: str, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        read_calibrator(text)
