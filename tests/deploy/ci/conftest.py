"""What tests of the pipeline share: known answers, and a cluster that none is."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.ci.answers import Answers, write_answers
from deploy.ci.known import known_answers
from tests.deploy.ci.kubectl import NAMESPACE, NEW, OLD, Standin, image
from tests.deploy.render import copy_of_config
from tests.serving.bundles import another, calibrated
from tests.serving.hostile.servers import Server, serving


@pytest.fixture(scope="session")
def answers(bundle_path: Path) -> Answers:
    """What the tests' bundle answers."""
    return known_answers(bundle_path)


@pytest.fixture(scope="session")
def answers_file(answers: Answers, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same in a file."""
    file = tmp_path_factory.mktemp("answers") / "answers.json"
    write_answers(answers, file)
    return file


@pytest.fixture
def kubectl(tmp_path: Path) -> Standin:
    """A kubectl that stands for a cluster."""
    return Standin(tmp_path / "programs")


@pytest.fixture(scope="session")
def old_bundle(bundle_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What was trained before."""
    return another(bundle_path, tmp_path_factory.mktemp("old") / "bundle", calibrated(0.3))


@pytest.fixture(scope="session")
def old_service(old_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The real service with it."""
    with serving("serve", old_bundle, tmp_path_factory.mktemp("served")) as made:
        yield made


@pytest.fixture
def cluster(kubectl: Standin, old_service: Server) -> Standin:
    """A cluster in which the old service is deployed."""
    kubectl.serves(OLD, old_service.port)
    kubectl.deployed(OLD)
    return kubectl


@pytest.fixture
def release(overlay: Path, answers_file: Path, tmp_path: Path) -> list[object]:
    """What releases the new image to staging, in a hurry."""
    return [
        "release", "--overlay", overlay, "--namespace", NAMESPACE, "--image", image(NEW),
        "--answers", answers_file, "--record", tmp_path / "record.json",
        "--minutes", 0.05, "--interval", 0.2, "--rollout", 20,
    ]  # fmt: skip


@pytest.fixture(scope="session")
def overlay(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the manifests of staging."""
    return copy_of_config(tmp_path_factory.mktemp("manifests")) / "overlays" / "staging"
