"""``clickthrough simulate`` as a user meets it."""

from pathlib import Path

import polars as pl

from tests.test_cli import run


def test_simulate_writes_the_layout_and_says_where(tmp_path: Path) -> None:
    done = run("simulate", "log", "--impressions", 5_000, "--seed", 2, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "5,000 impressions" in done.stdout
    assert len(pl.read_csv(tmp_path / "log" / "clicks_train.csv")) == 5_000
    again = run("simulate", "log", "--impressions", 5_000, folder=tmp_path)
    assert again.returncode == 2
    assert "log: holds files already" in again.stderr
    assert "--force" in again.stderr


def test_simulate_makes_a_log_for_the_tabular_reader(tmp_path: Path) -> None:
    done = run("simulate", "log", "--impressions", 5_000, "--kind", "plain", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "log" / "config.yaml").is_file()
