"""A new version at the place of the bundle takes over by itself."""

import shutil
import time
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from clickthrough.bundle import layout
from clickthrough.bundle.manifest import read_manifest
from clickthrough.serving.app import create_app
from clickthrough.serving.reload import Current
from clickthrough.serving.watch import Watch
from clickthrough.store import MemoryStore
from tests.serving.bundles import another, calibrated, edit_json, put


@pytest.fixture
def place(bundle_path: Path, tmp_path: Path) -> Path:
    return shutil.copytree(bundle_path, tmp_path / "models")


@pytest.fixture(scope="module")
def other(bundle_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return another(bundle_path, tmp_path_factory.mktemp("other") / "bundle", calibrated(0.2))


def counted(current: Current, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Count the reloads that a watch asks for."""
    asked: list[bool] = []
    own = current.reload

    def reload() -> tuple[str, str]:
        asked.append(True)
        return own()

    monkeypatch.setattr(current, "reload", reload)
    return asked


def test_a_new_version_takes_over_once(
    place: Path, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    current = Current(place, MemoryStore())
    asked = counted(current, monkeypatch)
    watch = Watch(current)
    assert [watch.look() for _ in range(3)] == [False] * 3
    put(other, place)
    assert [watch.look() for _ in range(3)] == [True, False, False]
    assert current.version == read_manifest(other).version
    shutil.rmtree(place)
    assert not watch.look()
    assert len(asked) == 1


def test_other_limits_take_over_though_they_score_alike(place: Path, tmp_path: Path) -> None:
    def limited(folder: Path) -> None:
        edit_json(folder / layout.CONFIG, {"serving": {"max_impressions": 7}})

    current = Current(place, MemoryStore())
    watch, version = Watch(current), current.version
    put(another(place, tmp_path / "limited", limited), place)
    assert [watch.look() for _ in range(2)] == [True, False]
    assert (current.version, current.settings.max_impressions) == (version, 7)


def test_a_bundle_copied_file_by_file_takes_over_when_it_is_whole(
    place: Path, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    current = Current(place, MemoryStore())
    asked = counted(current, monkeypatch)
    watch = Watch(current)
    watch.look()
    late = shutil.copytree(other, place.with_name("late"))
    shutil.rmtree(place)
    late.rename(place)
    whole = (place / layout.CALIBRATOR).read_bytes()
    (place / layout.CALIBRATOR).unlink()
    assert [watch.look() for _ in range(3)] == [False] * 3
    assert len(asked) == 1  # what was refused is not read again before it changes
    assert current.refused is not None
    assert "calibrator.json is missing" in current.refused
    (place / layout.CALIBRATOR).write_bytes(whole)
    assert watch.look()
    assert current.refused is None


def test_a_link_that_is_turned_to_another_bundle_is_seen(
    bundle_path: Path, other: Path, tmp_path: Path
) -> None:
    link = tmp_path / "link"
    link.symlink_to(bundle_path)
    current = Current(link, MemoryStore())
    watch = Watch(current)
    assert not watch.look()
    (tmp_path / "new").symlink_to(other)
    (tmp_path / "new").replace(link)
    assert watch.look()
    assert current.version == read_manifest(other).version


def test_a_service_watches(place: Path, other: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CTR_WATCH", "0.02")
    with TestClient(create_app(place, "memory")) as client:
        put(other, place)
        deadline = time.monotonic() + 60
        while client.get("/health").json()["version"] != read_manifest(other).version:
            assert time.monotonic() < deadline
            time.sleep(0.02)
