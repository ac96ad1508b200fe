"""The image of jobs trains, and what it leaves is what the service's image serves."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from clickthrough.bundle import load_bundle
from clickthrough.config import Config
from tests.serving.hostile.servers import ORDINARY
from tests.stack.conftest import TRAIN
from tests.stack.container import started
from tests.stack.debian import add_base, default_release
from tests.stack.engine import Engine

pytestmark = pytest.mark.stack
USER = 10001
SCRATCH, CACHE = "/tmp:mode=1777", "data.cache=/tmp/cache"  # noqa: S108
Job = Callable[..., tuple[int, str]]


def release_for_torch() -> str:
    """Return the release whose Python the torch at hand is for, where no index has another."""
    wheels = Path(os.environ.get("PIP_FIND_LINKS", "/nowhere"))
    return "bookworm" if list(wheels.glob("torch-*-cp311-*")) else default_release()


@pytest.fixture(scope="module")
def train_image(engine: Engine, clone: Path) -> str:
    """The image of jobs."""
    release = release_for_torch()
    add_base(engine, release)
    chosen = ("--build-arg", f"DEBIAN={release}", "--target", "train", "--tag", TRAIN)
    engine.build(clone, *chosen)
    return TRAIN


@pytest.fixture
def job(engine: Engine, train_image: str, config: Config, log_folder: Path, tmp_path: Path) -> Job:
    """What runs a job over the log, which it cannot write to; it keeps bundles in ``/bundles``."""
    data, bundles = tmp_path / "data", tmp_path / "bundles"
    shutil.copytree(log_folder, data)
    data.chmod(0o755)
    described = config.model_dump_json().replace(str(log_folder), "/data")
    (data / "config.yaml").write_text(described)
    bundles.mkdir()
    os.chown(bundles, USER, USER)

    def run(*arguments: str) -> tuple[int, str]:
        return engine.tried(
            "run", "--rm", "--network", "none", "--read-only", "--tmpfs", SCRATCH,
            "--volume", f"{data}:/data:ro", "--volume", f"{bundles}:/bundles",
            train_image, *arguments,
        )  # fmt: skip

    return run


def test_a_job_trains_what_the_service_serves(
    job: Job, engine: Engine, bare_image: str, tmp_path: Path
) -> None:
    status, said = job("train", "/data/config.yaml", "--out", "/bundles/first", "--set", CACHE)
    assert status == 0, said
    made = load_bundle(tmp_path / "bundles" / "first")
    assert (tmp_path / "bundles" / "first").stat().st_uid == USER
    mounted = ("--volume", f"{tmp_path / 'bundles'}:/bundles:ro")
    with started(engine, bare_image, *mounted, "--env", "CTR_BUNDLE=/bundles/first") as running:
        status, said = running.ask("/predict", ORDINARY["/predict"])
    assert (status, said["version"]) == (200, made.manifest.version)


@pytest.mark.parametrize("wrong", [["--set", "data.cache=/data/cache"], ["--out", "/data/bundle"]])
def test_a_job_that_may_not_write_says_where(job: Job, tmp_path: Path, wrong: list[str]) -> None:
    chosen = ["--out", "/bundles/first", "--set", CACHE, *wrong]
    status, said = job("train", "/data/config.yaml", *chosen)
    assert (status, said.splitlines()[-1][:13]) == (2, "error: /data/"), said
    assert list((tmp_path / "bundles").iterdir()) == []


def test_a_log_that_may_not_be_read(job: Job, tmp_path: Path) -> None:
    (tmp_path / "data" / "log.csv").chmod(0o600)
    chosen = ["--out", "/bundles/first", "--set", CACHE]
    status, said = job("train", "/data/config.yaml", *chosen)
    assert (status, said.splitlines()[-1][:20]) == (2, "error: /data/log.csv"), said
