"""What tests share: a synthetic log, a bundle trained on it, and where real logs lie."""

import functools
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
import torch
from torch.onnx._internal.exporter._registration import ONNXRegistry

from clickthrough.bundle import Bundle, load_bundle
from clickthrough.config import Config
from clickthrough.training.run import train
from tests.lacking import lacking
from tests.logs import make_config, make_log, write_log
from tests.redis.server import RedisServer
from tests.serving.rich import Trained, train_rich

torch.set_num_threads(1)  # models are small here: threads would wait for each other
# the exporter would read the source of its 500 functions anew for each model: a third of its time
_read_once = staticmethod(functools.cache(ONNXRegistry.from_torchlib))
ONNXRegistry.from_torchlib = _read_once  # type: ignore[method-assign]

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """Take away what a command set up for its log: its stream ends with the test."""
    root, own = logging.getLogger(), logging.getLogger("clickthrough")
    handlers, levels = root.handlers[:], (root.level, own.level)
    yield
    for handler in root.handlers[:]:
        if handler not in handlers and not type(handler).__module__.startswith("_pytest"):
            root.removeHandler(handler)
    root.setLevel(levels[0])
    own.setLevel(levels[1])


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis server that tests share."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as made:
        yield made


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """A store that holds nothing; it waits long where the machine is busy."""
    redis_server.empty(1)
    return f"{redis_server.url}/1?deadline_ms=1000"


@pytest.fixture(scope="session")
def log() -> pl.DataFrame:
    """The synthetic log."""
    return make_log()


@pytest.fixture(scope="session")
def log_folder(tmp_path_factory: pytest.TempPathFactory, log: pl.DataFrame) -> Path:
    """A directory with the synthetic log and its side table."""
    folder = tmp_path_factory.mktemp("log")
    write_log(folder, log)
    return folder


@pytest.fixture(scope="session")
def config(log_folder: Path) -> Config:
    """A configuration for the synthetic log."""
    return make_config(log_folder)


@pytest.fixture(scope="session")
def bundle_path(tmp_path_factory: pytest.TempPathFactory, config: Config) -> Path:
    """A bundle trained on the synthetic log; no test may change it."""
    path = tmp_path_factory.mktemp("trained") / "bundle"
    train(config, path, baselines=False)
    return path


@pytest.fixture(scope="session")
def bundle(bundle_path: Path) -> Bundle:
    """The same bundle, loaded."""
    return load_bundle(bundle_path)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A bundle with every kind of feature; no test may change it."""
    return train_rich(tmp_path_factory.mktemp("rich"))


@pytest.fixture(scope="session")
def real_logs() -> Path:
    """The directory of real logs; without it the test is skipped, or fails where CI=true."""
    place = Path(os.environ.get("CTR_TEST_DATA") or ROOT.parent / "shared" / "data")
    if not place.is_dir():
        reason = f"no real logs at {place}: set CTR_TEST_DATA to their directory"
        lacking(reason)
    return place


@pytest.fixture(scope="session")
def ebnerd(real_logs: Path) -> Path:
    """The directory of the real EB-NeRD log."""
    return real_logs / "ebnerd"
