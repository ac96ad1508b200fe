"""The verb ``export``: one clear line for what cannot be, and nothing half written."""

from dataclasses import replace
from pathlib import Path

import pytest

from clickthrough.bundle import Bundle
from clickthrough.config.model import LightGbm
from clickthrough.errors import BundleError
from clickthrough.export.homes import HOMES
from clickthrough.export.run import export_bundle
from tests.export.made import run
from tests.models.families import settings


@pytest.mark.parametrize("name", HOMES)
def test_every_home_is_written_beside_by_default(
    name: str,
    bundle_path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, bundle_path, "--to", name) == 0
    assert f"in exported/{name}; {HOMES[name].then[:10]}" in " ".join(
        capsys.readouterr().out.split()
    )
    assert (tmp_path / "exported" / name / "example.jsonl").stat().st_size > 1_000


def test_a_home_that_there_is_not_is_named(
    bundle_path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, bundle_path, "--to", "tritn") == 2
    assert "unknown home 'tritn'; did you mean 'triton'?" in " ".join(
        capsys.readouterr().err.split()
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("model", [LightGbm(), settings("dcn_v2")])
def test_a_family_that_a_home_cannot_hold_leaves_nothing(
    model: object, bundle: Bundle, tmp_path: Path
) -> None:
    other = replace(bundle, config=bundle.config.model_copy(update={"model": model}))
    with pytest.raises(BundleError):
        export_bundle(other, HOMES["classic"], tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
