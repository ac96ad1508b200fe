import json
import os
import pickletools
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from clickthrough import Predictor
from clickthrough.bundle import Bundle, layout, load_bundle
from clickthrough.bundle.manifest import Manifest, hash_files
from clickthrough.bundle.module import input_shape
from clickthrough.bundle.save import Parts, save_bundle
from clickthrough.config import Config
from clickthrough.data.open import open_dataset
from clickthrough.errors import BundleError
from clickthrough.models.base import CtrModel
from clickthrough.models.registry import build_model
from clickthrough.training.evaluating.evaluate import score
from clickthrough.training.fitted import FittedModule
from clickthrough.training.optim.loop import predict_logits
from clickthrough.training.prepare import Prepared, prepare
from tests.logs import raw_rows


@pytest.fixture(scope="module")
def prepared(config: Config, bundle: Bundle) -> Prepared:
    return prepare(open_dataset(config.data), config, "live", bundle.encoder)


@pytest.fixture(scope="module")
def model(config: Config, bundle: Bundle) -> CtrModel:
    return build_model(config.model, input_shape(bundle.encoder, config.model))


@pytest.fixture(scope="module")
def files(prepared: Prepared, model: CtrModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    FittedModule(model).write(folder, prepared.tables["validation"].inputs)
    return folder


@pytest.fixture(scope="module")
def parts(config: Config, bundle: Bundle, files: Path) -> Parts:
    return Parts(
        config=config,
        schema=bundle.schema,
        encoder=bundle.encoder,
        model=files,
        calibrator=bundle.calibrator,
        snapshots=bundle.snapshots,
        counters_until=0,
        metrics={},
    )


@pytest.fixture
def copy(bundle_path: Path, tmp_path: Path) -> Path:
    return shutil.copytree(bundle_path, tmp_path / "copy")


@pytest.mark.parametrize("mask", [0o022, 0o027, 0o077])
def test_a_bundle_may_be_read_by_whom_the_umask_lets(
    parts: Parts, mask: int, tmp_path: Path
) -> None:
    for file in parts.model.iterdir():
        file.chmod(0o600)  # wherever it was exported to
    before = os.umask(mask)
    try:
        save_bundle(tmp_path / "new" / "bundle", parts)
    finally:
        os.umask(before)
    made = [tmp_path / "new", *(tmp_path / "new").rglob("*")]
    assert len(made) > 10
    for path in made:
        expected = (0o777 if path.is_dir() else 0o666) & ~mask
        assert path.stat().st_mode & 0o777 == expected, path


def test_a_saved_model_scores_the_same_when_loaded(
    parts: Parts, prepared: Prepared, model: CtrModel, tmp_path: Path
) -> None:
    save_bundle(tmp_path / "bundle", parts)
    loaded = load_bundle(tmp_path / "bundle")
    inputs = prepared.tables["test"].inputs
    expected = 1 / (1 + np.exp(-predict_logits(model, inputs)))
    found = 1 / (1 + np.exp(-score(loaded.model, inputs)))
    assert np.abs(expected - found).max() < 1e-5
    assert np.ptp(found) > 1e-3


def test_a_loaded_bundle_holds_what_was_saved(bundle: Bundle, parts: Parts, tmp_path: Path) -> None:
    manifest = save_bundle(tmp_path / "bundle", parts)
    loaded = load_bundle(tmp_path / "bundle")
    assert loaded.manifest == manifest
    assert loaded.config == parts.config
    assert loaded.schema == parts.schema
    assert loaded.calibrator == parts.calibrator
    assert loaded.encoder.scalers == bundle.encoder.scalers
    assert loaded.encoder.prior == bundle.encoder.prior
    assert set(loaded.encoder.vocabularies) == {"item", "platform", "advertiser"}
    for name, vocabulary in bundle.encoder.vocabularies.items():
        assert np.array_equal(loaded.encoder.vocabularies[name].values, vocabulary.values)
    assert set(loaded.snapshots) == {"item", "user", "user+item"}
    for name, snapshot in bundle.snapshots.items():
        assert len(snapshot) > 10
        for part in ("digests", "ends", "values"):
            assert np.array_equal(getattr(loaded.snapshots[name], part), getattr(snapshot, part))


def test_a_copied_bundle_predicts_the_same(
    bundle_path: Path, copy: Path, log: pl.DataFrame
) -> None:
    rows = raw_rows(log.tail(50))
    one, other = Predictor.load(bundle_path), Predictor.load(copy)
    assert one.predict(rows) == other.predict(rows)


def test_every_file_altered_by_one_byte_is_refused_naming_it(copy: Path, bundle: Bundle) -> None:
    names = list(bundle.manifest.files)
    assert len(names) >= 15
    for name in names:
        path = copy / name
        good = path.read_bytes()
        bad = bytearray(good)
        bad[len(bad) // 2] ^= 1
        path.write_bytes(bad)
        with pytest.raises(BundleError, match=f"file {name} was altered".replace("+", r"\+")):
            load_bundle(copy)
        path.write_bytes(good)
    assert load_bundle(copy).manifest == bundle.manifest


def test_every_missing_file_is_refused_naming_it(copy: Path, bundle: Bundle) -> None:
    for name in bundle.manifest.files:
        kept = (copy / name).rename(copy.parent / "kept")
        with pytest.raises(BundleError, match=f"file {name} is missing".replace("+", r"\+")):
            load_bundle(copy)
        kept.rename(copy / name)


@pytest.mark.parametrize("name", ["more.bin", "counters/more.npy", "cat_vocab/manifest.json"])
def test_an_extra_file_is_refused_naming_it(copy: Path, name: str) -> None:
    (copy / name).write_text("x")
    with pytest.raises(BundleError, match=f"does not list {name}"):
        load_bundle(copy)


@pytest.mark.parametrize("other", [1, 99])
def test_another_format_is_refused_in_a_line_that_says_what_to_do(copy: Path, other: int) -> None:
    path = copy / layout.MANIFEST
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps(manifest | {"format": other}))
    said = rf"format {other}; this version reads {layout.FORMAT}: train anew with 'clickthrough "
    with pytest.raises(BundleError, match=said) as refused:
        load_bundle(copy)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1}', "\x00"])
