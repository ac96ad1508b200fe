"""The verb and the function, with training: small, but real."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml
from optuna.trial import TrialState
from safetensors.torch import load_file

from clickthrough.bundle import layout
from clickthrough.config.load import load_config, parse_config
from clickthrough.config.root import Config
from clickthrough.data.open import open_dataset
from clickthrough.errors import ConfigError
from clickthrough.steps import listening
from clickthrough.training.fit import fit
from clickthrough.training.prepare import prepare
from clickthrough.training.run import train
from clickthrough.tuning import tune
from clickthrough.tuning.objective import WEIGHTS, digest_of, digest_of_weights, latest
from clickthrough.tuning.report import as_yaml
from clickthrough.tuning.result import Tuned
from tests.cli.process import run
from tests.conftest import ROOT
from tests.logs import make_log, make_values, write_log

pytestmark = pytest.mark.slow

SPACE: dict[str, Any] = {
    "default": False,
    "space": {
        "model.name": {"choices": ["mlp", "lightgbm"]},
        "model.mlp.dropout": {"low": 0.0, "high": 0.4},
        "model.lightgbm.leaves": {"low": 4, "high": 12},
        "training.learning_rate": {"low": 1e-3, "high": 1e-1, "log": True},
    },
    "drop": ["counter(user)"],
    "startup": 2,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("small")
    write_log(made, make_log(requests=400))
    return made


def values_of(folder: Path, **section: object) -> dict[str, Any]:
    values = make_values(folder, epochs=2) | {"tune": SPACE | section}
    return values | {"model": {"name": "mlp", "hidden": [8], "embedding_dim": 4}}


@pytest.fixture(scope="module")
def config(folder: Path) -> Config:
    return parse_config(values_of(folder), "test")


@pytest.fixture(scope="module")
def tuned(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Tuned:
    return tune(config, trials=6, workers=2, out=tmp_path_factory.mktemp("tuned") / "study")


def test_a_study_ends_with_the_trials_that_were_asked_for(tuned: Tuned) -> None:
    assert len(tuned.trials) == 6
    first = tuned.study.trials[0]
    assert first.params["model.name"] == "mlp"  # the configuration's own values
    assert first.params["counter(user)"] == "on"
    assert first.params["training.learning_rate"] == 0.01
    assert tuned.best is not None
    complete = [trial for trial in tuned.trials if trial.state == TrialState.COMPLETE]
    assert tuned.best.values == min(trial.values for trial in complete)


def test_best_yaml_trains_to_the_same_weights(tuned: Tuned, tmp_path: Path) -> None:
    kinds: dict[tuple[Any, Any], Any] = {}
    for trial in tuned.trials:
        if trial.state == TrialState.COMPLETE:
            kinds[trial.params["model.name"], trial.params["counter(user)"]] = trial
    for trial in kinds.values():
        (tmp_path / "trial.yaml").write_text(yaml.safe_dump(tuned.values_of(trial)))
        config = load_config(tmp_path / "trial.yaml")
        fitted = fit(prepare(open_dataset(config.data), config, "live"), config)
        assert fitted is not None
        assert digest_of(fitted) == trial.user_attrs[WEIGHTS]
    assert len(kinds) > 1


def test_train_takes_best_yaml_as_it_stands(tuned: Tuned, tmp_path: Path) -> None:
    assert tuned.written[0] == "best.yaml"
    assert tuned.best is not None
    assert load_config(tuned.out / "best.yaml") == tuned.config_of(tuned.best)
    nets = [trial for trial in tuned.trials if trial.params.get("model.name") == "mlp"]
    (tmp_path / "best.yaml").write_text(as_yaml(tuned, nets[0]))
    train(load_config(tmp_path / "best.yaml"), tmp_path / "models", baselines=False)
    weights = load_file(tmp_path / "models" / layout.WEIGHTS)
    assert digest_of_weights(weights) == nets[0].user_attrs[WEIGHTS]
    kept = json.loads((tmp_path / "models" / layout.CONFIG).read_text())
    assert "tune" not in kept  # a bundle is no study


def test_a_study_goes_on_and_one_of_something_else_is_refused(
    tuned: Tuned, config: Config, folder: Path
) -> None:
    said = list[str]()
    with listening(lambda step: said.append(step.text)):
        more = tune(config, trials=7, workers=1, out=tuned.out)
    assert [t.number for t in more.trials] == list(range(7))
    assert not any("encoding" in text for text in said)  # data were prepared before
    assert any(text.startswith("tuning: best log_loss 0.") for text in said)
    other = parse_config(values_of(folder, startup=3), "test")
    with pytest.raises(ConfigError, match="is of another log or configuration; name another"):
        tune(other, trials=1, out=tuned.out)


def test_the_report_holds_every_trial_and_pictures(tuned: Tuned) -> None:
    pytest.importorskip("matplotlib")
    assert {"best.yaml", "trials.csv", "history.png", "slices.png"} <= set(tuned.written)
    for name in tuned.written:
        assert (tuned.out / name).stat().st_size > 300
    rows = list(csv.DictReader((tuned.out / "trials.csv").open()))
    assert [int(row["trial"]) for row in rows] == list(range(len(rows)))
    assert len(rows) >= 6
    assert {row["state"] for row in rows} <= {"complete", "pruned", "fail"}


def test_quality_against_milliseconds_is_a_front(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    values = values_of(folder, metric=["auc", "ms_100"], space={}, default=True)
    config = parse_config(values | {"model": "lightgbm"}, "test")  # its graph is soon written
    tuned = tune(config, trials=2, out=tmp_path / "front")
    pictures = {"front.png", "history-auc.png", "history-ms_100.png"}
    assert {"front/", *pictures} <= set(tuned.written)
    assert len(list((tuned.out / "front").iterdir())) == len(tuned.front) >= 1
    best = tuned.best
    assert best is not None
    assert best.values[0] == max(trial.values[0] for trial in tuned.trials)
    assert load_config(tuned.out / "best.yaml").training.monitor == "auc"


@pytest.mark.parametrize("pruning", ["epochs", "days"])
def test_trials_are_halved_successively(folder: Path, tmp_path: Path, pruning: str) -> None:
    space = {"training.learning_rate": {"choices": [0.01, 1e-7]}}
    section = {"space": space, "drop": [], "pruning": pruning}
    values = values_of(folder, **section)
    values["training"]["epochs"] = 4
    tuned = tune(parse_config(values, "test"), trials=8, out=tmp_path / "halved")
    pruned = [trial for trial in tuned.trials if trial.state == TrialState.PRUNED]
    assert pruned
    assert len(pruned) < 8
    steps = [list(trial.intermediate_values) for trial in tuned.trials]
    known = {1, 3} if pruning == "days" else {1, 2, 3, 4}
    assert all(set(own) <= known for own in steps)


def test_the_latest_share_of_a_part_is_whole_requests(config: Config) -> None:
    table = prepare(open_dataset(config.data), config, "live").tables["train"]
    some = latest(table, 1 / 3)
    assert abs(len(some.offsets) - 1 - (len(table.offsets) - 1) / 3) <= 1
    np.testing.assert_array_equal(some.labels, table.labels[-len(some) :])
    assert some.offsets[0] == 0
    assert some.offsets[-1] == len(some)


def test_what_goes_wrong_is_one_line_before_any_work(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    for change, said in (
        ({"space": {"training.lerning_rate": {"low": 1, "high": 2}}}, "did you mean 'learning_r"),
        ({"metric": "request_auc"}, "request_auc needs requests, and data.roles names no"),
        ({"space": {}, "drop": []}, "nothing is left to search"),
    ):
        values = values_of(folder, **change)
        if "metric" in change:
            del values["data"]["roles"]["request_id"]
        path.write_text(yaml.safe_dump(values))
        with pytest.raises(ConfigError, match=said):
            tune(path, out=tmp_path / "tuning")
        assert not (tmp_path / "tuning").exists()
    log = make_log(requests=400).with_columns(
        clicked=pl.col("clicked") * (pl.int_range(pl.len()) < 1_200)
    )
    write_log(tmp_path, log)
    with pytest.raises(ConfigError, match="auc says nothing of this validation part"):
        tune(parse_config(values_of(tmp_path, metric="auc"), "test"), out=tmp_path / "tuning")
    assert not (tmp_path / "tuning").exists()
    done = run("tune", path, folder=tmp_path)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr


def test_ctrl_c_ends_cleanly_and_the_next_call_goes_on(folder: Path, tmp_path: Path) -> None:
    values = values_of(folder, space={"training.learning_rate": {"low": 1e-3, "high": 1e-2}})
    values["training"]["epochs"] = 8
    values["training"]["patience"] = 8
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(values))
    command = [sys.executable, "-m", "clickthrough", "tune", "config.yaml", "--workers", "2"]
    process = subprocess.Popen(
        [*command, "--trials", "2"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )
    journal, end = tmp_path / "tuning" / "study.journal", time.monotonic() + 60
    while not journal.exists() or '"intermediate_value"' not in journal.read_text():
        assert time.monotonic() < end
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130
    assert process.stderr is not None
    assert process.stderr.read().splitlines() == ["interrupted"]
    tuned = tune(tmp_path / "config.yaml", trials=2, out=tmp_path / "tuning")
    assert [trial.state for trial in tuned.trials] == [TrialState.COMPLETE] * 2
    assert not tuned.study.get_trials(states=(TrialState.RUNNING, TrialState.WAITING))


def test_trials_that_cannot_be_run_say_why(folder: Path, tmp_path: Path) -> None:
    space = {"model.mlp.distill": {"choices": [0.0, 0.5]}}
    tuned = tune(
        parse_config(values_of(folder, space=space, drop=[]), "test"),
        trials=4,
        out=tmp_path / "study",
    )
    failed = [trial for trial in tuned.trials if trial.state == TrialState.FAIL]
    assert len(tuned.errors) == len(failed) >= 1
    assert "distill: members learn from each other" in tuned.errors[0]


def test_the_command_line_starts_without_optuna() -> None:
    said = "import sys, clickthrough.cli; print({'optuna', 'sqlalchemy'} & {*sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", said], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout == "set()\n"
