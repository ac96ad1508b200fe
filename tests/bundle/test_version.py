"""The version names what scores: equal runs have equal versions."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from clickthrough.bundle import layout, load_bundle
from clickthrough.bundle.export import export_onnx
from clickthrough.bundle.manifest import Manifest, hash_files, read_manifest
from clickthrough.bundle.version import version_of
from clickthrough.config import Config
from clickthrough.config.load import parse_config
from clickthrough.training import fitted
from clickthrough.training.run import train
from tests.conftest import ROOT
from tests.logs import make_config, make_values, write_log

ELSEWHERE = """
import sys
from pathlib import Path
import torch
from clickthrough.training.run import train
from tests.logs import make_config
torch.set_num_threads(1)
train(make_config(Path(sys.argv[1])), Path(sys.argv[2]), baselines=False)
"""


def trained(folder: Path, log: pl.DataFrame, values: dict[str, Any] | None = None) -> Manifest:
    """Train in a directory of its own."""
    write_log(folder, log)
    config = make_config(folder) if values is None else parse_config(values, "test")
    return train(config, folder / "bundle", baselines=False).manifest


def differing(one: Manifest, other: Manifest) -> set[str]:
    assert one.files.keys() == other.files.keys()
    return {name for name in one.files if one.files[name] != other.files[name]}


def test_equal_runs_at_different_places_are_equal_but_for_paths_and_times(
    bundle_path: Path, log: pl.DataFrame, tmp_path: Path
) -> None:
    first = read_manifest(bundle_path)
    again = trained(tmp_path / "quite another place", log)
    assert differing(first, again) <= {layout.CONFIG, layout.METRICS}
    assert again.version == first.version


@pytest.mark.slow
def test_equal_runs_of_code_at_different_places_are_equal(
    bundle_path: Path, log: pl.DataFrame, tmp_path: Path
) -> None:
    code = tmp_path / "code"
    shutil.copytree(ROOT / "clickthrough", code / "clickthrough")
    (code / "tests").mkdir()
    for name in ("__init__.py", "logs.py"):
        shutil.copy(ROOT / "tests" / name, code / "tests")
    write_log(tmp_path / "log", log)
    environment = os.environ | {"PYTHONPATH": str(code), "PYTHONHASHSEED": "1"}
    command = [sys.executable, "-c", ELSEWHERE, str(tmp_path / "log"), str(tmp_path / "bundle")]
    subprocess.run(command, check=True, env=environment, cwd=tmp_path)
    first, other = read_manifest(bundle_path), read_manifest(tmp_path / "bundle")
    assert differing(first, other) <= {layout.CONFIG, layout.METRICS}
    assert other.version == first.version
    graph = (tmp_path / "bundle" / layout.ONNX).read_bytes()
    assert b".py" not in graph
    assert str(tmp_path).encode() not in graph


def test_another_seed_or_feature_is_another_version(
    bundle_path: Path, log: pl.DataFrame, tmp_path: Path
) -> None:
    first = read_manifest(bundle_path).version
    seed = make_values(tmp_path / "seed", seed=8)
    feature = make_values(tmp_path / "feature")
    feature["features"].append({"kind": "hashed", "fields": "user", "buckets": 10})
    versions = [trained(tmp_path / "seed", log, seed).version]
    versions += [trained(tmp_path / "feature", log, feature).version]
    assert len({first, *versions}) == 3


def changed(config: Config, section: str, **values: object) -> Config:
    own = getattr(config, section).model_copy(update=values)
    return config.model_copy(update={section: own})


def test_what_does_not_score_does_not_count(bundle_path: Path) -> None:
    loaded = load_bundle(bundle_path)
    files, config = loaded.manifest.files, loaded.config
    version = loaded.manifest.version
    assert version_of(files, config) == version
    assert version_of(hash_files(bundle_path), config) == version
    assert version_of(dict(reversed(files.items())), config) == version
    for name in (layout.METRICS, layout.CONFIG):
        assert version_of(files | {name: "0"}, config) == version
    for other in (
        changed(config, "data", path=Path("elsewhere.csv"), cache=Path("elsewhere")),
        changed(config, "serving", max_in_flight=1, runtime="openvino"),
        changed(config, "training", epochs=1, seed=8, device="cpu"),
        changed(config, "evaluation", bootstrap=7),
    ):
        assert other != config
        assert version_of(files, other) == version


def test_everything_that_scores_counts(bundle_path: Path) -> None:
    loaded = load_bundle(bundle_path)
    files, config = loaded.manifest.files, loaded.config
    versions = {version_of(files, config)}
    scoring = [name for name in files if name not in {layout.METRICS, layout.CONFIG}]
    versions |= {version_of(files | {name: "0"}, config) for name in scoring}
    versions |= {
        version_of(files, other)
        for other in (
            changed(config, "data", timezone="UTC"),
            changed(config, "counters", smoothing=21.0),
            changed(config, "model", members=2),
            config.model_copy(update={"features": config.features[::-1]}),
        )
    }
    assert len(versions) == 1 + len(scoring) + 4
    assert len(scoring) >= 15


@pytest.mark.parametrize("evaluated", [True, False])
def test_the_graph_is_exported_once_in_a_run(
    config: Config, tmp_path: Path, evaluated: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    exported: list[bytes] = []

    def counted(*arguments: Any) -> None:  # noqa: ANN401
        export_onnx(*arguments)
        exported.append(arguments[-1].read_bytes())

    monkeypatch.setattr(fitted, "export_onnx", counted)
    split = config.data.split if evaluated else config.data.split.model_copy(update={"test": None})
    made = train(changed(config, "data", split=split), tmp_path / "bundle", baselines=False)
    assert ("test" in made.metrics) == evaluated
    assert exported == [(tmp_path / "bundle" / layout.ONNX).read_bytes()]


def test_whoever_may_read_one_file_may_read_all(bundle_path: Path) -> None:
    files = [path for path in bundle_path.rglob("*") if path.is_file()]
    assert len({path.stat().st_mode for path in files}) == 1


def test_a_manifest_lists_what_does_not_count_too(bundle_path: Path) -> None:
    listed = json.loads((bundle_path / layout.MANIFEST).read_bytes())["files"]
    assert {layout.METRICS, layout.CONFIG} < set(listed)
