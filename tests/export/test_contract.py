"""Every home answers as the bundle does, is whole or not there, and says what it is."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clickthrough import Predictor
from clickthrough.bundle import Bundle, load_bundle
from clickthrough.errors import BundleError
from clickthrough.export.example import raw_example
from clickthrough.export.homes import HOMES
from clickthrough.export.run import export_bundle
from tests.conftest import ROOT
from tests.export.asking import WAYS, Rows
from tests.logs import make_log, raw_rows

ROWS, BODY = 10_000, 50


def odd_rows(seed: int = 9) -> Rows:
    """Return requests of a later log, in which values are missing and others were never seen."""
    rng = np.random.default_rng(seed)
    rows = raw_rows(make_log(seed, requests=ROWS // 5))
    for row, kind in zip(rows, rng.integers(0, 8, len(rows)).tolist(), strict=True):
        if kind == 0:
            row.update(ad=987_654, advertiser="nobody that was seen")
        elif kind == 1:
            row.update(uuid="a stranger", platform="watch")
        elif kind == 2:
            del row["price"], row["platform"]
        elif kind == 3:
            row.update(ad=None, uuid=None, advertiser=None)
        elif kind == 4:
            row.update(price=1e12)
    made: Rows = json.loads(json.dumps(rows))
    return made


@pytest.fixture(scope="module")
def predictor(bundle: Bundle) -> Iterator[Predictor]:
    made = Predictor.load(bundle.path)
    yield made
    made.close()


@pytest.fixture(scope="module")
def exports(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exports")
    for home in HOMES.values():
        export_bundle(bundle, home, folder / home.name)
    return folder


@pytest.fixture(scope="module")
def asked(predictor: Predictor) -> list[tuple[Rows, Any]]:
    rows = odd_rows()
    bodies = [rows[start : start + BODY] for start in range(0, ROWS, BODY)]
    said = [predictor.predict(body).predictions for body in bodies]
    assert sum(len(body) for body in bodies) == ROWS
    assert sum(bool(one.missing) for own in said for one in own) > 1_000
    assert sum(bool(one.unseen) for own in said for one in own) > 1_000
    return [(b, [one.probability for one in own]) for b, own in zip(bodies, said, strict=True)]


@pytest.mark.parametrize("way", WAYS)
def test_raw_fields_give_the_probability_that_the_bundle_gives(
    way: str,
    exports: Path,
    predictor: Predictor,
    asked: list[tuple[Rows, Any]],
    tmp_path: Path,
) -> None:
    home, make = WAYS[way]
    ask = make(exports / home, predictor, tmp_path)
    found = np.concatenate([ask(body) for body, _ in asked])
    expected = np.concatenate([own for _, own in asked])
    assert np.ptp(expected) > 0.3
    assert found.shape == (ROWS,)
    assert np.abs(found - expected).max() < 1e-6


def test_each_home_has_a_way_to_be_asked() -> None:
    assert {home for home, _ in WAYS.values()} == set(HOMES)


@pytest.mark.parametrize("name", HOMES)
def test_a_home_writes_the_files_that_it_names(
    name: str, bundle: Bundle, exports: Path, tmp_path: Path
) -> None:
    found = {path.name for path in (exports / name).iterdir()}
    assert found <= HOMES[name].files
    example = None if HOMES[name].takes_columns else raw_example(bundle, odd_rows()[:20])
    export_bundle(bundle, HOMES[name], tmp_path / "with", example)
    both = {path.name for path in (tmp_path / "with").iterdir()}
    assert both - found == (set() if example is None else {"example.jsonl"})


@pytest.mark.parametrize("name", HOMES)
def test_equal_bundles_make_equal_files(
    name: str, bundle: Bundle, exports: Path, tmp_path: Path
) -> None:
    export_bundle(bundle, HOMES[name], tmp_path / "again")
    for path in (file for file in (exports / name).rglob("*") if file.is_file()):
        own = path.relative_to(exports / name)
        content = path.read_bytes()
        assert (tmp_path / "again" / own).read_bytes() == content, own
        assert str(ROOT).encode() not in content or own.name == "config.json", own


@pytest.mark.parametrize("name", HOMES)
def test_nothing_else_is_ever_replaced(name: str, bundle: Bundle, tmp_path: Path) -> None:
    home = HOMES[name]
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(BundleError, match=r"holds thesis\.txt, no file of an export"):
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
