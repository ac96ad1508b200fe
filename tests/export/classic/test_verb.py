"""The verb ``export`` of the command line."""

from pathlib import Path

import numpy as np
import pytest

from clickthrough.errors import DataError
from clickthrough.export.classic import inference
from tests.export.made import Exported, alone, run


def test_the_verb_writes_files_that_score(
    rich: Exported,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "classic"
    assert run(monkeypatch, rich.bundle.path, "--to", "classic", "--out", out) == 0
    assert rich.bundle.manifest.version in capsys.readouterr().out
    np.testing.assert_allclose(alone(out), rich.example.probabilities, rtol=0, atol=1e-6)
    assert run(monkeypatch, rich.bundle.path, "--to", "classic", "--out", out) == 2
    assert "--force" in capsys.readouterr().err
    assert (
        run(
            monkeypatch,
            rich.bundle.path,
            "--to",
            "classic",
            "--out",
            out,
            "--force",
            "--no-example",
        )
        == 0
    )
    assert not (out / "example.jsonl").exists()


def test_the_verb_asks_for_a_place(
    rich: Exported, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, rich.bundle.path) == 2
    assert "Missing option '--to'" in capsys.readouterr().err


def test_the_verb_leaves_the_example_out_where_the_log_is_not_at_hand(
    rich: Exported,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "classic"
    assert (
        run(
            monkeypatch,
            rich.bundle.path,
            "--to",
            "classic",
            "--out",
            out,
            "--data",
            tmp_path / "no",
        )
        == 2
    )
    assert not out.exists()

    def absent(*_: object) -> None:
        raise DataError("log.csv: no such file")

    monkeypatch.setattr("clickthrough.bundle.log.open_dataset", absent)
    assert run(monkeypatch, rich.bundle.path, "--to", "classic", "--out", out) == 0
    assert "no example.jsonl (--data names the log): log.csv: no such" in capsys.readouterr().out
    assert not (out / "example.jsonl").exists()
    assert inference.load_files(out).model == rich.files.model
