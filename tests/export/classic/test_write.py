"""Where an export may be written, and that it appears as a whole."""

import shutil
from pathlib import Path

import pytest
import torch

from clickthrough.bundle import load_bundle
from clickthrough.errors import BundleError
from clickthrough.export.classic import inference
from clickthrough.export.run import export_bundle
from tests.export.made import CLASSIC, Exported, alone


@pytest.fixture
def copy(rich: Exported, tmp_path: Path) -> Path:
    return shutil.copytree(rich.folder, tmp_path / "classic")


def test_an_earlier_export_is_replaced_only_if_asked(rich: Exported, copy: Path) -> None:
    (copy / "model.json").write_text("old")
    with pytest.raises(BundleError, match="holds an export already"):
        export_bundle(rich.bundle, CLASSIC, copy)
    assert (copy / "model.json").read_text() == "old"
    export_bundle(rich.bundle, CLASSIC, copy, force=True)
    assert inference.load_files(copy).model == rich.files.model
    assert not (copy / "example.jsonl").exists()
    assert [path.name for path in copy.parent.iterdir()] == ["classic"]


@pytest.mark.parametrize("force", [False, True])
def test_other_files_are_never_replaced(rich: Exported, tmp_path: Path, force: bool) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(BundleError, match=r"holds thesis\.txt"):
        export_bundle(rich.bundle, CLASSIC, tmp_path, force=force)
    with pytest.raises(BundleError, match="is a file"):
        export_bundle(rich.bundle, CLASSIC, tmp_path / "thesis.txt", force=force)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("below", [".", "classic", "classic/deeper"])
def test_nothing_is_written_into_the_bundle(rich: Exported, below: str) -> None:
    with pytest.raises(BundleError, match="lies in the bundle"):
        export_bundle(rich.bundle, CLASSIC, rich.bundle.path / below, force=True)
    assert load_bundle(rich.bundle.path).manifest == rich.bundle.manifest


def test_a_failed_write_leaves_the_former_export(
    rich: Exported, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(torch, "save", failing)
    with pytest.raises(BundleError, match="cannot be written: no space left"):
        export_bundle(rich.bundle, CLASSIC, copy, rich.example, force=True)
    assert len(alone(copy)) == len(rich.example.rows)
    assert [path.name for path in copy.parent.iterdir()] == ["classic"]
