"""A run that was stopped goes on as if it had not been."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file
from torch import Tensor

from clickthrough.bundle import layout
from clickthrough.config.training import Training
from clickthrough.errors import ClickthroughError, DataError
from clickthrough.training.distributed.place import Place
from clickthrough.training.optim.loop import Trainer
from clickthrough.training.optim.plateau import Plateau
from clickthrough.training.resuming.checkpoint import Keeper, identity_of
from clickthrough.training.resuming.position import Epoch
from tests.logs import make_values
from tests.training.distributed.test_share import Pretended
from tests.training.optim.test_loop import made_model, made_table

KINDS: list[dict[str, object]] = [
    {},
    {"averaging": 0.9, "warmup_steps": 30, "decay": "cosine", "clip_norm": 0.5},
    {"listwise": 0.5, "monitor": "request_auc", "shuffle_rows": 300},
    {"decay": "plateau", "learning_rate": 0.05, "warmup_steps": 7, "patience": 4},
    {"negatives": 0.4, "pos_weight": "balanced", "decay": "linear"},
]


class StoppedError(Exception):
    """Raised where a run is stopped."""


def settings_of(kind: dict[str, object]) -> Training:
    values = {"epochs": 5, "batch_size": 64, "learning_rate": 0.01, "patience": 2, **kind}
    return Training.model_validate(values)


def trained(
    settings: Training, keeper: Keeper | None, stop_after: int | None = None
) -> tuple[dict[str, Tensor], list[Epoch]]:
    """Train from the newest checkpoint, if any, and stop after some batches, if wanted."""
    model, batches = made_model(), 0

    def progress(epoch: int, done: int, total: int) -> None:
        nonlocal batches
        batches += 1
        if batches == stop_after:
            raise StoppedError

    trainer = Trainer(model, made_table(1), made_table(2), settings)
    if keeper is not None:
        trainer.resume(keeper)
    epochs = trainer.run(progress, keeper)
    return model.state_dict(), epochs


def keeper_of(folder: Path, settings: Training, every: float = 0.0) -> Keeper:
    return Keeper(folder, identity_of(settings, made_table(1), made_model()), every)


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_stopped_again_and_again_ends_with_the_same_weights(
    kind: dict[str, object], tmp_path: Path
) -> None:
    settings = settings_of(kind)
    expected, epochs = trained(settings, None)
    stops = 0
    for stop_after in (1, 2, 13, 20, 21, 34, None):
        try:
            found, told = trained(settings, keeper_of(tmp_path, settings), stop_after)
        except StoppedError:
            stops += 1
            torch.manual_seed(stops)  # what is left of the process must not matter
            continue
        break
    assert stops >= 3
    assert told == epochs
    assert all(torch.equal(found[name], value) for name, value in expected.items())


def test_a_run_gone_on_with_has_the_rate_that_its_standstills_left(tmp_path: Path) -> None:
    settings = settings_of({"decay": "plateau", "learning_rate": 0.05, "patience": 4})
    _, epochs = trained(settings, None)
    values = [epoch.monitored for epoch in epochs]
    assert min(values[:-1]) < values[-2]  # else no rate was lowered for the last epoch
    batches = 20 * (len(epochs) - 1) + 5
    with pytest.raises(StoppedError):
        trained(settings, keeper_of(tmp_path, settings), batches)
    trainer = Trainer(made_model(), made_table(1), made_table(2), settings)
    trainer.resume(keeper_of(tmp_path, settings))
    assert trainer.position.plateau.factor < 0.5
    assert type(trainer.position.plateau) is Plateau


def test_the_weights_alone_would_not_do(tmp_path: Path) -> None:
    """Without the optimizers' state the weights are others: the check above can fail."""
    settings = settings_of({})
    expected, _ = trained(settings, None)
    with pytest.raises(StoppedError):
        trained(settings, keeper_of(tmp_path, settings), 10)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("clickthrough.training.optim.optimizers.Optimizers.restore", lambda *_: None)
        found, _ = trained(settings, keeper_of(tmp_path, settings))
    assert not all(torch.equal(found[name], value) for name, value in expected.items())


def test_there_is_always_one_whole_checkpoint(tmp_path: Path) -> None:
    settings = settings_of({})
    with pytest.raises(StoppedError):
        trained(settings, keeper_of(tmp_path, settings), 7)
    assert [path.name for path in tmp_path.iterdir()] == ["000000006"]
    (tmp_path / "writing").mkdir()  # as a killed process leaves it
    (tmp_path / "writing" / "state.json").write_text("{")
    kept = keeper_of(tmp_path, settings).load()
    assert kept is not None
    assert kept[1]["batches"] == 6


