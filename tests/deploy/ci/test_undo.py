"""Going back finds what was there before, whatever was done meanwhile, and undoes nothing else."""

import signal
from pathlib import Path

import pytest

from deploy.ci.answers import Answers
from tests.deploy.ci.kubectl import NEW, NEWER, OLD, Standin, image
from tests.deploy.ci.played import answers_as, begun, state
from tests.deploy.ci.stand import Mood, standing
from tests.deploy.ci.verbs import ci, refused
from tests.serving.hostile.servers import Server
from tests.waiting import in_time

pytestmark = pytest.mark.stack  # each plays a release


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
    with begun(cluster, release, "rollout undo") as process:
        process.kill()  # half way back
        process.communicate(timeout=60)
    in_time(lambda: cluster.current() == image(OLD))
    cluster.keep(slow=[])
    undo = ("rollback", "--record", tmp_path / "record.json")
    done = ci(*undo, env=cluster.env())
    assert done.status == 0, done
    assert "what was there before is in place, which answers as before" in done.said
    assert cluster.kept()["revision"] == 3
    answers_as(cluster, old_bundle)


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
    with begun(cluster, release, "apply") as process:
        in_time(lambda: cluster.current() == image(NEW))
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    assert "rolled back to revision 1, which answers as before" in said
    assert cluster.current() == image(OLD)
    answers_as(cluster, old_bundle)


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
    assert state(tmp_path) == ("undone" if mood == "wrong" else "begun")


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


def test_an_apply_that_arrives_after_all_is_told_and_gone_back_from_again(
    cluster: Standin, release: list[object], old_bundle: Path, tmp_path: Path
) -> None:
    cluster.keep(belated=True)
    done = ci(*release, env=cluster.env())
    assert "NOT rolled back: what was there before is in place" in done.said
    assert "but now something else is there" in done.said
    assert cluster.current() == image(NEW)
    again = ci("rollback", "--record", tmp_path / "record.json", env=cluster.env())
    assert "rolled back to revision 1, which answers as before" in again.said
    answers_as(cluster, old_bundle)
