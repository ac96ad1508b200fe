"""Only an export to the same home is ever replaced, and only if nothing was put into it."""

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from clickthrough.bundle import Bundle, load_bundle
from clickthrough.errors import BundleError
from clickthrough.export.homes import HOMES, Home
from clickthrough.export.place import check_place
from clickthrough.export.run import export_bundle
from tests.export.made import run

ONNX, TRITON = HOMES["onnx"], HOMES["triton"]


def below(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.fixture
def exported(bundle: Bundle, tmp_path: Path) -> Path:
    export_bundle(bundle, ONNX, tmp_path / "out")
    return tmp_path / "out"


@pytest.mark.parametrize("home", HOMES.values(), ids=list(HOMES))
def test_the_parent_of_a_bundle_is_never_replaced(
    home: Home, bundle: Bundle, tmp_path: Path
) -> None:
    shutil.copytree(bundle.path, tmp_path / "models" / "ctr")
    (tmp_path / "README.md").write_text("of the project")
    own, before = load_bundle(tmp_path / "models" / "ctr"), below(tmp_path)
    for target in (tmp_path, tmp_path / "models"):
        with pytest.raises(BundleError, match=r"the bundle .* lies in it; name a place outside it"):
            export_bundle(own, home, target, force=True)
    assert below(tmp_path) == before


def test_the_bundle_within_an_export_does_not_replace_that_export(
    bundle: Bundle, tmp_path: Path
) -> None:
    export_bundle(bundle, TRITON, tmp_path / "out")
    own = tmp_path / "out" / "models" / "ctr" / "1" / "bundle"
    (tmp_path / "whole").symlink_to(own)
    (tmp_path / "each").mkdir()
    for path in own.rglob("*"):
        place = tmp_path / "each" / path.relative_to(own)
        place.mkdir() if path.is_dir() else place.symlink_to(path)
    for name in ("whole", "each"):
        with pytest.raises(BundleError, match="lies in it"):
            export_bundle(load_bundle(tmp_path / name), TRITON, tmp_path / "out", force=True)
    assert load_bundle(own).manifest == bundle.manifest


@pytest.mark.parametrize("names", [["README.md"], ["README.md", "models/own.bin"], ["export.json"]])
def test_files_that_are_called_like_those_of_an_export_are_kept(
    names: list[str], bundle: Bundle, tmp_path: Path
) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}")
    with pytest.raises(BundleError, match=rf"holds {names[0]}, and no export\.json of an export"):
        export_bundle(bundle, TRITON, tmp_path, force=True)
    assert sorted(below(tmp_path)) == sorted(names)


@pytest.mark.parametrize("name", ["notes.txt", "models/notes.txt", "__pycache__/notes.txt"])
def test_what_was_put_into_an_export_is_named_and_kept(
    name: str, bundle: Bundle, exported: Path
) -> None:
    (exported / name).parent.mkdir(exist_ok=True)
    (exported / name).write_text("precious")
    with pytest.raises(BundleError, match=rf"holds {name}, no file of the export to onnx"):
        export_bundle(bundle, ONNX, exported, force=True)
    assert (exported / name).read_text() == "precious"


def test_what_python_leaves_beside_a_script_is_nothing_to_keep(
    bundle: Bundle, exported: Path
) -> None:
    (exported / "__pycache__").mkdir()
    (exported / "__pycache__" / "model_def.cpython-311.pyc").write_bytes(b"compiled")
    export_bundle(bundle, ONNX, exported, force=True)
    assert not (exported / "__pycache__").exists()


def test_an_export_to_another_home_is_not_replaced(bundle: Bundle, exported: Path) -> None:
    with pytest.raises(BundleError, match="holds an export to onnx; name another place"):
        export_bundle(bundle, TRITON, exported, force=True)


def test_a_place_that_is_filled_meanwhile_is_left(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, target = Home.write, tmp_path / "out"

    def slow(home: Home, *rest: Any) -> None:  # noqa: ANN401
        write(home, *rest)
        target.mkdir(exist_ok=True)
        (target / "thesis.txt").write_text("precious")

    monkeypatch.setattr(Home, "write", slow)
    with pytest.raises(BundleError, match=r"holds thesis\.txt"):
        export_bundle(bundle, ONNX, target)
    assert below(tmp_path) == {"out/thesis.txt": b"precious"}


def test_a_place_that_cannot_be_is_one_line(
    bundle_path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "circle").symlink_to("circle")
    for out in (tmp_path / ("n" * 300), tmp_path / "circle", tmp_path / "circle" / "out"):
        assert run(monkeypatch, bundle_path, "--to", "onnx", "--out", out, "--no-example") == 2
        said = capsys.readouterr().err
        assert "Traceback" not in said
        assert "cannot be written" in " ".join(said.split())


def test_a_mount_point_is_named_as_what_it_is(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "is_mount", lambda path: path == tmp_path)
    with pytest.raises(BundleError, match=r"is a mount point, .*; name a directory below it"):
        check_place(bundle, ONNX, tmp_path)
    assert check_place(bundle, ONNX, tmp_path / "below") == tmp_path / "below"


def test_a_mount_that_looks_like_a_directory_is_named_where_it_cannot_be_replaced(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object) -> bool:
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))

    (tmp_path / "out").mkdir()
    monkeypatch.setattr("clickthrough.beside.exchange", busy)
    with pytest.raises(BundleError, match=r"cannot be written: .*; name a directory below it"):
        export_bundle(bundle, ONNX, tmp_path / "out")
    assert [*tmp_path.rglob("*")] == [tmp_path / "out"]
