"""What preparing a log takes of a disk: as it was foretold, and refused where there is less."""

from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from clickthrough import room
from clickthrough.bundle import layout
from clickthrough.config import Config
from clickthrough.config.load import load_config
from clickthrough.data.dataset import Dataset
from clickthrough.data.open import open_dataset
from clickthrough.data.simulator.plain import write_log
from clickthrough.data.simulator.simulate import simulate
from clickthrough.data.simulator.world import Settings
from clickthrough.errors import DataError
from clickthrough.room import Need, see_to_room
from clickthrough.training import fit_module
from clickthrough.training.prepare import Prepared, needs_of, prepare
from clickthrough.training.resuming.checkpoint import Keeper, Numbers, Tensors
from clickthrough.training.room import REMEDY
from clickthrough.training.run import train

ENCODED, HISTORY = (0.95, 1.4), (0.8, 2.0)
"""What is foretold, as a share of what is used."""
IMPRESSIONS = 60_000


def criteo(path: Path) -> Path:
    """Write a log of Criteo's form: 13 counts, 26 hashes, some of each missing."""
    rng = np.random.default_rng(1)
    shown = {"label": rng.integers(0, 2, IMPRESSIONS)}
    shown |= {f"I{i}": rng.integers(0, 50, IMPRESSIONS) for i in range(13)}
    shown |= {f"C{i}": rng.integers(0, 2_000, IMPRESSIONS) for i in range(26)}
    blank = [pl.when(pl.col(n) > 3).then(n).alias(n) for n in shown if n != "label"]
    pl.DataFrame(shown).with_columns(blank).write_csv(path, include_header=False, separator="\t")
    return path


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("logs")
    write_log(folder / "plain", IMPRESSIONS)
    outbrain = simulate(folder / "outbrain", Settings(IMPRESSIONS))
    plain = folder / "plain" / "log.csv"
    return {
        "outbrain": outbrain,
        "original": outbrain,
        "synthetic": plain,
        "criteo": criteo(folder / "train.txt"),
    }


def opened(preset: str, log: Path, cache: Path) -> tuple[Dataset, Config]:
    config = load_config(preset, [log], [f"data.cache={cache}"])
    return open_dataset(config.data), config


def encoded_bytes(prepared: Prepared) -> int:
    arrays = [
        array
        for table in prepared.tables.values()
        for array in (*table.inputs.arrays().values(), *table.rates.values(), table.labels)
    ]
    return sum(array.nbytes for array in arrays)


def within(foretold: int, used: int, bounds: tuple[float, float]) -> bool:
    return bounds[0] * used <= foretold <= bounds[1] * used


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["outbrain", "original", "synthetic", "criteo"])
def test_history_and_encoded_rows(preset: str, logs: dict[str, Path], tmp_path: Path) -> None:
    dataset, config = opened(preset, logs[preset], tmp_path)
    rows = dataset.report.impressions
    history, encoded = needs_of(dataset, config, "live", rows)
    prepared = prepare(dataset, config, "live")
    files = (path for path in (dataset.path / "history").rglob("*") if path.is_file())
    kept = sum(path.stat().st_size for path in files)
    assert within(encoded.size, encoded_bytes(prepared), ENCODED)
    assert within(history.size, kept, HISTORY)
    again, _ = needs_of(dataset, config, "live", rows)
    assert again.size == 0  # it is kept


QUICK = ["training.epochs=1", "training.checkpoint_every=0s", "evaluation.bootstrap=0"]


def test_checkpoints_and_net(
    logs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    foretold, states, out = list[Need](), list[int](), tmp_path / "models"
    save = Keeper.save

    def saved(keeper: Keeper, tensors: Tensors, numbers: Numbers) -> None:
        save(keeper, tensors, numbers)
        states.append(sum(file.stat().st_size for file in keeper.folder.rglob("*.safetensors")))

    monkeypatch.setattr(fit_module, "see_to_room", lambda needs, _: foretold.extend(needs))
    monkeypatch.setattr(Keeper, "save", saved)
    settings = [f"data.cache={tmp_path / 'cache'}", *QUICK, "training.batch_size=20000"]
    config = load_config("original", [logs["original"]], [*settings, "model.embedding_dim=32"])
    train(config, out, baselines=False)
    state, then, meanwhile, *beside = (need.size for need in foretold)
    net, graph = (path.stat().st_size for path in (out / layout.WEIGHTS, out / layout.ONNX))
    assert within(state, max(states), ENCODED)
    assert within(then, max(net + graph, *states), ENCODED)
    assert within(meanwhile, graph, ENCODED)
    assert len(beside) == 2


def test_a_net_that_does_not_fit_is_not_trained(
    logs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = [f"data.cache={tmp_path / 'cache'}", *QUICK]
    config = load_config("original", [logs["original"]], settings)
    lacking = partial(see_to_room, remedy=REMEDY)

    def refused(needs: list[Need], _: str) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(room, "free", lambda _: 5_000_000)
            lacking(needs)

    monkeypatch.setattr(fit_module, "see_to_room", refused)
    with pytest.raises(DataError, match=r"\(checkpoint .*, bundle .*\) of disk; 5\.0 MB are free"):
        train(config, tmp_path / "models", baselines=False)
    assert not (tmp_path / "models").exists()


def test_a_disk_that_is_too_small_is_left_as_it_was(
    logs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, config = opened("synthetic", logs["synthetic"], tmp_path)
    before = sorted(dataset.path.rglob("*"))
    monkeypatch.setattr(room, "free", lambda _: 5_000_000)
    with pytest.raises(DataError, match=r"\(history .* MB, encoded rows .* MB\) of disk; 5\.0 MB"):
        prepare(dataset, config, "live")
    assert sorted(dataset.path.rglob("*")) == before
