"""``clickthrough calibrate`` as a user meets it."""

import shutil
from pathlib import Path

import pytest

from clickthrough.bundle import load_bundle
from tests.test_cli import run


@pytest.fixture
def place(bundle_path: Path, tmp_path: Path) -> Path:
    return shutil.copytree(bundle_path, tmp_path / "bundle")


@pytest.mark.slow
def test_it_says_what_the_calibrator_is_and_what_it_gained(place: Path) -> None:
    done = run("calibrate", place, "--method", "none")
    assert done.returncode == 0, done.stderr
    said = "calibration: none, the model's own probabilities; validation log loss 0."
    assert said in done.stdout
    for name in ("raw", "before", "calibrated"):
        assert f" {name}" in done.stdout
    found = load_bundle(place)
    assert f"bundle {found.manifest.version} in {place}" in done.stdout
    shown = run("inspect", place)
    assert "none, the model's own probabilities" in shown.stdout
    classic = place.with_name("classic")
    assert run("export", place, "--to", "classic", "--out", classic).returncode == 0
    assert (classic / "inference.py").exists()
    evaluated = run("evaluate", place, "--no-baselines")
    assert evaluated.returncode == 0, evaluated.stderr
    assert "raw, 0." in evaluated.stdout


def test_another_place_leaves_the_bundle_as_it_was(place: Path) -> None:
    before = load_bundle(place).manifest
    out = place.with_name("out")
    done = run("calibrate", place, "--out", out, "--method", "isotonic", "--by", "platform")
    assert done.returncode == 0, done.stderr
    assert load_bundle(place).manifest == before
    assert load_bundle(out).calibrator.model_dump()["by"] == "platform"


def test_a_log_that_is_not_there_is_told(place: Path) -> None:
    done = run("calibrate", place, "--data", place / "nowhere.csv")
    assert done.returncode == 2
    assert "nowhere.csv" in done.stderr
