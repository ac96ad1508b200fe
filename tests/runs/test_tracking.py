"""Listeners hear each epoch and the end; one that fails costs nothing but itself."""

import logging
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from clickthrough.bundle import Bundle
from clickthrough.config import Config
from clickthrough.errors import ClickthroughError
from clickthrough.runs.tracking import Tracked, tracked
from clickthrough.training.resuming.position import Epoch
from tests.cli.process import run
from tests.logs import make_values

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def trained(log_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory in which a run was listened to by both."""
    folder = tmp_path_factory.mktemp("tracked")
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(make_values(log_folder, epochs=2)))
    places = {
        "MLFLOW_TRACKING_URI": (folder / "mlruns").as_uri(),
        "MLFLOW_ALLOW_FILE_STORE": "true",
    }
    both = ("--track", "tensorboard", "--track", "mlflow")
    done = run("train", path, "--no-baselines", *both, folder=folder, environment=places)
    assert done.returncode == 0, done.stderr
    return folder


def test_tensorboard_reads_what_was_written(trained: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    read = EventAccumulator(str(trained / "runs" / "tensorboard" / "1"))
    read.Reload()
    tags = read.Tags()
    assert {"loss", "validation_log_loss", "test_auc", "test_log_loss"} <= set(tags["scalars"])
    assert [event.step for event in read.Scalars("loss")] == [1, 2]
    assert any("training.epochs" in tag for tag in tags["tensors"])


def test_mlflow_has_parameters_metrics_and_artifacts(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow.tracking import MlflowClient

    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    client = MlflowClient((trained / "mlruns").as_uri())
    (found,) = client.search_runs(["0"])
    assert found.info.status == "FINISHED"
    assert found.data.params["training.epochs"] == "2"
    assert {"loss", "validation_log_loss", "test_auc"} <= set(found.data.metrics)
    history = client.get_metric_history(found.info.run_id, "loss")
    assert [metric.step for metric in history] == [1, 2]
    names = {one.path for one in client.list_artifacts(found.info.run_id)}
    assert names == {"config.yaml", "manifest.json", "metrics.json"}


class Failing:
    """A listener whose disk is full."""

    def __init__(self) -> None:
        self.asked = 0

    def epoch(self, number: int, values: Mapping[str, float]) -> None:
        self.asked += 1
        raise OSError("no space left on device")

    def end(self, version: str, values: Mapping[str, float], folder: Path) -> None:
        raise AssertionError("is told no more")

    def failed(self) -> None:
        raise AssertionError("is told no more")


class Hearing:
    """A listener that keeps what it is told."""

    def __init__(self) -> None:
        self.heard: list[object] = []

    def epoch(self, number: int, values: Mapping[str, float]) -> None:
        self.heard.append((number, dict(values)))

    def end(self, version: str, values: Mapping[str, float], folder: Path) -> None:
        self.heard.append(version)

    def failed(self) -> None:
        self.heard.append("failed")


def test_one_that_fails_is_dropped_and_the_others_go_on(
    bundle: Bundle, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    failing, hearing = Failing(), Hearing()
    both = Tracked({"failing": failing, "hearing": hearing}, "auc")
    with caplog.at_level(logging.ERROR):
        both.epoch(Epoch(1, 0.5, 0.7))
        both.epoch(Epoch(2, None, 0.8))
        both.end(bundle, tmp_path)
    assert failing.asked == 1
    assert "failing failed, and is told no more" in caplog.text
    assert hearing.heard == [
        (1, {"validation_auc": 0.7, "loss": 0.5}),
        (2, {"validation_auc": 0.8}),
        bundle.manifest.version,
    ]


def test_an_unknown_one_is_refused_before_the_work(config: Config, tmp_path: Path) -> None:
    with pytest.raises(ClickthroughError, match=r"--track: unknown listener 'mlfow'; did you mean"):
        tracked(["mlfow"], config, tmp_path)


def test_a_run_that_failed_is_called_so(
    log_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow.tracking import MlflowClient

    values = make_values(log_folder, epochs=1, learning_rate=1e30)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(values))
    uri = (tmp_path / "mlruns").as_uri()
    places = {"MLFLOW_TRACKING_URI": uri, "MLFLOW_ALLOW_FILE_STORE": "true"}
    asked = ("train", "config.yaml", "--no-baselines", "--track", "mlflow")
    assert run(*asked, folder=tmp_path, environment=places).returncode == 2
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    (found,) = MlflowClient(uri).search_runs(["0"])
    assert found.info.status == "FAILED"


def test_one_that_cannot_begin_is_said_in_a_line(config: Config, tmp_path: Path) -> None:
    (tmp_path / "runs").touch()
    with pytest.raises(ClickthroughError, match="--track tensorboard: cannot begin"):
        tracked(["tensorboard"], config, tmp_path / "runs")
