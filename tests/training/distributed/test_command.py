"""``torchrun -m clickthrough train`` as a user meets it."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file

from clickthrough.bundle import layout, load_bundle
from clickthrough.bundle.module import input_shape
from clickthrough.bundle.runtime import OnnxModel
from clickthrough.config.load import parse_config
from clickthrough.training.run import train
from tests.conftest import ROOT
from tests.inputs import random_inputs
from tests.logs import make_values
from tests.training.distributed.launch import started, torchrun
from tests.training.resuming.test_checkpoint import count_of

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Place:
    """A configuration, and where its bundles go."""

    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "config.yaml"

    def command(self, out: str, *more: str) -> list[str]:
        return ["clickthrough", "train", str(self.config), "--out", str(self.folder / out),
                "--no-baselines", *more]  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, log_folder: Path) -> Place:
    """A configuration whose log has not been read yet."""
    made = Place(tmp_path_factory.mktemp("command"))
    values = make_values(log_folder)
    values["data"]["cache"] = str(made.folder / "cache")
    values["training"] = {
        "epochs": 5, "batch_size": 64, "patience": 5, "checkpoint_every": "0s", "device": "cpu",
    }  # fmt: skip
    made.config.write_text(yaml.safe_dump(values))
    return made


@pytest.fixture(scope="module")
def by_two(place: Place) -> Path:
    """The bundle of two processes, the first to read the log."""
    done = torchrun(2, *place.command("two"))
    assert done.returncode == 0, done.stderr
    for once in ("6,000 impressions", "stopped after 5 epochs", "bundle "):
        assert done.stdout.count(once) == 1, done.stdout
    left = sorted(path.name for path in place.folder.iterdir())
    assert left == ["cache", "config.yaml", "runs", "two"]
    assert len([*(place.folder / "runs").iterdir()]) == 1  # the leader keeps it
    assert len(list((place.folder / "cache").iterdir())) == 1
    return place.folder / "two"


def test_two_processes_leave_the_bundle_that_one_leaves(place: Place, by_two: Path) -> None:
    config = parse_config(yaml.safe_load(place.config.read_text()), "test")
    train(config, place.folder / "one", baselines=False)
    bundles = [load_bundle(path) for path in (place.folder / "one", by_two)]
    inputs = random_inputs(input_shape(bundles[0].encoder, bundles[0].config.model), 500)
    one, two = (
        bundle.calibrator.probability(
            OnnxModel(bundle.path / layout.ONNX).logits(inputs).astype(np.float64), inputs.ids
        )
        for bundle in bundles
    )
    assert one.std() > 0.05
    np.testing.assert_allclose(two, one, atol=1e-5)
    assert bundles[0].metrics["test"]["results"]["mlp"]["auc"] == pytest.approx(
        bundles[1].metrics["test"]["results"]["mlp"]["auc"], abs=1e-4
    )


def workers(launcher: int) -> list[int]:
    """Return the processes that a launcher started."""
    text = Path(f"/proc/{launcher}/task/{launcher}/children").read_text()
    return [int(number) for number in text.split()]


def test_a_killed_process_ends_all_and_all_go_on(place: Place, by_two: Path) -> None:
    out, checkpoints = "torn", place.folder / ".torn.training"
    with started(2, *place.command(out)) as launcher:
        while launcher.poll() is None and count_of(checkpoints) < 60:
            time.sleep(0.02)
        os.kill(workers(launcher.pid)[0], signal.SIGKILL)
        _, errors = launcher.communicate(timeout=60)
    assert launcher.returncode != 0
    assert not (place.folder / out).exists()
    assert errors.count("error:") <= 1, errors
    done = torchrun(2, *place.command(out, "--resume"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("going on from epoch") == 1
    one, other = (load_file(path / layout.WEIGHTS) for path in (by_two, place.folder / out))
    assert all(torch.equal(one[name], other[name]) for name in one)
    first, second = (
        json.loads((path / layout.METRICS).read_text()) for path in (by_two, place.folder / out)
    )
    assert first["epochs"] == second["epochs"]
    assert not checkpoints.exists()


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--truth", "nowhere.parquet"], "nowhere.parquet"),  # the leader alone reads it
        (["--set", "training.learning_rate=1e37"], "training diverged at epoch 1, batch"),
    ],
)
def test_a_failure_is_told_once(more: list[str], says: str, place: Place, by_two: Path) -> None:
    assert by_two.exists()  # the log was read
    done = torchrun(2, *place.command("failed", *more))
    assert done.returncode != 0
    messages = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert len(messages) == 1, done.stderr
    assert says in messages[0]
    assert "Traceback (most recent call last)" not in done.stderr.partition("torch/distributed")[0]
    assert not (place.folder / "failed").exists()


def test_the_package_is_a_command() -> None:
    done = subprocess.run([sys.executable, "-m", "clickthrough", "--help"], capture_output=True,
                          text=True, cwd=ROOT, check=False, timeout=60)  # fmt: skip
    assert done.returncode == 0
    assert "train" in done.stdout
