"""The verb ``export``: one clear line for what cannot be, and nothing half written."""

from pathlib import Path

import pytest

from clickthrough.config.load import parse_config
from clickthrough.export.homes import HOMES
from tests.export.made import run, train_bundle
from tests.logs import make_values


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
    told = " ".join(capsys.readouterr().out.split())
    assert f"in exported/{name} next: {HOMES[name].then[:10]}" in told
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


@pytest.mark.parametrize(
    ("family", "said"),
    [({"name": "lightgbm", "rounds": 5}, "bundle: 'lightgbm' is a graph alone; expected a network"),
     ({"name": "dcn_v2", "hidden": [4], "embedding_dim": 4}, "of the families mlp and wide_deep")],
    ids=["lightgbm", "dcn_v2"],
)  # fmt: skip
def test_a_family_that_a_home_cannot_hold_leaves_nothing(
    family: dict[str, object],
    said: str,
    log_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    values = make_values(log_folder, epochs=1) | {"model": family}
    other = train_bundle(parse_config(values, "test"), tmp_path)
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    assert run(monkeypatch, other.path, "--to", "classic", "--no-example") == 2
    told = capsys.readouterr().err
    assert said in " ".join(told.split())
    assert "Traceback" not in told
    assert ".writing" not in told
    assert list((tmp_path / "exported").iterdir()) == []
    assert run(monkeypatch, other.path, "--to", "onnx", "--no-example") == 0
