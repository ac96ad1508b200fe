"""Every home answers as the bundle does, is whole or not there, and says what it is."""

import json
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clickthrough import Predictor
from clickthrough.bundle import Bundle, load_bundle
from clickthrough.calibration.sliced import Sliced
from clickthrough.config.data import TabularData
from clickthrough.errors import BundleError
from clickthrough.export.example import raw_example
from clickthrough.export.homes import HOMES
from clickthrough.export.run import export_bundle
from tests.conftest import ROOT
from tests.export.asking import WAYS, Rows, list_separators
from tests.logs import make_log, raw_rows
from tests.serving.rich import Trained

ROWS, RICH_ROWS, BODY = 10_000, 1_000, 50


def odd_rows(seed: int = 9) -> Rows:
    """Return requests of a later log, in which values are missing and others were never seen."""
    return _made_odd(raw_rows(make_log(seed, requests=ROWS // 5)), seed)


def _made_odd(rows: Rows, seed: int) -> Rows:
    rng = np.random.default_rng(seed)
    for row, kind in zip(rows, rng.integers(0, 8, len(rows)).tolist(), strict=True):
        if kind == 0:
            row.update(ad=987_654, advertiser="nobody that was seen: لا أحد")
        elif kind == 1:
            row.update(uuid="a stranger 🦉", platform="watch")
        elif kind == 2:
            del row["price"], row["platform"]
        elif kind == 3:
            row.update(ad=None, uuid=None, advertiser=None)
        elif kind == 4:
            row.update(price=1e12)
    made: Rows = json.loads(json.dumps(rows))
    return made


def varied_rows(trained: Trained, seed: int = 9) -> Rows:
    """Return such requests of that log, lists as JSON has them, some with holes or too long."""
    lists = list_separators(trained.bundle)
    rows = raw_rows(trained.log.tail(RICH_ROWS))
    for place, row in enumerate(rows):
        for name in lists:
            entries = row[name].split(lists[name]) if row[name] else None
            row[name] = [*entries, None, entries[0]] * 2 if entries and place % 9 == 0 else entries
        row["topics"] = row["topics"] and [*row["topics"], 'é, "ü"']
    return _made_odd(rows, seed)


@dataclass(frozen=True)
class Case:
    """A bundle, all its exports, and what it says of requests."""

    bundle: Bundle
    predictor: Predictor
    folder: Path
    asked: list[tuple[Rows, Any]]


@pytest.fixture(scope="module", params=["plain", "varied"])
def case(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Case]:
    if request.param == "plain":
        made, rows = request.getfixturevalue("bundle"), odd_rows()
    else:
        trained = request.getfixturevalue("varied")
        made, rows = trained.bundle, varied_rows(trained)
    folder, predictor = tmp_path_factory.mktemp(request.param), Predictor.load(made.path)
    for home in HOMES.values():
        export_bundle(made, home, folder / home.name)
    bodies = [rows[start : start + BODY] for start in range(0, len(rows), BODY)]
    said = [predictor.predict(body).predictions for body in bodies]
    assert len(rows) == (ROWS if request.param == "plain" else RICH_ROWS)
    assert sum(bool(one.missing) for own in said for one in own) > len(rows) / 10
    assert sum(bool(one.unseen) for own in said for one in own) > len(rows) / 10
    found = [[one.probability for one in own] for own in said]
    yield Case(made, predictor, folder, list(zip(bodies, found, strict=True)))
    predictor.close()


@pytest.fixture(scope="module")
def exports(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exports")
    for home in HOMES.values():
        export_bundle(bundle, home, folder / home.name)
    return folder


@pytest.mark.parametrize("way", WAYS)
def test_raw_fields_give_the_probability_that_the_bundle_gives(
    way: str, case: Case, tmp_path: Path
) -> None:
    home, make = WAYS[way]
    ask = make(case.folder / home, case.predictor, tmp_path)
    found = np.concatenate([ask(body) for body, _ in case.asked])
    expected = np.concatenate([own for _, own in case.asked])
    assert np.ptp(expected) > 0.3
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 1e-6


def test_the_varied_bundle_is_of_all_that_makes_homes_differ(varied: Trained) -> None:
    bundle, rows = varied.bundle, varied_rows(varied)
    assert isinstance(bundle.calibrator, Sliced)
    assert len(bundle.calibrator.slices) > 1
    assert {column.source for column in bundle.plan.ids} == {"field", "hashed", "hour", "weekday"}
    assert {bag.is_sequence for bag in bundle.plan.bags} == {True, False}
    assert any(bag.weights for bag in bundle.plan.bags)
    assert all(any(row.get(name) for row in rows) for name in ("topics", "shares", "numbers"))
    platforms = bundle.encoder.vocabularies["platform"].values.tolist()
    assert sum(len(value) > len(value.decode("utf-8", "replace")) for value in platforms) == 2


def test_each_home_has_a_way_to_be_asked() -> None:
    assert {home for home, _ in WAYS.values()} == set(HOMES)


@pytest.mark.parametrize("name", HOMES)
def test_an_export_says_what_it_is_and_which_files_it_has(
    name: str, bundle: Bundle, exports: Path, tmp_path: Path
) -> None:
    found = {path.name for path in (exports / name).iterdir()}
    assert {"README.md", "export.json"} < found
    example = None if HOMES[name].takes_columns else raw_example(bundle, odd_rows()[:20])
    export_bundle(bundle, HOMES[name], tmp_path / "with", example)
    both = {path.name for path in (tmp_path / "with").iterdir()}
    assert both - found == (set() if example is None else {"example.jsonl"})
    for folder in (exports / name, tmp_path / "with"):
        said = json.loads((folder / "export.json").read_text())
        assert (said["home"], said["bundle"]) == (name, bundle.manifest.version)
        files = [path for path in folder.rglob("*") if path.is_file()]
        below = {path.relative_to(folder).as_posix() for path in files}
        assert {*said["files"], "export.json"} == below


def contents(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield what a file holds, and what every file in it does if it is an archive."""
    yield path.name, path.read_bytes()
    if path.name.endswith(".tar.gz"):
        with tarfile.open(path) as archive:
            for entry in (one for one in archive.getmembers() if one.isfile()):
                held = archive.extractfile(entry)
                assert held is not None
                yield Path(entry.name).name, held.read()
    if path.suffix == ".mar":
        with zipfile.ZipFile(path) as packed:
            yield from ((Path(name).name, packed.read(name)) for name in packed.namelist())


@pytest.mark.parametrize("name", HOMES)
def test_equal_bundles_make_equal_files(
    name: str, bundle: Bundle, exports: Path, tmp_path: Path
) -> None:
    export_bundle(bundle, HOMES[name], tmp_path / "again")
    for path in (file for file in (exports / name).rglob("*") if file.is_file()):
        own = path.relative_to(exports / name)
        assert (tmp_path / "again" / own).read_bytes() == path.read_bytes(), own


def of_this_machine(folder: Path, places: Sequence[Path]) -> set[str]:
    """Return the names of the files that name one of these places."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    held = [one for path in files for one in contents(path)]
    return {name for name, content in held if any(str(p).encode() in content for p in places)}


@pytest.mark.parametrize("name", HOMES)
def test_no_file_names_a_place_of_this_machine(name: str, bundle: Bundle, exports: Path) -> None:
    places = [ROOT, bundle.path, exports]
    log = {"config.json"}  # where the log lay, which the bundle says itself
    assert of_this_machine(exports / name, places) <= log


@pytest.mark.parametrize("name", ["triton", "sagemaker", "torchserve"])
def test_the_check_sees_a_place_in_every_kind_of_archive(
    name: str, bundle: Bundle, exports: Path
) -> None:
    assert isinstance(bundle.config.data, TabularData)
    assert of_this_machine(exports / name, bundle.config.data.paths) == {"config.json"}


@pytest.mark.parametrize("name", HOMES)
def test_nothing_else_is_ever_replaced(name: str, bundle: Bundle, tmp_path: Path) -> None:
    home = HOMES[name]
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(BundleError, match=r"holds thesis\.txt, and no export\.json of an export"):
        export_bundle(bundle, home, tmp_path, force=True)
    with pytest.raises(BundleError, match="is a file"):
        export_bundle(bundle, home, tmp_path / "thesis.txt", force=True)
    for below in (".", "below", "below/deeper"):
        with pytest.raises(BundleError, match="lies in the bundle"):
            export_bundle(bundle, home, bundle.path / below, force=True)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    assert load_bundle(bundle.path).manifest == bundle.manifest


@pytest.mark.parametrize("name", HOMES)
def test_an_export_is_replaced_as_a_whole_or_not(
    name: str, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, target = HOMES[name], tmp_path / "place"
    target.mkdir()  # an empty directory is a place
    export_bundle(bundle, home, target)
    with pytest.raises(BundleError, match="holds an export already"):
        export_bundle(bundle, home, target)

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    before = sorted(target.rglob("*"))
    with monkeypatch.context() as patched, pytest.raises(BundleError, match="no space left"):
        patched.setattr(Path, "write_text", full)
        export_bundle(bundle, home, target, force=True)
    assert sorted(target.rglob("*")) == before
    assert [path.name for path in tmp_path.iterdir()] == ["place"]
    export_bundle(bundle, home, target, force=True)
