"""A simulated log and the blocks behind it, shared by the tests of the simulator."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from clickthrough.data.simulator.simulate import simulate
from clickthrough.data.simulator.world import Block, Settings, World, make_blocks, make_world

SETTINGS = Settings(impressions=300_000, seed=7)


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a simulated log; no test may change it."""
    return simulate(tmp_path_factory.mktemp("simulated") / "log", SETTINGS)


@pytest.fixture(scope="session")
def table(simulated: Path) -> Callable[[str], pl.DataFrame]:
    """Reads a table of the simulated log, every column as text."""

    def read(name: str) -> pl.DataFrame:
        return pl.read_csv(simulated / f"{name}.csv", infer_schema=False)

    return read


@pytest.fixture(scope="session")
def world() -> World:
    """The world behind the log."""
    return make_world(SETTINGS.seed)


@pytest.fixture(scope="session")
def blocks(world: World) -> list[Block]:
    """The log, block by block."""
    return list(make_blocks(world, SETTINGS))


def train_rows(block: Block) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Say which impressions of a block are in clicks_train."""
    return np.repeat(block.shown.train, block.shown.size)
