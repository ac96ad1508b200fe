"""Runs are kept, none is lost, and they are listed and compared."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from subprocess import CompletedProcess

import pytest
import yaml

from clickthrough.bundle import Bundle
from clickthrough.cli.keeping import keep
from clickthrough.errors import ClickthroughError
from clickthrough.runs.keep import keep_run
from clickthrough.runs.show import compared, kept_runs, listed, read_run
from tests.cli.process import run
from tests.logs import make_values


def test_a_run_keeps_what_it_was_and_what_it_came_to(bundle: Bundle, tmp_path: Path) -> None:
    folder = keep_run(bundle, tmp_path / "deep" / "runs")
    assert folder.name.endswith(f"-{bundle.manifest.version}")
    assert json.loads((folder / "metrics.json").read_text()) == bundle.metrics
    assert yaml.safe_load((folder / "config.yaml").read_text())["model"]["name"] == "mlp"
    assert json.loads((folder / "manifest.json").read_text())["version"] == bundle.manifest.version


def test_no_run_takes_the_place_of_another(bundle: Bundle, tmp_path: Path) -> None:
    folders = [keep_run(bundle, tmp_path) for _ in range(3)]
    assert len({*folders}) == 3
    assert [one.folder for one in kept_runs(tmp_path)[0]] == sorted(folders)


def test_a_run_is_a_configuration_that_trains_again(bundle: Bundle, tmp_path: Path) -> None:
    from clickthrough.config.load import load_config

    folder = keep_run(bundle, tmp_path)
    again = load_config(str(folder / "config.yaml"))
    assert again.features == bundle.config.features
    assert again.model == bundle.config.model


def test_runs_are_listed_and_compared(bundle: Bundle, tmp_path: Path) -> None:
    model = bundle.config.model.model_copy(update={"embedding_dim": 9})
    other = replace(bundle, config=bundle.config.model_copy(update={"model": model}))
    keep_run(bundle, tmp_path / "runs")
    keep_run(other, tmp_path / "runs")
    found, _ = kept_runs(tmp_path / "runs")
    assert listed(found).row_count == 2
    figures, settings = compared(found)
    assert figures.row_count >= 4
    assert list(settings.columns[0].cells) == ["model.embedding_dim"]
    assert [list(column.cells) for column in settings.columns[1:]] == [["4"], ["9"]]
    told = run("runs", folder=tmp_path)
    assert told.stdout.count(bundle.manifest.version) == 2
    told = run("runs", *(one.name for one in found), folder=tmp_path)
    assert "model.embedding_dim" in told.stdout


def test_other_directories_are_passed_over(bundle: Bundle, tmp_path: Path) -> None:
    folder = keep_run(bundle, tmp_path)
    (tmp_path / "notes").mkdir()
    (tmp_path / "20240101-000000-half").mkdir()
    shutil.copytree(folder, tmp_path / "copy")
    assert [one.folder for one in kept_runs(tmp_path)[0]] == [folder]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "runs: no such directory; 'clickthrough train' makes it"),
        (("a",), "expected two runs or more to compare, found one: a"),
        (("a", "b"), "runs/a: no run; 'clickthrough runs' lists those that there are"),
    ],
)
def test_what_is_not_there_is_said_in_a_line(
    arguments: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    done = run("runs", *arguments, folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr.strip() == f"error: {said}"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("metrics.json", "{"),
        ("metrics.json", "[]"),
        ("config.yaml", "a: ["),
        ("config.yaml", "1"),
        ("config.yaml", "{}"),
    ],
)
def test_what_cannot_be_read_is_named(bundle: Bundle, tmp_path: Path, name: str, text: str) -> None:
    folder = keep_run(bundle, tmp_path)
    (folder / name).write_text(text)
    with pytest.raises(ClickthroughError, match=folder.name):
        read_run(folder)


def test_one_that_is_damaged_does_not_hide_the_others(bundle: Bundle, tmp_path: Path) -> None:
    whole, torn = (keep_run(bundle, tmp_path / "runs") for _ in range(2))
    (torn / "metrics.json").write_text("{")
    done = run("runs", folder=tmp_path)
    assert done.returncode == 0
    assert whole.name in done.stdout
    assert torn.name in done.stderr
    (torn / "metrics.json").write_text('{"test": null}')
    assert listed(kept_runs(tmp_path / "runs")[0]).row_count == 2


def trained(config: dict[str, object], folder: Path, *more: str) -> CompletedProcess[str]:
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config))
    return run("train", path, "--no-baselines", *more, folder=folder)


@pytest.mark.slow
def test_where_runs_are_kept_is_no_place_for_a_bundle(log_folder: Path, tmp_path: Path) -> None:
    done = trained(make_values(log_folder, epochs=1), tmp_path, "--out", "runs")
    assert done.returncode == 2
    assert "error: runs: runs are kept there" in done.stderr
    (tmp_path / "runs").touch()
    done = trained(make_values(log_folder, epochs=1), tmp_path)
    assert (done.returncode, (tmp_path / "models").exists()) == (2, False)
    assert "is a file; runs are kept in a directory of that name" in done.stderr


def test_a_bundle_is_worth_more_than_its_run(
    bundle_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = shutil.copytree(bundle_path, tmp_path / "models")
    (tmp_path / "runs").touch()
    keep(out, report=True)
    told = " ".join(capsys.readouterr().err.split())
    assert "but not all of its run is kept" in told
