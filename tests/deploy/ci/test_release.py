"""A release that is good stays; one that is bad goes back by itself, and says why."""

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from deploy.ci.answers import Answers
from deploy.ci.known import known_answers
from deploy.ci.service import Service
from deploy.ci.smoke import TOLERANCE, smoke
from tests.deploy.ci.kubectl import NAMESPACE, NEW, NEWER, OLD, Standin, image
from tests.deploy.ci.stand import Mood, Stand, callers, standing
from tests.deploy.ci.verbs import Done, ci, command, refused
from tests.serving.hostile.servers import Server, serving
from tests.waiting import in_time

pytestmark = pytest.mark.stack  # each plays services that turn bad, for some seconds


def _answers_as(cluster: Standin, bundle: Path) -> None:
    """See that what the cluster serves answers as a bundle does."""
    port = cluster.kept()["ports"][cluster.current()]
    smoke(Service(f"http://127.0.0.1:{port}"), known_answers(bundle), TOLERANCE, 10)


def _state(tmp_path: Path) -> str:
    return str(json.loads((tmp_path / "record.json").read_text())["state"])


def test_a_good_release_stays(
    cluster: Standin, release: list[object], bundle_path: Path, tmp_path: Path
) -> None:
    with serving("serve", bundle_path, tmp_path) as new:
        cluster.serves(NEW, new.port)
        done = ci(*release, env=cluster.env())
        assert done.status == 0, done
        assert cluster.current() == image(NEW)
        _answers_as(cluster, bundle_path)
    assert "probabilities as known" in done.said
    assert _state(tmp_path) == "good"
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
    _answers_as(cluster, old_bundle)
    assert _state(tmp_path) == "undone"


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


