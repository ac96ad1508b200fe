"""An export is of the bundle that was loaded, whatever lies at its place when it is written."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from clickthrough.bundle import Bundle, layout, load_bundle
from clickthrough.errors import BundleError
from clickthrough.export.homes import HOMES
from clickthrough.export.run import export_bundle
from tests.export.made import Exported


def _replaced(place: Path, other: Path) -> None:
    shutil.rmtree(place)
    shutil.copytree(other, place)


def _altered(place: Path, _: Path) -> None:
    with (place / layout.METRICS).open("a") as file:
        file.write("\n")


def _other_manifest(place: Path, _: Path) -> None:
    text = (place / layout.MANIFEST).read_text()
    (place / layout.MANIFEST).write_text(text.replace('"clickthrough": "', '"clickthrough": "9'))


def _removed(place: Path, _: Path) -> None:
    shutil.rmtree(place)


@pytest.mark.parametrize("change", [_replaced, _altered, _other_manifest, _removed])
@pytest.mark.parametrize("name", HOMES)
def test_two_bundles_are_never_mixed(
    name: str,
    change: Callable[[Path, Path], None],
    bundle: Bundle,
    rich: Exported,
    tmp_path: Path,
) -> None:
    shutil.copytree(bundle.path, tmp_path / "models")
    own = load_bundle(tmp_path / "models")
    change(own.path, rich.bundle.path)
    with pytest.raises(BundleError, match="models: was replaced or altered after it was loaded"):
        export_bundle(own, HOMES[name], tmp_path / "out")
    assert {path.name for path in tmp_path.iterdir()} <= {"models"}


@pytest.mark.parametrize("name", ["triton", "sagemaker", "torchserve"])
def test_links_in_a_bundle_are_followed(name: str, bundle: Bundle, tmp_path: Path) -> None:
    """As a store of data or of artifacts lays them out: an export is for another machine."""
    links = tmp_path / "models"
    for path in (file for file in bundle.path.rglob("*") if file.is_file()):
        place = links / path.relative_to(bundle.path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(path)
    export_bundle(load_bundle(links), HOMES[name], tmp_path / "linked")
    export_bundle(bundle, HOMES[name], tmp_path / "plain")
    for path in (file for file in (tmp_path / "plain").rglob("*") if file.is_file()):
        other = tmp_path / "linked" / path.relative_to(tmp_path / "plain")
        assert not other.is_symlink()
        assert other.read_bytes() == path.read_bytes()
