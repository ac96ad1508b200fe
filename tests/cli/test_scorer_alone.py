"""Verbs where the base dependencies alone are installed."""

import json
from pathlib import Path

import polars as pl
import pytest

from tests.cli.process import run
from tests.logs import raw_rows

ALONE = """
import sys

MISSING = {
    "torch", "polars", "narwhals", "sklearn", "scipy", "lightgbm", "matplotlib", "safetensors",
    "onnx", "onnxscript", "duckdb", "pyspark", "openvino", "pandas", "pyarrow", "httpx",
}

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in MISSING:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
"""


@pytest.fixture
def rows(tmp_path: Path, log: pl.DataFrame) -> Path:
    """A file of impressions in JSON lines."""
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in raw_rows(log.tail(3))))
    return path


def test_a_bundle_is_inspected(bundle_path: Path, tmp_path: Path) -> None:
    done = run("inspect", bundle_path, folder=tmp_path, before=ALONE)
    assert (done.returncode, done.stderr) == (0, "")
    assert "what the model sees" in done.stdout


@pytest.mark.parametrize("out", ["made.csv", "made.jsonl", "made.csv.gz"])
def test_json_lines_are_scored(bundle_path: Path, rows: Path, out: str, tmp_path: Path) -> None:
    done = run("predict", bundle_path, rows, "--out", out, folder=tmp_path, before=ALONE)
    assert done.returncode == 0, done.stderr
    assert f"3 predictions in {out}" in done.stdout
    assert (tmp_path / out).stat().st_size > 0


@pytest.mark.parametrize("verb", ["serve", "train", "init", "predict", "export"])
def test_help_is_shown(verb: str, tmp_path: Path) -> None:
    done = run(verb, "--help", folder=tmp_path, before=ALONE)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["train", "outbrain"], "'.[train]'"),
        (["evaluate", "BUNDLE"], "'.[train]'"),
        (["replay", "BUNDLE"], "'.[train]'"),
        (["features", "BUNDLE", "--row", "1"], "'.[train]'"),
        (["init", "."], "'.[train]'"),
        (["simulate", "made"], "'.[train]'"),
        (["demo"], "'.[train]'"),
        (["export", "BUNDLE", "--to", "classic", "--out", "made"], "'.[train]'"),
        (["predict", "BUNDLE", "rows.jsonl", "--out", "made.parquet"], "'.[train]'"),
        (["inspect", "BUNDLE", "--diagram", "made.svg"], "'.[plot]'"),
    ],
)
def test_what_needs_more_says_in_a_line_what_brings_it(
    arguments: list[str], says: str, bundle_path: Path, rows: Path, tmp_path: Path
) -> None:
    given = [str(bundle_path) if word == "BUNDLE" else word for word in arguments]
    done = run(*given, folder=tmp_path, before=ALONE)
    assert (done.returncode, done.stdout) == (2, "")
    last = done.stderr.splitlines()[-1]
    assert last.startswith("error: ")
    assert f"pip install {says}" in last
    assert "Traceback" not in done.stderr


def test_an_export_without_an_example_says_what_brings_it(
    bundle_path: Path, tmp_path: Path
) -> None:
    arguments = ["--to", "sagemaker", "--out", "made"]
    done = run("export", bundle_path, *arguments, folder=tmp_path, before=ALONE)
    assert done.returncode == 0, done.stderr
    said = " ".join((done.stdout + done.stderr).split())
    assert "no example.jsonl (--data names the log): this needs 'polars'" in said
    assert "pip install '.[train]'" in said
