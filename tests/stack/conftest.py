"""One engine and one image of each kind for all tests of the stack."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.deploy.render import CONFIG, one, render
from tests.stack.debian import base_name, default_release, engine_over
from tests.stack.engine import Engine

SERVICE, BARE, TRAIN = "ctr-service:latest", "ctr-service:bare", "ctr-train:latest"


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """What builds and runs images, with Debian as the base."""
    with engine_over(default_release()) as made:
        yield made


@pytest.fixture(scope="session")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project as a fresh clone has it."""
    return copy_of_project(tmp_path_factory.mktemp("clone"))


@pytest.fixture(scope="session")
def service_image(engine: Engine, clone: Path, bundle_path: Path) -> str:
    """The image with a bundle in it, as the original's command builds it."""
    shutil.copytree(bundle_path, clone / "models")
    try:
        engine.build(clone, "--tag", SERVICE)
    finally:
        shutil.rmtree(clone / "models")
    return SERVICE


@pytest.fixture(scope="session")
def bare_image(engine: Engine, clone: Path) -> str:
    """The image without a bundle, which is mounted."""
    engine.build(clone, "--build-arg", "BUNDLE=", "--tag", BARE)
    return BARE


@pytest.fixture(scope="session")
def redis_image(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Debian's Redis under the name of the image that the manifests take."""
    stateful = one(render(CONFIG / "overlays" / "staging"), "StatefulSet", "ctr-redis")
    name = str(stateful["spec"]["template"]["spec"]["containers"][0]["image"])
    place = tmp_path_factory.mktemp("redis-image")
    (place / "Dockerfile").write_text(
        f"FROM {base_name(default_release())}\n"
        "RUN apt-get update && apt-get install -y --no-install-recommends redis-server\n"
        "RUN mkdir --mode 1777 /data\n"  # podman gives a volume to no group, as fsGroup asks
    )
    engine.build(place, "--tag", name)
    return name


def copy_of_project(place: Path) -> Path:
    """Copy the files that git knows, or would know."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, place / name)
    return place