def test_a_broken_manifest_is_refused(copy: Path, text: str) -> None:
    (copy / layout.MANIFEST).write_text(text)
    with pytest.raises(BundleError, match=r"manifest\.json"):
        load_bundle(copy)


def test_a_place_without_a_bundle_says_so(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no such bundle"):
        load_bundle(tmp_path / "absent")
    with pytest.raises(BundleError, match="not a bundle"):
        load_bundle(tmp_path)


def _holds_a_pickle(path: Path) -> bool:
    if path.suffix == ".npy":
        return bool(np.load(path, allow_pickle=True).dtype.hasobject)
    if zipfile.is_zipfile(path):
        return True
    try:
        operations = [operation.name for operation, _, _ in pickletools.genops(path.read_bytes())]
    except ValueError:
        return False
    return "STOP" in operations


def test_no_file_of_a_bundle_is_a_pickle(bundle_path: Path, tmp_path: Path) -> None:
    files = [path for path in bundle_path.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".json", ".npy", ".onnx", ".safetensors"}
    assert [path for path in files if _holds_a_pickle(path)] == []


def test_an_array_of_objects_is_not_unpickled_even_with_a_right_checksum(copy: Path) -> None:
    name = "cat_vocab/platform.npy"
    np.save(copy / name, np.array([b"desktop", None], object), allow_pickle=True)
    assert _holds_a_pickle(copy / name)
    manifest = Manifest.model_validate_json((copy / layout.MANIFEST).read_text())
    manifest.files.update(hash_files(copy))
    (copy / layout.MANIFEST).write_text(manifest.model_dump_json())
    with pytest.raises(BundleError, match="cannot be loaded"):
        load_bundle(copy)


def test_a_bundle_is_replaced_as_a_whole(copy: Path, parts: Parts, bundle: Bundle) -> None:
    manifest = save_bundle(copy, parts)
    assert load_bundle(copy).manifest == manifest
    assert manifest.version != bundle.manifest.version
    assert [path.name for path in copy.parent.iterdir()] == ["copy"]


def test_a_bundle_that_is_in_use_outlives_its_replacement(
    copy: Path, parts: Parts, log: pl.DataFrame
) -> None:
    rows = raw_rows(log.tail(10))
    predictor = Predictor.load(copy)
    before = predictor.predict(rows)
    save_bundle(copy, parts)
    assert predictor.predict(rows) == before


def test_a_failed_replacement_leaves_the_old_bundle_and_nothing_else(
    copy: Path, parts: Parts, bundle: Bundle
) -> None:
    with pytest.raises(BundleError, match="cannot be written"):
        save_bundle(copy, replace(parts, model=copy.parent / "absent"))
    assert load_bundle(copy).manifest == bundle.manifest
    assert [path.name for path in copy.parent.iterdir()] == ["copy"]


def _file(place: Path) -> None:
    place.write_text("precious")


def _other_files(place: Path) -> None:
    place.mkdir()
    (place / "thesis.txt").write_text("precious")


def _other_manifest(place: Path) -> None:
    place.mkdir()
    (place / "manifest.json").write_text('{"name": "a web page", "precious": true}')


@pytest.mark.parametrize("make", [_file, _other_files, _other_manifest])
def test_what_is_no_bundle_is_never_replaced(
    tmp_path: Path, parts: Parts, make: Callable[[Path], None]
) -> None:
    place = tmp_path / "place"
    make(place)
    kept = place if place.is_file() else next(place.iterdir())
    with pytest.raises(BundleError, match="place"):
        save_bundle(place, parts)
    assert "precious" in kept.read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["place"]


def test_an_empty_directory_becomes_a_bundle(tmp_path: Path, parts: Parts) -> None:
    (tmp_path / "empty").mkdir()
    save_bundle(tmp_path / "empty", parts)
    assert load_bundle(tmp_path / "empty").config == parts.config
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]
