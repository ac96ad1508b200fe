"""The smoke test passes for a service that answers as known, and names what differs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.ci.answers import Answers, write_answers
from deploy.ci.known import known_answers
from tests.deploy.ci.stand import Mood, standing
from tests.deploy.ci.verbs import Done, ci, refused
from tests.ports import free_port
from tests.serving.bundles import another, calibrated
from tests.serving.hostile.servers import Server, serving

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def real(bundle_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The real service with the tests' bundle."""
    with serving("serve", bundle_path, tmp_path_factory.mktemp("served")) as made:
        yield made


def _smoke(port: int, answers: Path, *more: object) -> Done:
    return ci("smoke", "--url", f"http://127.0.0.1:{port}", "--answers", answers, *more)


def test_the_real_service_passes_whatever_events_it_heard(real: Server, answers_file: Path) -> None:
    first = _smoke(real.port, answers_file)
    assert first.status == 0, first
    events = [
        {"type": "impression", "display_id": f"r{n}", "uuid": f"u{n}", "ad": 100 + n % 40,
         "platform": "mobile", "price": 1.0}
        for n in range(50)
    ]  # fmt: skip
    assert real.ask("/events", {"events": events})[0] == 200
    again = _smoke(real.port, answers_file)
    assert again.status == 0, again
    assert "probabilities as known" in again.said


def test_another_version_and_other_probabilities_are_named(
    real: Server, bundle_path: Path, tmp_path: Path
) -> None:
    other = known_answers(another(bundle_path, tmp_path / "bundle", calibrated(0.3)))
    write_answers(other, tmp_path / "other.json")
    done = _smoke(real.port, tmp_path / "other.json")
    assert done.status == 1
    assert f"expected {other.version}" in done.said
    named = [line for line in done.said.splitlines() if ", row " in line]
    assert len(named) == sum(len(each.probabilities) for each in other.questions)


@contextmanager
def _stood(answers: Answers, mood: Mood) -> Iterator[int]:
    with standing(answers, mood) as made:
        yield made.server_port


def test_a_stand_in_that_is_good_passes(answers: Answers, answers_file: Path) -> None:
    with _stood(answers, "good") as port:
        assert _smoke(port, answers_file).status == 0


@pytest.mark.parametrize(
    ("mood", "told"),
    [
        ("wrong", "/predict, row 0: "),
        ("errors", "/predict: 500 "),
        ("open", "/predict: 200 {}, expected a refusal"),
    ],
)
def test_what_is_bad_is_named(mood: Mood, told: str, answers: Answers, answers_file: Path) -> None:
    with _stood(answers, mood) as port:
        done = _smoke(port, answers_file)
    assert done.status == 1
    assert told in done.said
    assert "Traceback" not in done.said


def test_a_store_that_is_away_is_named(answers: Answers, answers_file: Path) -> None:
    with _stood(answers, "away") as port:
        done = _smoke(port, answers_file)
    assert done.status == 1
    assert "expected ok and a store that answers" in done.said


def test_a_larger_tolerance_takes_it(answers: Answers, answers_file: Path) -> None:
    with _stood(answers, "wrong") as port:
        assert _smoke(port, answers_file, "--tolerance", 0.02).status == 0


def test_who_never_gets_ready_is_not_waited_for_without_end(
    answers: Answers, answers_file: Path
) -> None:
    with _stood(answers, "unready") as port:
        done = _smoke(port, answers_file, "--ready", 0.5)
    assert done.status == 1
    assert "not ready after 0 s: 503" in done.said or "not ready after 1 s: 503" in done.said


def test_nobody_there(answers_file: Path) -> None:
    done = _smoke(free_port(), answers_file, "--ready", 0.5)
    assert done.status == 1
    assert "no answer: Connection refused" in done.said


@pytest.mark.parametrize("url", ["", "localhost:8000", "ftp://a", "http://", "http://a:b"])
def test_what_is_no_url_is_refused(url: str, answers_file: Path) -> None:
    assert "--url" in refused("smoke", "--url", url, "--answers", answers_file)


def test_where_is_asked_for_once(answers_file: Path) -> None:
    assert "--namespace is required" in refused("smoke", "--answers", answers_file)
    both = ("--url", "http://a", "--namespace", "a")
    assert "not allowed" in refused("smoke", *both, "--answers", answers_file)
    assert "No such file" in refused("smoke", "--url", "http://a", "--answers", "/nowhere")
