"""What cannot be read or run is said in a line, and nothing is written."""

from pathlib import Path
from typing import Any

import onnx
import pytest

from clickthrough.bundle import Bundle
from clickthrough.errors import BundleError
from clickthrough.export.homes import HOMES
from clickthrough.export.run import export_bundle


@pytest.mark.parametrize("home", ["onnx", "triton"])
@pytest.mark.parametrize(
    ("name", "file"),
    [("onnx.load", "ctr_model.onnx"), ("graph_outputs", "model.onnx")],
)
def test_a_graph_that_cannot_be_read_or_run_is_one_line(
    home: str, name: str, file: str, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: Any, **__: Any) -> None:  # noqa: ANN401
        raise RuntimeError("no such operator:\nGelu")

    monkeypatch.setattr(f"clickthrough.export.onnx.write.{name}", failing)
    with pytest.raises(BundleError, match=rf"^{file}: cannot be loaded: no such operator: Gelu$"):
        export_bundle(bundle, HOMES[home], tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_graph_that_says_something_else_is_refused(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a calibrator's table is wrong."""
    whole = onnx.helper.make_node

    def other(kind: str, *rest: Any, **attributes: Any) -> onnx.NodeProto:  # noqa: ANN401
        return whole("Sub" if kind == "Add" else kind, *rest, **attributes)

    monkeypatch.setattr("clickthrough.export.onnx.calibrated.helper.make_node", other)
    with pytest.raises(BundleError, match=r"the graph differs from the bundle by "):
        export_bundle(bundle, HOMES["onnx"], tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
