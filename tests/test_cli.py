"""The command line as a user meets it: in a process of its own."""

import json
import re
import subprocess
import sys
from contextlib import chdir
from pathlib import Path

import polars as pl
import polars.selectors as cs
import pytest
import yaml

from clickthrough.config.load import load_config, preset_names
from clickthrough.data.caller import raw_rows
from clickthrough.data.open import open_dataset
from tests.conftest import ROOT
from tests.logs import make_values


def run(*arguments: object, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from clickthrough.cli import main; main()"]
    return subprocess.run(
        [*command, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=folder or ROOT,
        check=False,
        timeout=300,
    )


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory in which the demo was run."""
    folder = tmp_path_factory.mktemp("demo")
    done = run("demo", "--no-serve", "--impressions", 20_000, folder=folder)
    assert done.returncode == 0, done.stderr
    assert "truth" in done.stdout
    assert "LightGBM" in done.stdout
    return folder


@pytest.mark.slow
def test_the_demo_leaves_a_bundle_that_every_verb_takes(demo: Path) -> None:
    for verb in (["inspect"], ["evaluate", "--no-baselines", "--counters", "frozen"]):
        done = run(verb[0], "models", *verb[1:], folder=demo)
        assert done.returncode == 0, done.stderr
        assert "wide_deep" in done.stdout


def test_replay_finds_no_difference(demo: Path) -> None:
    done = run("replay", "models", "--requests", 200, folder=demo)
    assert done.returncode == 0, done.stderr
    difference = float(re.findall(r"largest difference of a probability: (\S+)", done.stdout)[0])
    assert difference < 1e-5


@pytest.mark.slow
def test_a_log_comes_in_parts_and_a_bundle_meets_the_days_after(
    log_folder: Path, log: pl.DataFrame, tmp_path: Path
) -> None:
    cuts = [0, log.height // 2, log.height * 4 // 5, log.height]  # of whole requests
    for name, start, end in zip("abc", cuts, cuts[1:], strict=False):
        log[start:end].write_csv(tmp_path / f"{name}.csv")
    values = make_values(log_folder) | {"training": {"epochs": 1}}
    values["data"] |= {"cache": str(tmp_path / "cache")}
    values["data"]["split"] = {"validation": 0.2, "test": None}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(values))
    done = run(
        "train", "config.yaml", "--data", "b.csv", "--data", "a.csv", "--no-baselines",
        folder=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert f"{cuts[2]:,} impressions" in done.stdout
    for verb in ("evaluate", "replay", "calibrate"):
        done = run(verb, "models", "--data", "c.csv", folder=tmp_path)
        assert done.returncode == 0, done.stderr
        assert "after the bundle's: all of it" in done.stdout
    done = run("predict", "models", "c.csv", folder=tmp_path)
    assert f"{log.height - cuts[2]:,} predictions" in done.stdout
    done = run("train", "config.yaml", "--data", "b.csv", "--data", "./b.csv", folder=tmp_path)
    assert done.returncode == 2
    assert "named twice" in done.stderr


def test_evaluate_shows_reliability_where_asked(demo: Path) -> None:
    arguments = ["evaluate", "models", "--no-baselines", "--reliability", "--json", "bins.json"]
    done = run(*arguments, folder=demo)
    assert done.returncode == 0, done.stderr
    assert "reliability of wide_deep" in done.stdout
    bins = json.loads((demo / "bins.json").read_text())["reliability"]
    assert len(bins) == 15
    assert f"{bins[-1]['predicted']:.5f}" in done.stdout


def test_evaluate_writes_its_figures(demo: Path) -> None:
    against = ["--no-baselines", "--truth", "demo", "--slice", "platform"]
    done = run("evaluate", "models", *against, "--json", "figures.json", folder=demo)
    assert done.returncode == 0, done.stderr
    for shown in (
        "truth",
        "observable oracle",
        "share closed",
        "MAP@12",
        "regret",
        "90% interval",
        "platform",
        "user_seen",
    ):
        assert shown in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 120
    figures = json.loads((demo / "figures.json").read_text())
    assert figures["counters"] == "live"
    assert 0.5 < figures["results"]["wide_deep"]["auc"] < figures["results"]["truth"]["auc"] < 1
    assert {"1", "2", "3"} <= set(figures["slices"]["platform"])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--truth", "nowhere.parquet"], "nowhere.parquet: no such file"),
        (["--slice", "platfrom"], "unknown slice 'platfrom'; did you mean 'platform'?"),
    ],
)
def test_what_evaluate_cannot_compare_with_is_named(
    demo: Path, arguments: list[str], says: str
) -> None:
    done = run("evaluate", "models", *arguments, folder=demo)
    assert done.returncode == 2
    assert says in done.stderr


def some_impressions(demo: Path) -> pl.DataFrame:
    """Return impressions as a caller knows them, as far as a CSV file can hold them."""
    dataset = open_dataset(load_config("outbrain", data=demo / "demo").data)
    rows = dataset.impressions().tail(300).collect()
    return pl.DataFrame(list(raw_rows(rows, dataset.schema))).select(~cs.list())


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_predict_scores_a_file_in_order(demo: Path, suffix: str) -> None:
    with chdir(demo):
        given = some_impressions(demo)
    given.write_csv(demo / "some.csv")
    done = run("predict", "models", "some.csv", "--out", f"scores.{suffix}", folder=demo)
    assert done.returncode == 0, done.stderr
    scores = (demo / f"scores.{suffix}").read_text().splitlines()
    if suffix == "csv":
        assert scores.pop(0) == "row,request_id,item,probability,logit"
        items = [int(line.split(",")[2]) for line in scores]
        requests = [line.split(",")[1] for line in scores]
    else:
        rows = [json.loads(line) for line in scores]
        items, requests = [row["item"] for row in rows], [row["request_id"] for row in rows]
    assert items == given["ad_id"].to_list()
    assert [int(request) for request in requests] == given["request_id"].to_list()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["train", "nowhere.yaml"], "nowhere.yaml: no such file"),
        (["train", "ebnrd"], "did you mean 'ebnerd'?"),
        (["train", "ebnerd", "--data", "nowhere"], "nowhere/behaviors.parquet: no such file"),
        (["init", "nowhere"], "nowhere: no such file or directory"),
        (["evaluate", "nowhere"], "nowhere: no such bundle"),
        (["serve", "nowhere"], "nowhere: no such bundle"),
        (["predict", "nowhere", "nowhere.csv"], "nowhere.csv: no such file"),
        (["replay", "nowhere"], "nowhere: no such bundle"),
        (["evaluate", "nowhere", "--counters", "warm"], "'warm'"),
    ],
)
def test_a_mistake_is_one_message_and_exit_code_2(
    arguments: list[str], says: str, tmp_path: Path
) -> None:
    done = run(*arguments, folder=tmp_path)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_malformed_row_of_a_file_is_named(demo: Path) -> None:
    (demo / "bad.jsonl").write_text('{"ad_id": 1}\n{"ad_id": "x"}\n')
    done = run("predict", "models", "bad.jsonl", "--out", "bad.csv", folder=demo)
    assert done.returncode == 2
    assert "row 2: field 'ad_id': expected a whole number, found 'x'" in done.stderr
    assert not (demo / "bad.csv").exists()


def test_every_preset_is_named_in_the_help_of_a_wrong_one() -> None:
    done = run("train", "no-such-preset")
    assert all(name in done.stderr for name in preset_names())
