"""A release that is good stays; one that is bad goes back by itself, and says why."""

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from deploy.ci.answers import Answers
from tests.deploy.ci.kubectl import NAMESPACE, NEW, OLD, Standin, image
from tests.deploy.ci.played import answers_as, begun, state
from tests.deploy.ci.stand import Mood, Stand, callers, standing
from tests.deploy.ci.verbs import Done, ci, refused
from tests.serving.hostile.servers import Server, serving

pytestmark = pytest.mark.stack  # each plays services that turn bad, for some seconds


def test_a_good_release_stays(
    cluster: Standin, release: list[object], bundle_path: Path, tmp_path: Path
) -> None:
    with serving("serve", bundle_path, tmp_path) as new:
        cluster.serves(NEW, new.port)
        done = ci(*release, env=cluster.env())
        assert done.status == 0, done
        assert cluster.current() == image(NEW)
        answers_as(cluster, bundle_path)
    assert "probabilities as known" in done.said
    assert state(tmp_path) == "good"
    kinds = {each["kind"] for each in cluster.applied()}
    assert "Namespace" not in kinds
    assert {"Deployment", "Service", "NetworkPolicy"} <= kinds


def _went_back(done: Done, cluster: Standin, old_bundle: Path, tmp_path: Path) -> None:
    """See that the release failed, and that what was there before answers."""
    assert done.status != 0, done
    assert "rolled back to revision 1, which answers as before" in done.said
    assert "Traceback" not in done.said
    assert cluster.current() == image(OLD)
    assert cluster.kept()["revision"] == 3
    answers_as(cluster, old_bundle)
    assert state(tmp_path) == "undone"


@pytest.mark.parametrize(
    ("mood", "told"),
    [
        ("wrong", "row 0: "),
        ("errors", "/predict: 500"),
        ("slow", "latency: p99"),
        ("unready", "not ready any more: ctr-service-2-a"),
    ],
)
def test_a_service_that_turns_bad_while_it_is_watched_goes(
    mood: Mood,
    told: str,
    cluster: Standin,
    release: list[object],
    ask_always: Callable[[Stand], None],
    request: pytest.FixtureRequest,
) -> None:
    answers: Answers = request.getfixturevalue("answers")
    with standing(answers) as new:
        new.turns = (2 * len(answers.questions), mood)
        cluster.serves(NEW, new.server_port)
        if mood == "slow":
            ask_always(new)
        if mood == "unready":  # its pods, which the stand-in says, a while after the rollout
            cluster.keep(turns=image(NEW))
        more = ("--minutes", 0.5, "--max-p99", 0.05)
        done = ci(*release, *more, env=cluster.env())
    assert told in done.said
    assert "of watching" in done.said
    places = map(request.getfixturevalue, ("old_bundle", "tmp_path"))
    _went_back(done, cluster, *places)


@pytest.fixture
def ask_always() -> Iterator[Callable[[Stand], None]]:
    """Let others ask a service, too."""
    with ExitStack() as stack:
        yield lambda stand: stack.enter_context(callers(stand))


def test_a_cluster_that_does_not_answer_once_is_no_reason(
    cluster: Standin, release: list[object], bundle_path: Path, tmp_path: Path
) -> None:
    with serving("serve", bundle_path, tmp_path) as new:
        cluster.serves(NEW, new.port)
        cluster.keep(stumbles=["get pods", "get --raw", "port-forward"])
        done = ci(*release, "--minutes", 0.1, env=cluster.env())
    assert done.status == 0, done
    assert not cluster.stumbling()


def test_one_that_differs_in_the_smoke_test_goes(
    cluster: Standin, release: list[object], old_bundle: Path, old_service: Server, tmp_path: Path
) -> None:
    cluster.serves(NEW, old_service.port)  # the new image has the old bundle in it
    done = ci(*release, env=cluster.env())
    assert "smoke test:" in done.said
    assert "watching" not in done.said
    _went_back(done, cluster, old_bundle, tmp_path)


def test_one_whose_pods_never_get_ready_goes(
    cluster: Standin, release: list[object], old_bundle: Path, tmp_path: Path
) -> None:
    cluster.keep(unready=[image(NEW)])
    done = ci(*release, env=cluster.env())
    assert "the rollout is not done after 20 s at most" in done.said
    assert "ctr-service-2-a: ImagePullBackOff" in done.said
    _went_back(done, cluster, old_bundle, tmp_path)


def test_one_that_is_restarted_goes(
    cluster: Standin, release: list[object], answers: Answers, old_bundle: Path, tmp_path: Path
) -> None:
    with standing(answers) as new:
        cluster.serves(NEW, new.server_port)
        cluster.keep(restarts={image(NEW): "grows"})
        done = ci(*release, env=cluster.env())
    assert "restarts: " in done.said
    _went_back(done, cluster, old_bundle, tmp_path)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_one_that_is_cancelled_goes(
    number: signal.Signals, cluster: Standin, release: list[object], old_bundle: Path,
    tmp_path: Path,
) -> None:  # fmt: skip
    cluster.keep(slow=[image(NEW)])
    with begun(cluster, release, "rollout status") as process:
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 143
    assert f"told to end by {number.name}" in said
    _went_back(Done(143, "", said), cluster, old_bundle, tmp_path)


def test_one_that_was_killed_is_undone_by_its_record(
    cluster: Standin, release: list[object], old_bundle: Path, tmp_path: Path
) -> None:
    cluster.keep(slow=[image(NEW)])
    with begun(cluster, release, "rollout status") as process:
        process.kill()
        process.communicate(timeout=60)
    assert cluster.current() == image(NEW)
    undo = ("rollback", "--record", tmp_path / "record.json")
    _went_back(Done(1, "", ci(*undo, env=cluster.env()).said), cluster, old_bundle, tmp_path)
    again = ci(*undo, env=cluster.env())
    assert again.status == 0
    assert "the release is undone: nothing to undo" in again.said
    assert cluster.kept()["revision"] == 3


def test_its_steps_do_the_same_one_by_one(
    cluster: Standin, release: list[object], answers: Answers, old_bundle: Path, tmp_path: Path
) -> None:
    where = ("--namespace", NAMESPACE, "--answers", release[release.index("--answers") + 1])
    watch = ("watch", *where, "--minutes", 0.02, "--interval", 0.2)
    env = cluster.env()
    with standing(answers) as new:
        cluster.serves(NEW, new.server_port)
        done = ci("deploy", *release[1 : release.index("--minutes")], env=env)
        assert done.status == 0, done
        assert ci("smoke", *where, env=env).status == 0
        assert ci(*watch, env=env).status == 0
        new.mood = "wrong"
        assert "row 0: " in ci("smoke", *where, env=env).said
        assert ci(*watch, env=env).status == 1
    undone = ci("rollback", "--record", tmp_path / "record.json", env=env)
    _went_back(Done(1, "", undone.said), cluster, old_bundle, tmp_path)


@pytest.mark.parametrize("verb", ["smoke", "watch"])
def test_a_cluster_without_the_namespace_is_refused(
    verb: str, cluster: Standin, answers_file: Path
) -> None:
    asked = (verb, "--namespace", "another", "--answers", answers_file)
    assert "namespace another: kubectl get" in refused(*asked, env=cluster.env())
