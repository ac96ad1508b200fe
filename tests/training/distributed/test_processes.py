"""Two processes come to what one comes to; checkpoints go from any number to any other."""

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.training.distributed.cases import (
    CASES,
    CONTROLS,
    GONE_ON,
    RESUMED,
    Case,
    State,
    trained,
)
from tests.training.distributed.launch import torchrun
from tests.training.distributed.worker import stop

pytestmark = pytest.mark.slow

WORKER = "tests.training.distributed.worker"
TOLERANCE = 1e-6


@pytest.fixture(scope="module")
def by_one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of a checkpoint that one process left."""
    given = tmp_path_factory.mktemp("one") / "given"
    stop(CASES["pointwise"], given / "1")
    return given


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory, by_one: Path) -> Path:
    """What two processes came to."""
    return launched(2, tmp_path_factory.mktemp("two"), by_one, "all")


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory, by_one: Path, two: Path) -> Path:
    """What three processes came to, from what one and two had left."""
    folder = tmp_path_factory.mktemp("three")
    given = shutil.copytree(by_one, folder / "given")
    shutil.copytree(two / "kept", given, dirs_exist_ok=True)
    return launched(3, folder, given)


def launched(processes: int, folder: Path, given: Path, *more: str) -> Path:
    done = torchrun(processes, WORKER, folder, given, *more)
    assert done.returncode == 0, done.stderr
    return folder


_alone: dict[str, tuple[State, list[dict[str, float]]]] = {}


def alone(name: str) -> tuple[State, list[dict[str, float]]]:
    """Return what one process comes to."""
    if name not in _alone:
        state, epochs = trained(replace((CASES | CONTROLS)[name], breaking=""))
        _alone[name] = state, [asdict(epoch) for epoch in epochs]
    return _alone[name]


def gap(state: State, expected: State) -> float:
    """Return the largest difference of weights, tables, statistics, averages and moments."""
    assert set(state) == set(expected)
    names = [name for name in expected if not name.startswith("random/")]
    statistics = any("running_var" in name or "exponential" in name for name in names)  # fcn: none
    assert any("table" in name for name in names) and statistics
    assert sum(name.startswith("optimizers/") for name in names) > 10
    return max(float((state[n].double() - expected[n].double()).abs().max()) for n in names)


@pytest.mark.parametrize("name", list(CASES))
def test_two_processes_come_to_what_one_does(name: str, two: Path) -> None:
    expected, epochs = alone(name)
    assert int(expected["optimizers/0.0.step"]) > 30
    assert gap(load_file(two / f"{name}.safetensors"), expected) < TOLERANCE
    found = json.loads((two / f"{name}.json").read_text())
    assert len(found) == len(epochs) == CASES[name].settings.epochs
    for one, other in zip(found, epochs, strict=True):
        assert one == pytest.approx(other, abs=TOLERANCE)


@pytest.mark.parametrize("name", list(CONTROLS))
def test_what_is_left_out_matters(name: str, two: Path) -> None:
    """Without one of the exchanges the weights are others: the test above can fail."""
    assert gap(load_file(two / f"{name}.safetensors"), alone(name)[0]) > 1_000 * TOLERANCE


def test_case_lowers_its_rate_by_a_standstill_before_the_last_epoch() -> None:
    values = [epoch["monitored"] for epoch in alone("plateau")[1]]
    assert values[2] > values[1]


def test_case_averages_weights() -> None:
    assert any(name.startswith("optimizers/average.") for name in alone("pointwise")[0])


@pytest.mark.parametrize("name", list(RESUMED))
def test_as_many_processes_go_on_to_the_same_bits(name: str, two: Path) -> None:
    """Dropout among it, of which each process has a generator of its own."""
    whole, again = (load_file(two / f"{n}.safetensors") for n in (name, f"{name} again"))
    assert whole["random/own"].shape[0] == 2
    assert not torch.equal(*whole["random/own"])
    assert set(again) == set(whole)
    assert all(torch.equal(again[n], value) for n, value in whole.items())
    texts = [(two / f"{n}.json").read_text() for n in (name, f"{name} again")]
    assert texts[0] == texts[1]


@pytest.mark.parametrize("name", GONE_ON)
def test_two_processes_go_on_from_what_one_left(name: str, two: Path) -> None:
    assert gap(load_file(two / f"{name} from 1.safetensors"), alone(name)[0]) < TOLERANCE


@pytest.mark.parametrize("origin", ["1", *(f"2, {name}" for name in GONE_ON)])
@pytest.mark.parametrize("name", GONE_ON)
def test_three_processes_go_on_from_what_one_or_two_left(
    name: str, origin: str, three: Path
) -> None:
    state = load_file(three / f"{name} from {origin}.safetensors")
    assert gap(state, alone(name)[0]) < TOLERANCE


@pytest.mark.parametrize("name", GONE_ON)
def test_one_process_goes_on_from_what_two_left(name: str, two: Path, tmp_path: Path) -> None:
    kept = shutil.copytree(two / "kept" / f"2, {name}", tmp_path / "kept")
    state, _ = trained(CASES["pointwise"], kept)
    assert gap(state, alone("pointwise")[0]) < TOLERANCE


def test_a_checkpoint_holds_whole_tables_whoever_wrote_it(by_one: Path, two: Path) -> None:
    def shapes(kept: Path) -> dict[str, torch.Size]:
        (path,) = kept.glob("*/state.safetensors")
        return {n: v.shape for n, v in load_file(path).items() if not n.startswith("random/own")}

    expected = shapes(by_one / "1")
    assert any(shape[:1] == (60 + 11 + 25,) for shape in expected.values())
    assert all(shapes(two / "kept" / f"2, {name}") == expected for name in GONE_ON)


def test_cases_differ() -> None:
    assert gap(alone("pointwise")[0], alone("pointwise sharded")[0]) == 0  # one holds all rows
    assert isinstance(CASES["listwise"], Case)
