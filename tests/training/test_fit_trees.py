"""Trees, and blends of families, go the whole way, and are served without what fitted them."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from clickthrough.bundle import load_bundle
from clickthrough.bundle.module import load_module
from clickthrough.config.root import Config
from clickthrough.data.open import open_dataset
from clickthrough.errors import BundleError, ClickthroughError, ConfigError
from clickthrough.evaluation.metrics import auc
from clickthrough.features.encoding.encoder import Encoded
from clickthrough.serving.predictor import Predictor
from clickthrough.training.distributed.group import Group
from clickthrough.training.distributed.place import Place
from clickthrough.training.fit import fit
from clickthrough.training.fit_trees import FittedGraph
from clickthrough.training.prepare import Prepared, prepare
from clickthrough.training.run import Begin, train
from clickthrough.training.where import Where
from tests.conftest import ROOT
from tests.logs import make_values, raw_rows

MODELS: dict[str, Any] = {
    "binary": {"name": "lightgbm", "rounds": 30},
    "lambdarank": {"name": "lightgbm", "rounds": 30, "objective": "lambdarank"},
    "blend": {
        "name": "blend",
        "members": ["lightgbm", {"name": "fm", "embedding_dim": 4}, {"name": "lr"}],
    },
}
ALONE = """
import json, sys
class Refusing:
    def find_spec(self, name, *rest):
        if name.partition(".")[0] in {"torch", "lightgbm", "onnx", "polars", "sklearn", "scipy"}:
            raise ImportError(name)
sys.meta_path.insert(0, Refusing())
from clickthrough.serving.predictor import Predictor
rows = json.load(sys.stdin)
print(json.dumps([p.logit for p in Predictor.load(sys.argv[1]).predict(rows).predictions]))
"""


def config_of(folder: Path, name: str) -> Config:
    return Config.model_validate(make_values(folder, epochs=2) | {"model": MODELS[name]})


@pytest.fixture(scope="module", params=MODELS)
def made(request: pytest.FixtureRequest, log_folder: Path, tmp_path_factory: Any) -> Path:  # noqa: ANN401
    path: Path = tmp_path_factory.mktemp("made") / "bundle"
    metrics = train(config_of(log_folder, request.param), path, baselines=False).metrics
    assert metrics["test"]["results"][MODELS[request.param]["name"]]["auc"] > 0.6
    return path


def test_it_is_served_without_the_library_that_fitted_it(made: Path, log: pl.DataFrame) -> None:
    import json

    rows = raw_rows(log.tail(30))
    expected = [p.logit for p in Predictor.load(made).predict(rows).predictions]
    done = subprocess.run(
        [sys.executable, "-c", ALONE, str(made)],
        check=False,
        input=json.dumps(rows),
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == expected
    assert len(set(expected)) > 20


def test_it_is_no_module_and_cannot_be_gone_on_from(
    made: Path, log_folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(BundleError, match="is a graph alone"):
        load_module(load_bundle(made))
    config = load_bundle(made).config
    with pytest.raises(ConfigError, match="is fitted anew each time"):
        train(config, tmp_path / "on", begin=Begin(made))


@pytest.fixture(scope="module")
def prepared(config: Config) -> Prepared:
    return prepare(open_dataset(config.data), config, "live")


def test_the_graph_says_what_lightgbm_says(
    prepared: Prepared, log_folder: Path, tmp_path: Path
) -> None:
    from clickthrough.bundle import layout
    from clickthrough.bundle.runtime import OnnxModel

    fitted = fit(prepared, config_of(log_folder, "binary"))
    assert fitted is not None
    test = prepared.tables["test"]
    fitted.model.write(tmp_path, test.inputs)
    found = OnnxModel(tmp_path / layout.ONNX).logits(test.inputs)
    np.testing.assert_array_equal(found, fitted.model.logits(test.inputs))
    assert auc(test.labels, found.astype(np.float64)) > 0.6
    (epoch,) = fitted.epochs
    assert 1 <= epoch.number <= 30


def test_trees_are_fitted_in_one_process(prepared: Prepared, log_folder: Path) -> None:
    class Two(Group):
        size = 2

    where = Where(Place(group=Two()))
    with pytest.raises(ConfigError, match="in one process"):
        fit(prepared, config_of(log_folder, "binary"), where=where)


def test_a_blend_is_at_least_as_good_on_validation_as_its_members(
    prepared: Prepared, log_folder: Path
) -> None:
    from clickthrough.training.optim.monitor import monitored

    config = config_of(log_folder, "blend")
    fitted = fit(prepared, config)
    assert fitted is not None
    watched = prepared.watched
    probability = fitted.calibrator.probability(fitted.logits, watched.inputs.ids)
    logits = np.log(probability / (1 - probability)).astype(np.float32)
    whole = -monitored(logits, watched, config.training)
    assert whole <= min(epoch.monitored for epoch in fitted.epochs) + 1e-3


@pytest.mark.parametrize(("size", "says"), [(1, "has a single one"), (10_001, "one of 10,001")])
def test_requests_that_cannot_be_ranked_are_refused(
    prepared: Prepared, log_folder: Path, size: int, says: str
) -> None:
    train = prepared.tables["train"]
    offsets = np.append(np.arange(0, len(train), size), len(train))
    if size > len(train):
        rows = np.arange(size) % len(train)
        train = replace(train, inputs=train.inputs[rows], labels=train.labels[rows])
        offsets = np.array([0, size])
    odd = replace(prepared, tables=prepared.tables | {"train": replace(train, offsets=offsets)})
    with pytest.raises(ConfigError, match=says):
        fit(odd, config_of(log_folder, "lambdarank"))


def test_what_lightgbm_refuses_is_told_in_one_line(prepared: Prepared, log_folder: Path) -> None:
    config = config_of(log_folder, "binary")
    model = config.model.model_copy(update={"row_fraction": 1e-9})
    with pytest.raises(ConfigError, match="'lightgbm' cannot be fitted so"):
        fit(prepared, config.model_copy(update={"model": model}))


@pytest.mark.parametrize("name", ["binary", "blend"])
def test_trees_that_give_no_numbers_are_refused(
    name: str, prepared: Prepared, log_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(self: FittedGraph, inputs: Encoded) -> NDArray[np.float32]:
        return np.full(len(inputs), np.nan, np.float32)

    monkeypatch.setattr(FittedGraph, "logits", nothing)
    with pytest.raises(ClickthroughError, match="gives no finite score for"):
        fit(prepared, config_of(log_folder, name))


def test_the_record_of_trees_is_json(made: Path) -> None:
    def refused(constant: str) -> None:
        raise AssertionError(constant)

    json.loads((made / "metrics.json").read_text(), parse_constant=refused)
