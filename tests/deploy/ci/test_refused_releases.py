"""What cannot be released: a line that says why, and nothing is applied."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.ci.kubectl import BALANCED, LABELS, Standin
from tests.deploy.ci.verbs import refused

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def nothing_applied(cluster: Standin, tmp_path: Path) -> Iterator[None]:
    yield
    assert not [line for line in cluster.asked() if line.startswith("apply")]
    assert not (tmp_path / "record.json").exists()


@pytest.mark.parametrize(
    "name", ["ctr-service", "ctr-service:0.1.0", "a@sha256:0", "A@sha256:" + 64 * "0", ""]
)
def test_an_image_without_a_digest(name: str, cluster: Standin, release: list[object]) -> None:
    said = refused(*release, "--image", name, env=cluster.env())
    assert "expected REPOSITORY@sha256:" in said


def test_a_namespace_that_is_not_there(cluster: Standin, release: list[object]) -> None:
    cluster.keep(namespace="another")
    said = refused(*release, env=cluster.env())
    assert "namespace ctr-staging: kubectl get" in said
    assert "not found" in said


def test_a_namespace_in_which_a_controller_would_not_do_its_part(
    cluster: Standin, release: list[object]
) -> None:
    cluster.keep(labels={**LABELS, "pod-security.kubernetes.io/enforce": "baseline"})
    said = refused(*release, env=cluster.env())
    assert "namespace ctr-staging: lacks pod-security.kubernetes.io/enforce=restricted" in said
    assert "an administrator applies the overlay's Namespace" in said


def test_behind_a_load_balancer_a_namespace_has_to_say_so(
    cluster: Standin, release: list[object], overlay: Path
) -> None:
    cluster.keep(labels={key: text for key, text in LABELS.items() if key != BALANCED})
    said = refused(*release, "--overlay", overlay.parent / "aws-staging", env=cluster.env())
    assert "lacks elbv2.k8s.aws/pod-readiness-gate-inject=enabled: " in said


def test_a_namespace_that_the_overlay_is_not_for(cluster: Standin, release: list[object]) -> None:
    said = refused(*release, "--namespace", "ctr-production", env=cluster.env())
    assert "is for namespace ctr-staging, not for ctr-production" in said


def test_a_namespace_that_is_no_name(cluster: Standin, release: list[object]) -> None:
    assert "--namespace A b" in refused(*release, "--namespace", "A b", env=cluster.env())


def test_a_cluster_that_is_away(cluster: Standin, release: list[object]) -> None:
    cluster.keep(away=True)
    assert "The connection to the server was refused" in refused(*release, env=cluster.env())


def test_no_kubectl(cluster: Standin, release: list[object], tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    env = {**cluster.env(), "PATH": str(tmp_path / "none")}
    assert "kubectl: there is no such program here" in refused(*release, env=env)


def test_no_overlay(cluster: Standin, release: list[object], tmp_path: Path) -> None:
    said = refused(*release, "--overlay", tmp_path / "nowhere", env=cluster.env())
    assert "no kustomization.yaml there" in said


def test_an_overlay_that_cannot_be_rendered(
    cluster: Standin, release: list[object], tmp_path: Path
) -> None:
    (tmp_path / "kustomization.yaml").write_text("resources: [nowhere.yaml]")
    said = refused(*release, "--overlay", tmp_path, env=cluster.env())
    assert "nowhere.yaml" in said


def test_an_image_of_a_job_that_is_an_example(
    cluster: Standin, release: list[object], overlay: Path, tmp_path: Path
) -> None:
    shutil.copytree(overlay.parents[1], tmp_path / "config", symlinks=True)
    changed = tmp_path / "config" / "overlays" / "staging"
    file = changed / "kustomization.yaml"
    own = "  - ../../components/redis\n"
    file.write_text(file.read_text().replace(own, f"{own}  - ../../components/retraining\n"))
    said = refused(*release, "--overlay", changed, env=cluster.env())
    assert "ctr-train:0.1.0 is an example" in said


def test_a_record_that_is_none(tmp_path: Path) -> None:
    file = tmp_path / "other.json"
    assert "No such file" in refused("rollback", "--record", file)
    file.write_text("{}")
    assert "no record of a release" in refused("rollback", "--record", file)
