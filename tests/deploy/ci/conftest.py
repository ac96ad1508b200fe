"""What tests of the pipeline share: known answers, and a cluster that none is."""

from pathlib import Path

import pytest

from deploy.ci.answers import Answers, write_answers
from deploy.ci.known import known_answers
from tests.deploy.ci.kubectl import Standin


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
