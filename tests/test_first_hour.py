"""The commonest CSV there is, as a data frame writes it, goes the whole way by the command line."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from tests.conftest import ROOT
from tests.logs import make_log
from tests.serving.hostile.servers import serving

pytestmark = pytest.mark.slow


def run(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "clickthrough", *arguments],
        cwd=folder, env={"PYTHONPATH": str(ROOT), "PATH": "", "COLUMNS": "200"},
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a frame's log and the bundle that its guesses trained."""
    folder = tmp_path_factory.mktemp("first")
    log = make_log().with_columns(age=18 + pl.int_range(pl.len()) % 50)
    log.with_row_index("").write_csv(folder / "log.csv")  # as pandas' to_csv does
    done = run(folder, "init", "log.csv")
    assert done.returncode == 0, done.stderr
    assert "row numbers" in done.stdout
    done = run(folder, "train", "config.yaml", "--set", "training.epochs=2")
    assert done.returncode == 0, done.stderr + done.stdout
    return folder


def test_its_roles_are_found(trained: Path) -> None:
    text = (trained / "config.yaml").read_text()
    for role in ("label: clicked", "time: ts", "request_id: display_id", "user: uuid", "item: ad"):
        assert f"    {role}" in text, text


def test_it_is_scored_and_served_alike(trained: Path) -> None:
    done = run(trained, "predict", "models", "log.csv", "--out", "scores.csv", "--keep", "age")
    assert done.returncode == 0, done.stderr
    with (trained / "scores.csv").open(newline="") as file:
        scores = list(csv.DictReader(file))
    with (trained / "log.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(scores) == len(rows)
    assert scores[0]["row"] == "2"
    assert scores[5]["age"] == rows[5]["age"]
    last = rows[-1]["display_id"]
    request = [row for row in rows if row["display_id"] == last]
    expected = [float(one["probability"]) for one in scores[-len(request) :]]
    with serving("serve", trained / "models", trained, {"CTR_MAX_BODY_BYTES": "100000"}) as server:
        status, said = server.ask("/predict", {"impressions": request})
        assert status == 200, said
        found = json.loads(said)
        assert [one["probability"] for one in found["predictions"]] == expected
        assert found["ignored"] == [""]  # the index of the frame
        half = [{**row, "age": 35.5} for row in request]
        assert server.ask("/predict", {"impressions": half})[0] == 200