@contextmanager
def _begun(
    cluster: Standin, release: list[object], until: str
) -> Iterator["subprocess.Popen[str]"]:
    """Begin a release; go on once kubectl was asked for something."""
    with subprocess.Popen(
        command(*release), env=cluster.env(), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        in_time(lambda: any(line.startswith(until) for line in cluster.asked()))
        yield process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_one_that_is_cancelled_goes(
    number: signal.Signals, cluster: Standin, release: list[object], old_bundle: Path,
    tmp_path: Path,
) -> None:  # fmt: skip
    cluster.keep(slow=[image(NEW)])
    with _begun(cluster, release, "rollout status") as process:
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 143
    assert f"told to end by {number.name}" in said
    _went_back(Done(143, "", said), cluster, old_bundle, tmp_path)


def test_one_that_was_killed_is_undone_by_its_record(
    cluster: Standin, release: list[object], old_bundle: Path, tmp_path: Path
) -> None:
    cluster.keep(slow=[image(NEW)])
    with _begun(cluster, release, "rollout status") as process:
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


def test_the_first_deployment_says_that_there_is_nothing_to_go_back_to(
    kubectl: Standin, release: list[object]
) -> None:
    kubectl.keep(unready=[image(NEW)])
    done = ci(*release, env=kubectl.env())
    assert done.status == 1
    assert "NOT rolled back: there was nothing before" in done.said
    assert not [line for line in kubectl.asked() if line.startswith("rollout undo")]


def test_an_image_that_is_there_already_is_not_gone_back_from(
    cluster: Standin, release: list[object], old_service: Server
) -> None:
    cluster.serves(NEW, old_service.port)
    deployed = ci("deploy", *release[1 : release.index("--minutes")], env=cluster.env())
    assert deployed.status == 0, deployed
    done = ci(*release, env=cluster.env())
    assert done.status == 1
    assert "what was there before is in place, which answers as before" in done.said
    assert cluster.kept()["revision"] == 2


def test_what_the_cluster_refuses_changes_nothing(cluster: Standin, release: list[object]) -> None:
    cluster.keep(refuses=True)
    done = ci(*release, env=cluster.env())
    assert done.status == 1
    assert "the server refuses it" in done.said
    assert "what was there before is in place" in done.said
    assert cluster.current() == image(OLD)


def test_going_back_twice_finds_what_was_renumbered(
    cluster: Standin, release: list[object], old_bundle: Path, old_service: Server, tmp_path: Path
) -> None:
    cluster.serves(NEW, old_service.port)
    cluster.keep(slow=[image(OLD)])
    with _begun(cluster, release, "rollout undo") as process:
        process.kill()  # half way back
        process.communicate(timeout=60)
    in_time(lambda: cluster.current() == image(OLD))
    cluster.keep(slow=[])
    undo = ("rollback", "--record", tmp_path / "record.json")
    done = ci(*undo, env=cluster.env())
    assert done.status == 0, done
    assert "what was there before is in place, which answers as before" in done.said
    assert cluster.kept()["revision"] == 3
    _answers_as(cluster, old_bundle)


def test_a_revision_whose_number_has_changed_is_found(
    cluster: Standin, release: list[object], old_service: Server, tmp_path: Path
) -> None:
    cluster.serves(NEW, old_service.port)
    given = ("deploy", *release[1 : release.index("--minutes")])
    assert ci(*given, env=cluster.env()).status == 0
    old, new = cluster.kept()["sets"]
    cluster.keep(sets=[{**old, "revision": 3}, {**new, "revision": 4}], revision=4)
    done = ci("rollback", "--record", tmp_path / "record.json", env=cluster.env())
    assert "rolled back to revision 3, which answers as before" in done.said
    assert cluster.current() == image(OLD)


def test_one_that_is_gone_from_the_history_is_told(
    cluster: Standin, release: list[object], old_service: Server, tmp_path: Path
) -> None:
    cluster.serves(NEW, old_service.port)
    given = ("deploy", *release[1 : release.index("--minutes")])
    assert ci(*given, env=cluster.env()).status == 0
    cluster.keep(sets=cluster.kept()["sets"][1:])
    done = ci("rollback", "--record", tmp_path / "record.json", env=cluster.env())
    assert done.status == 1
    assert "no ReplicaSet of what was there before is left" in done.said


def test_one_that_is_cancelled_before_the_cluster_has_numbered_it_goes(
    cluster: Standin, release: list[object], old_bundle: Path
) -> None:
    cluster.keep(late=True, lingers=True)
    with _begun(cluster, release, "apply") as process:
        in_time(lambda: cluster.current() == image(NEW))
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    assert "rolled back to revision 1, which answers as before" in said
    assert cluster.current() == image(OLD)
    _answers_as(cluster, old_bundle)


def test_an_old_record_does_not_undo_a_newer_release(
    cluster: Standin, release: list[object], old_service: Server, tmp_path: Path
) -> None:
    cluster.serves(NEW, old_service.port)
    given = ["deploy", *release[1 : release.index("--minutes")]]
    assert ci(*given, env=cluster.env()).status == 0
    cluster.serves(NEWER, old_service.port)
    newer = ("--image", image(NEWER), "--record", tmp_path / "newer.json")
    assert ci(*given, *newer, env=cluster.env()).status == 0
    said = refused("rollback", "--record", tmp_path / "record.json", env=cluster.env())
    assert "is neither what the release brought nor what was there before" in said
    assert cluster.current() == image(NEWER)


@pytest.mark.parametrize(
    ("mood", "told"),
    [("wrong", "rolled back to revision 1, version"), ("errors", "NOT rolled back: /predict: 500")],
)
def test_going_back_needs_answers_and_tells_where_they_differ(
    mood: Mood, told: str, cluster: Standin, release: list[object], answers: Answers, tmp_path: Path
) -> None:
    with standing(answers) as old:
        cluster.serves(OLD, old.server_port)
        old.turns = (len(answers.questions), mood)
        cluster.keep(unready=[image(NEW)])
        done = ci(*release, env=cluster.env())
    assert done.status == 1
    assert told in done.said
    assert ("row 0: " in done.said) == (mood == "wrong")
    assert _state(tmp_path) == ("undone" if mood == "wrong" else "begun")


def test_going_back_to_another_version_is_told(
    cluster: Standin, release: list[object], answers: Answers, tmp_path: Path
) -> None:
    with standing(answers) as old:
        cluster.serves(OLD, old.server_port)
        cluster.serves(NEW, old.server_port)
        given = ("deploy", *release[1 : release.index("--minutes")])
        assert ci(*given, env=cluster.env()).status == 0
        old.answers = Answers("another", answers.questions)
        done = ci("rollback", "--record", tmp_path / "record.json", env=cluster.env())
    assert done.status == 1
    assert "/model: version another, expected" in done.said
