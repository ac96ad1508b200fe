"""Side tables of a bundle: listed, verified, mapped; what makes no sense is refused."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clickthrough import Predictor
from clickthrough.bundle import layout, load_bundle
from clickthrough.bundle.recalibrated import save_recalibrated
from clickthrough.bundle.version import version_of
from clickthrough.errors import BundleError
from clickthrough.export.homes import HOMES
from clickthrough.export.run import export_bundle
from clickthrough.features.history.snapshot import Snapshot
from tests.export.asking import WAYS
from tests.serving.bundles import seal
from tests.serving.sided import Sided, train_sided

FILES = [layout.TABLES, *(f"lookup/ads.csv.{part}.npy" for part in ("keys", "ends", "values"))]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Sided:
    return train_sided(tmp_path_factory.mktemp("sided"))


@pytest.fixture
def copy(made: Sided, tmp_path: Path) -> Path:
    return shutil.copytree(made.path, tmp_path / "copy")


def refusal(folder: Path) -> str:
    with pytest.raises(BundleError) as refused:
        load_bundle(folder)
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_gone_or_altered_is_refused(copy: Path, name: str) -> None:
    content = (copy / name).read_bytes()
    (copy / name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert f"file {name} was altered" in refusal(copy)
    (copy / name).unlink()
    assert f"file {name} is missing" in refusal(copy)
    (copy / name).write_bytes(content)
    assert load_bundle(copy).sides


def edited(change: Callable[[list[dict[str, Any]]], object]) -> Callable[[Path], object]:
    def edit(folder: Path) -> None:
        forms = json.loads((folder / layout.TABLES).read_bytes())
        change(forms)
        (folder / layout.TABLES).write_text(json.dumps(forms))

    return edit


def unsorted(folder: Path) -> None:
    path = folder / FILES[1]
    np.save(path, np.load(path)[::-1])


NONSENSE: list[tuple[Callable[[Path], object], str]] = [
    (lambda folder: (folder / layout.TABLES).write_text("{"), r"tables\.json: cannot be loaded"),
    (edited(lambda forms: forms[0].update(name="no")), r"no\.keys\.npy: cannot be loaded"),
    (edited(lambda forms: forms[0].update(name="../../ads")), "cannot be loaded"),
    (edited(lambda forms: forms[0].update(size=1)), "unknown key 'size'"),
    (edited(lambda forms: forms[0]["ways"][0].update(key=["nothing"])), "'ads.csv' has 'nothing'"),
    (edited(lambda forms: forms[0].update(columns=["fee"])), "'ads.csv' has '"),
    (edited(lambda forms: forms.append(forms[0])), "'ads.csv' comes twice"),
    (unsorted, "expected digests that rise strictly"),
    (lambda folder: np.save(folder / FILES[2], np.zeros(1, np.int64)), "holds 1 ends for 37 keys"),
    (lambda folder: np.save(folder / FILES[3], np.zeros(1, np.uint8)), "ends at"),
]


@pytest.mark.parametrize(("change", "says"), NONSENSE)
def test_what_was_sealed_anew_and_makes_no_sense_is_refused(
    copy: Path, change: Callable[[Path], object], says: str
) -> None:
    change(copy)
    seal(copy)
    with pytest.raises(BundleError, match=says):
        load_bundle(copy)


def test_a_row_that_cannot_be_read_is_a_fault_that_names_its_table(copy: Path) -> None:
    values = np.load(copy / FILES[3])
    np.save(copy / FILES[3], np.zeros_like(values))
    seal(copy)
    with pytest.raises(BundleError, match=r"side table 'ads\.csv': a row cannot be read"):
        Predictor.load(copy).predict([{"ad": ad} for ad in range(100, 140)])


def test_tables_are_mapped_not_read(made: Sided) -> None:
    for side in made.bundle.sides:
        for array in (side.rows.digests, side.rows.ends, side.rows.values):
            assert isinstance(array, np.memmap)


def test_other_tables_are_another_version(made: Sided, copy: Path) -> None:
    manifest = made.bundle.manifest
    assert set(FILES) <= set(manifest.files)
    assert version_of(manifest.files, made.bundle.config) == manifest.version
    Snapshot.of({b"key": b"value"}).save(copy / "lookup", "ads.csv")
    assert version_of(seal(copy), made.bundle.config) != manifest.version


def answers(path: Path, made: Sided) -> list[float]:
    rows = [made.by_ids(row) for row in made.rows()]
    return [p.logit for p in Predictor.load(path).predict(rows).predictions]


def test_a_recalibrated_bundle_holds_them(made: Sided, tmp_path: Path) -> None:
    bundle = made.bundle
    save_recalibrated(tmp_path / "new", bundle, bundle.config, bundle.calibrator, {})
    assert answers(tmp_path / "new", made) == answers(made.path, made)


@pytest.mark.parametrize("way", ["triton, raw fields", "sagemaker, JSON", "torchserve"])
def test_homes_that_take_raw_fields_hold_them(made: Sided, way: str, tmp_path: Path) -> None:
    home, make = WAYS[way]
    export_bundle(made.bundle, HOMES[home], tmp_path / home)
    (tmp_path / "place").mkdir()
    predictor = Predictor.load(made.path)
    ask, rows = make(tmp_path / home, predictor, tmp_path / "place"), made.rows(20)
    expected = [p.probability for p in predictor.predict(rows).predictions]
    assert ask([made.by_ids(row) for row in rows]).tolist() == expected
