"""What a run tells: a line an epoch and a baseline, to orchestrators too; what is next."""

import inspect
import json
import re
from pathlib import Path

import pytest

from clickthrough.cli import app
from clickthrough.steps import happened, reading
from tests.cli.process import run
from tests.logs import make_values

VERBS = {
    command.callback.__name__: command.callback
    for command in app.registered_commands
    if command.callback
}


@pytest.fixture
def config(log_folder: Path, tmp_path: Path) -> Path:
    import yaml

    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(make_values(log_folder, epochs=2)))
    return path


@pytest.mark.slow
def test_each_epoch_and_each_baseline_is_a_line_without_a_terminal(
    config: Path, tmp_path: Path
) -> None:
    told = run("train", config, folder=tmp_path).stdout
    epochs = re.findall(
        r"^epoch (\d): loss \d\.\d{4}, validation log loss \d\.\d{4}, \d+\.\d s$", told, re.M
    )
    assert epochs == ["1", "2"]
    assert re.findall(r"^(.*) fitted: \d+\.\d s$", told, re.M) == [
        "logistic regression",
        "LightGBM",
    ]
    assert re.search(r"^the run is kept in runs/\d{8}-\d{6}-\w+$", told, re.M)
    assert told.splitlines()[-1].startswith("next: clickthrough serve models")


@pytest.mark.slow
def test_quiet_tells_results_alone(config: Path, tmp_path: Path) -> None:
    told = run("-q", "train", config, "--no-baselines", folder=tmp_path).stdout
    assert "epoch" not in told
    assert "next:" not in told
    assert "bundle " in told


@pytest.mark.slow
def test_an_orchestrator_reads_json_lines(config: Path, tmp_path: Path) -> None:
    done = run("train", config, "--no-baselines", folder=tmp_path, environment={"CTR_LOG": "json"})
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    epochs = [line for line in lines if "epoch" in line]
    assert [line["epoch"] for line in epochs] == [1, 2]
    for line in epochs:
        assert {"time", "level", "message", "loss", "monitor", "validation", "seconds"} <= set(line)
        assert 0 < line["validation"] < 2


def test_readers_are_told_while_they_read() -> None:
    found: list[str] = []
    with reading(found.append):
        happened("one", fact=1)
    happened("two")
    assert found == ["one"]


@pytest.mark.parametrize("verb", sorted({*VERBS} - {"serve"}))
def test_every_verb_ends_with_what_to_do_next(verb: str) -> None:
    assert re.search(r"\bthen(_serve)?\(", inspect.getsource(VERBS[verb]))