def test_a_checkpoint_is_taken_when_it_is_time(tmp_path: Path) -> None:
    trained(settings_of({}), keeper_of(tmp_path, settings_of({}), every=1_000))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        (lambda s: s.model_copy(update={"learning_rate": 0.5}), "other training"),
        (lambda s: s.model_copy(update={"seed": 8}), "other training"),
        (lambda s: s.model_copy(update={"plateau_factor": 0.5}), "other training"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(
    changed: Callable[[Training], Training], says: str, tmp_path: Path
) -> None:
    settings = settings_of({})
    with pytest.raises(StoppedError):
        trained(settings, keeper_of(tmp_path, settings), 3)
    with pytest.raises(ClickthroughError, match=rf"is of another run: {says}; leave out --resume"):
        keeper_of(tmp_path, changed(settings)).load()


def test_other_rows_are_another_run(tmp_path: Path) -> None:
    settings = settings_of({})
    with pytest.raises(StoppedError):
        trained(settings, keeper_of(tmp_path, settings), 3)
    other = made_table(1)
    other.inputs.numeric[5, 1] += np.float32(1e-6)
    with pytest.raises(ClickthroughError, match="other rows"):
        Keeper(tmp_path, identity_of(settings, other, made_model()), 0).load()


def test_other_threads_and_processes_are_no_other_run_but_told(tmp_path: Path) -> None:
    settings = settings_of({})
    with pytest.raises(StoppedError):
        trained(settings, keeper_of(tmp_path, settings), 3)
    same = keeper_of(tmp_path, settings)
    assert same.load() is not None
    assert not same.noted
    elsewhere = Place(Pretended(0, 2))
    lying = settings.model_copy(update={"tables": "sharded", "device": "cpu", "threads": 5})
    identity = identity_of(lying, made_table(1), made_model(), elsewhere)
    keeper = Keeper(tmp_path, identity | {"threads": 5}, 0)
    assert keeper.load() is not None
    assert "; processes was 1, is 2, threads was 1, is 5: sums are rounded" in keeper.noted


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    settings = settings_of({})
    with pytest.raises(StoppedError):
        trained(settings, keeper_of(tmp_path, settings), 3)
    path = tmp_path / "000000002" / "state.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ClickthroughError, match="000000002: not readable as a checkpoint"):
        keeper_of(tmp_path, settings).load()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    settings = settings_of({})
    with pytest.raises(DataError, match="cannot be written"):
        trained(settings, keeper_of(tmp_path / "file" / "below", settings), 3)


def command(config: Path, out: Path, *more: str) -> list[str]:
    run = "from clickthrough.cli import main; main()"
    return [sys.executable, "-c", run, "train", str(config), "--out", str(out),
            "--no-baselines", *more]  # fmt: skip


@pytest.mark.slow
def test_a_killed_process_goes_on_to_the_same_bundle(log_folder: Path, tmp_path: Path) -> None:
    values = make_values(log_folder)
    values["training"] = {"epochs": 3, "batch_size": 128, "patience": 3, "checkpoint_every": "0s"}
    values["data"]["cache"] = str(tmp_path / "cache")
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(values))
    whole, torn = tmp_path / "whole", tmp_path / "torn"
    subprocess.run(command(config, whole), check=True, capture_output=True, timeout=300)
    checkpoints = tmp_path / ".torn.training"
    for kills in range(2):
        process = subprocess.Popen(
            command(config, torn, "--resume"), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        least = 25 * (kills + 1)
        while process.poll() is None and count_of(checkpoints) < least:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait(60)
        assert process.returncode == -signal.SIGKILL, process.stderr and process.stderr.read()
        assert not torn.exists()
    done = subprocess.run(
        command(config, torn, "--resume"), check=True, capture_output=True, text=True, timeout=300
    )
    assert "going on from epoch" in done.stdout
    assert not checkpoints.exists()
    one, other = (load_file(path / layout.WEIGHTS) for path in (whole, torn))
    assert all(torch.equal(one[name], other[name]) for name in one)
    first, second = (json.loads((path / layout.METRICS).read_text()) for path in (whole, torn))
    assert first["epochs"] == second["epochs"]


def count_of(checkpoints: Path) -> int:
    """Return how many checkpoints were taken so far."""
    if not checkpoints.is_dir():
        return 0
    return max((int(path.name) for path in checkpoints.iterdir() if path.name.isdigit()), default=0)


def _edited(**changes: object) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        path = folder / "state.json"
        state = json.loads(path.read_text())
        state["numbers"] |= changes
        path.write_text(json.dumps(state))

    return edit


def _without(prefix: str) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        path = folder / "state.safetensors"
        kept = {n: v for n, v in load_file(path).items() if not n.startswith(prefix)}
        save_file(kept, path)

    return edit


@pytest.mark.parametrize(
    "edit",
    [
        lambda folder: (folder / "state.json").write_text("[]"),
        lambda folder: (folder / "state.json").write_text("{}"),
        lambda folder: (folder / "state.json").write_text('{"identity": [], "numbers": {}}'),
        _edited(epochs=[{"x": 1}]),
        _edited(batches="x"),
        _edited(batches=-1),
        _edited(batches=1_000_000_000),
        _edited(more=1),
        *(_without(prefix) for prefix in ("model/", "best/", "optimizers/", "random/")),
    ],
)
def test_a_checkpoint_that_was_changed_is_refused(
    edit: Callable[[Path], object], tmp_path: Path
) -> None:
    settings = settings_of({})
    with pytest.raises(StoppedError):
        trained(settings, keeper_of(tmp_path, settings), 3)
    (tmp_path / "000²").mkdir()  # a digit of another kind
    edit(tmp_path / "000000002")
    with pytest.raises(ClickthroughError, match=r"not readable as a checkpoint|of another run"):
        trained(settings, keeper_of(tmp_path, settings))
