"""Options of the command itself: how much is said, the version, help."""

import json
import re
from pathlib import Path

import polars as pl
import pytest
import yaml

from clickthrough import __version__
from clickthrough.cli import app
from tests.cli.process import run
from tests.logs import make_values, raw_rows, write_log

VERBS = [command.callback.__name__ for command in app.registered_commands if command.callback]


def test_the_version_is_one_line(tmp_path: Path) -> None:
    assert run("--version", folder=tmp_path).stdout == f"clickthrough {__version__}\n"


def test_help_lists_verbs_on_the_way_of_the_data(tmp_path: Path) -> None:
    assert len(VERBS) == 19
    told = run("-h", folder=tmp_path).stdout
    places = [re.search(rf"^│ {verb} ", told, re.MULTILINE) for verb in VERBS]
    assert all(places)
    assert VERBS[0] == "init"


@pytest.mark.parametrize("verb", ["init", "train", "serve", "export"])
def test_every_verb_takes_the_short_form_of_help(verb: str, tmp_path: Path) -> None:
    short, long = (run(verb, form, folder=tmp_path) for form in ("-h", "--help"))
    assert short.returncode == 0
    assert short.stdout == long.stdout
    assert f"clickthrough {verb}" in short.stdout.replace("-c ", "clickthrough ")


@pytest.fixture
def rows(tmp_path: Path, log: pl.DataFrame) -> Path:
    """A file of impressions with a column that means nothing."""
    path = tmp_path / "rows.jsonl"
    odd = [row | {"nothing": 1} for row in raw_rows(log.tail(3))]
    path.write_text("".join(json.dumps(row) + "\n" for row in odd))
    return path


def test_quiet_leaves_results_and_errors(bundle_path: Path, rows: Path, tmp_path: Path) -> None:
    asked = ("predict", bundle_path, rows, "--out", "made.csv")
    loud, quiet = run(*asked, folder=tmp_path), run("-q", *asked, folder=tmp_path)
    assert "ignored" in loud.stderr
    assert quiet.stderr == ""
    assert quiet.stdout == "3 predictions in made.csv\n"
    assert loud.stdout.startswith(f"{quiet.stdout}next: clickthrough serve ")
    wrong = run("--quiet", "evaluate", "nowhere", folder=tmp_path)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "nowhere: no such bundle" in wrong.stderr


def test_verbose_logs_the_steps(bundle_path: Path, tmp_path: Path) -> None:
    asked = ("evaluate", bundle_path, "--no-baselines")
    plain, told = run(*asked, folder=tmp_path), run("-v", *asked, folder=tmp_path)
    assert plain.returncode == told.returncode == 0, told.stderr
    steps = ("computing history", "encoding", "scoring the test part", "computing metrics")
    assert all(re.search(rf"INFO clickthrough\S*: {step}.*: \d", told.stderr) for step in steps)
    assert "INFO" not in plain.stderr
    assert told.stdout == plain.stdout


@pytest.mark.slow
def test_twice_verbose_logs_what_steps_are_made_of(log_folder: Path, tmp_path: Path) -> None:
    values = make_values(log_folder, epochs=2)
    values["data"]["cache"] = str(tmp_path / "cache")
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(values))
    train = ("train", "config.yaml", "--no-baselines")
    told = run("-vv", *train, folder=tmp_path)
    assert told.returncode == 0, told.stderr
    of_history = r"DEBUG clickthrough\S*stage: KeySet\(.*: \d+\.\d s by polars"
    assert len(re.findall(of_history, told.stderr)) >= 3
    assert len(re.findall(r"DEBUG clickthrough\S*loop: Epoch\(", told.stderr)) == 2
    again = run("-vv", *train, folder=tmp_path)
    assert "was read before" in again.stderr
    assert "KeySet" not in again.stderr


@pytest.mark.parametrize("verb", ["init", "predict"])
def test_verbs_of_one_step_log_it(
    verb: str, bundle_path: Path, rows: Path, log: pl.DataFrame, tmp_path: Path
) -> None:
    asked = (
        ("init", write_log(tmp_path, log))
        if verb == "init"
        else ("predict", bundle_path, rows, "--out", "-")
    )
    told = run("-v", *asked, folder=tmp_path)
    assert told.returncode == 0, told.stderr
    step = "looking at the log" if verb == "init" else f"scoring {rows.name}"
    assert re.search(rf"INFO clickthrough\S*: {step}.*: \d", told.stderr)


def test_quiet_and_verbose_exclude_each_other(tmp_path: Path) -> None:
    done = run("-q", "-v", "evaluate", "nowhere", folder=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "--quiet or --verbose" in done.stderr
