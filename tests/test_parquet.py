"""Files are found whatever signs stand in the names of the directories above them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from clickthrough import parquet
from clickthrough.features.engines import DuckDBEngine
from tests.cli.process import run
from tests.conftest import ROOT
from tests.odd import ODD

FULL = ROOT / "benchmarks" / "full_size.yaml"
_OPENS = re.compile(r"pl\.(scan_\w+|read_(parquet|csv|ipc|ndjson))")


def opening(path: Path) -> Iterator[ast.Call]:
    """Yield the calls of Polars that open a file, and those that bind such a call's arguments."""
    for call in ast.walk(ast.parse(path.read_text())):
        if isinstance(call, ast.Call):
            called = [call.func, *call.args[:1]]
            if any(_OPENS.fullmatch(ast.unparse(one)) for one in called):
                yield call


def test_nothing_takes_a_name_for_a_pattern() -> None:
    """Polars does unless it is told not to; bytes have no name."""
    found = [call for path in (ROOT / "clickthrough").rglob("*.py") for call in opening(path)]
    assert len(found) > 8
    for call in map(ast.unparse, found):
        assert "glob=False" in call or "BytesIO" in call, call


def test_a_directory_is_its_files_in_order(tmp_path: Path) -> None:
    folder = tmp_path / ODD
    folder.mkdir()
    for place in (2, 0, 1):
        pl.DataFrame({"a": [place]}).write_parquet(folder / f"{place}.parquet")
    assert parquet.scan(folder).collect().to_dict(as_series=False) == {"a": [0, 1, 2]}
    assert parquet.scan(folder / "1.parquet").collect().to_dict(as_series=False) == {"a": [1]}


def test_a_directory_without_files_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=re.escape(str(tmp_path))):
        parquet.scan(tmp_path).collect()


def test_duckdb_reads_a_directory_and_not_what_its_name_would_stand_for(tmp_path: Path) -> None:
    pytest.importorskip("duckdb")
    for place, name in enumerate(["z[1]", "z1", r"back\slash [1]", "day=3"]):
        (tmp_path / name).mkdir()
        pl.DataFrame({"a": [place], "day": [7]}).write_parquet(tmp_path / name / "0.parquet")
    engine = DuckDBEngine(tmp_path)
    for place, name in [(0, "z[1]"), (2, r"back\slash [1]"), (3, "day=3")]:
        found: Any = engine.scan(tmp_path / name, {"a": "b", "day": "c"}).to_native()
        assert found.fetchall() == [(place, 7)]


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "config"), [("plain", "log/config.yaml"), ("outbrain", FULL)])
def test_a_run_where_directories_have_odd_names(kind: str, config: object, tmp_path: Path) -> None:
    folder = tmp_path / ODD
    folder.mkdir()
    log = ["simulate", "log", "--kind", kind, "--impressions", 3_000, "--test-share", 0]
    train = ["train", config, "--data", folder / ("log/log.csv" if kind == "plain" else "log")]
    sets = [f"data.cache={folder / 'cache'}", "training.epochs=1", "training.least_steps=5"]
    train += ["--no-baselines", "--out", folder / "models", *(f"--set={one}" for one in sets)]
    for given in (log, train, ["evaluate", folder / "models"]):
        done = run("-q", *given, folder=folder)
        assert done.returncode == 0, done.stderr
    assert list((folder / "cache").iterdir())
