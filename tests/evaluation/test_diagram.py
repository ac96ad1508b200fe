from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from clickthrough.errors import ClickthroughError
from clickthrough.evaluation.diagram import FORMATS, check_diagram, draw_reliability
from clickthrough.evaluation.report import evaluation

pytest.importorskip("matplotlib")


def record_of(seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    truth = rng.uniform(0.02, 0.4, 400)
    labels = (rng.random(400) < truth).astype(np.int8)
    return evaluation(labels, np.arange(0, 401, 4), {"mlp": truth}, "live")


@pytest.mark.parametrize("ending", FORMATS)
def test_a_diagram_is_drawn_in_each_format(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"reliability{ending}"
    check_diagram(path)
    draw_reliability(record_of(1), path)
    starts = {".png": b"\x89PNG", ".pdf": b"%PDF", ".svg": b"<?xml"}
    assert path.read_bytes().startswith(starts[ending])


def test_every_bin_is_drawn_where_it_lies(tmp_path: Path) -> None:
    record = record_of(2)
    draw_reliability(record, tmp_path / "r.svg")
    root = ElementTree.parse(tmp_path / "r.svg").getroot()  # noqa: S314
    (group,) = [e for e in root.iter() if e.attrib.get("id") == "bins"]
    marks = [e for e in group.iter() if e.tag.endswith("use")]
    drawn = np.array([(float(mark.attrib["x"]), -float(mark.attrib["y"])) for mark in marks])
    expected = np.array([(one["predicted"], one["click_rate"]) for one in record["reliability"]])
    assert drawn.shape == expected.shape
    for axis in (0, 1):
        slope, offset = np.polyfit(expected[:, axis], drawn[:, axis], 1)
        np.testing.assert_allclose(slope * expected[:, axis] + offset, drawn[:, axis], atol=0.01)
        assert slope > 100


def test_a_place_that_cannot_be_drawn_to_is_named(tmp_path: Path) -> None:
    with pytest.raises(ClickthroughError, match=r"r.gif: expected a name that ends in .svg"):
        check_diagram(tmp_path / "r.gif")
    with pytest.raises(ClickthroughError, match="no such directory"):
        check_diagram(tmp_path / "none" / "r.svg")


def test_without_matplotlib_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ClickthroughError, match=r"pip install '\.\[plot\]'"):
        check_diagram(tmp_path / "r.svg")
