"""Bundles of several kinds, exported, and their script in a process of its own."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from clickthrough.bundle import Bundle, load_bundle
from clickthrough.cli import main
from clickthrough.config import Config
from clickthrough.config.load import parse_config
from clickthrough.data.open import open_dataset
from clickthrough.export.classic import inference
from clickthrough.export.example import Example
from clickthrough.export.homes import HOMES
from clickthrough.export.run import export_bundle
from clickthrough.export.sample import log_example
from clickthrough.training.run import train
from tests.data.outbrain.made import random_tables, write
from tests.logs import make_values

CLASSIC = HOMES["classic"]
ALONE = """
import pathlib, runpy, sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "clickthrough":
            raise ImportError("blocked")

sys.meta_path.insert(0, Blocker())
try:
    import clickthrough
except ImportError:
    sys.argv = sys.argv[1:]
    sys.path.insert(0, str(pathlib.Path(sys.argv[0]).parent))  # as for any script
    runpy.run_path(sys.argv[0], run_name="__main__")
"""
"""Runs a script in a process that cannot import this package."""

RICH: list[dict[str, object]] = [
    {"kind": "categorical", "fields": ["item", "platform", "campaign_id"]},
    {"kind": "hashed", "fields": ["user", "advertiser_id"], "buckets": 32},
    {"kind": "time"},
    {"kind": "bag", "field": "topic_ids", "weights": "topic_confidences", "length": 3},
    {"kind": "bag", "field": "entity_ids", "length": 2},
    {"kind": "sequence", "length": 4},
    {"kind": "elapsed", "fields": ["published", "ad_published"], "relative": ["difference"]},
    {"kind": "cosine", "fields": ["topic_ids", "ad_topic_ids"], "relative": ["rank"]},
    {"kind": "counter", "key": "item", "half_lives": ["1d"], "relative": ["rank"]},
    {"kind": "age", "key": "user"},
]


def rich_config(folder: Path) -> Config:
    path = write(folder / "log", random_tables(500, days=3))
    values = {
        "data": {"reader": "outbrain", "path": str(path), "cache": str(folder / "cache"),
                 "split": {"validation": 0.2, "test": 0.2}},
        "counters": {"tick": "10m", "label_delay": "20m"},
        "features": RICH,
        "model": {"hidden": [8, 4], "embedding_dim": 4, "members": 2, "name": "wide_deep"},
        "training": {"epochs": 2, "learning_rate": 0.02, "pos_weight": 3.0},
    }  # fmt: skip
    return parse_config(values, "test")


def part_config(kind: str, log_folder: Path) -> Config:
    values = make_values(log_folder, epochs=1)
    values["features"] = [f for f in values["features"] if f["kind"] == kind]
    values["model"]["name"] = "wide_deep"
    return parse_config(values, "test")


@dataclass(frozen=True)
class Exported:
    bundle: Bundle
    example: Example
    folder: Path

    @property
    def files(self) -> inference.Files:
        return inference.load_files(self.folder)


def train_bundle(config: Config, folder: Path) -> Bundle:
    train(config, folder / "bundle", baselines=False)
    return load_bundle(folder / "bundle")


def export(bundle: Bundle, folder: Path) -> Exported:
    example = log_example(bundle, open_dataset(bundle.config.data), CLASSIC)
    export_bundle(bundle, CLASSIC, folder / "classic", example)
    return Exported(bundle, example, folder / "classic")


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    """Run the verb and return its exit code."""
    monkeypatch.setattr(sys, "argv", ["clickthrough", "export", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def alone(folder: Path, *arguments: Path) -> NDArray[np.float64]:
    """Return what the script prints in a process that cannot import this package."""
    script = str(folder / "inference.py")
    command = [sys.executable, "-I", "-c", ALONE, script, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return np.array([float(line) for line in done.stdout.splitlines()])
