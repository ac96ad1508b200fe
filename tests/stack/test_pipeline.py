"""The image answers what its bundle answers, and one whose container ends is seen."""

import subprocess
from pathlib import Path

import pytest

from tests.asking import ask
from tests.deploy.ci.verbs import ci, command, environment
from tests.stack.container import started
from tests.stack.engine import Engine
from tests.waiting import in_time

pytestmark = pytest.mark.stack


@pytest.fixture
def answers(bundle_path: Path, tmp_path: Path) -> Path:
    """What the bundle in the image answers."""
    file = tmp_path / "answers.json"
    assert ci("known", bundle_path, "--out", file).status == 0
    return file


def test_the_image_answers_as_its_bundle(engine: Engine, service_image: str, answers: Path) -> None:
    with started(engine, service_image) as made:
        where = ("--url", f"http://127.0.0.1:{made.port}", "--answers", answers)
        smoke = ci("smoke", *where)
        watch = ci("watch", *where, "--minutes", 0.1, "--interval", 1)
    assert smoke.status == 0, smoke
    assert watch.status == 0, watch


def test_a_container_that_ends_while_it_is_watched_is_seen(
    engine: Engine, service_image: str, answers: Path
) -> None:
    with started(engine, service_image) as made:
        url = f"http://127.0.0.1:{made.port}"
        asked = command("watch", "--url", url, "--answers", answers, "--minutes", 2)
        with subprocess.Popen(
            [*asked, "--interval", "0.5"], env=environment(), stderr=subprocess.PIPE, text=True
        ) as process:
            in_time(lambda: b'route="/rank"' in ask(made.port, "/metrics")[1])  # it has looked
            engine.podman("kill", made.name)
            _, said = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "not ready any more" in said or "no answer" in said, said
