"""The real kubectl takes all that it is asked, though no cluster is there."""

import shutil
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from deploy.ci.cluster import Cluster
from deploy.ci.errors import PipelineError
from deploy.ci.kinds import Deployment, DeploymentStatus, Meta, Pod, waiting
from tests.deploy.ci.kubectl import NAMESPACE, Standin
from tests.lacking import lacking
from tests.ports import free_port

_DOCUMENT = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}


def _reached(cluster: Cluster) -> None:
    with ExitStack() as stack:
        stack.enter_context(cluster.reached())


ASKED: dict[str, Callable[[Cluster], object]] = {
    "namespace": Cluster.check,
    "deployment": Cluster.deployment,
    "apply": lambda cluster: cluster.apply([_DOCUMENT]),
    "rollout": lambda cluster: cluster.until_rolled_out(5),
    "replica sets": Cluster.replica_sets,
    "undo": lambda cluster: cluster.undo(1),
    "pods": Cluster.pods,
    "port": _reached,
}


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let kubectl ask a port of this machine at which nobody answers."""
    if shutil.which("kubectl") is None:
        reason = "no kubectl: https://kubernetes.io/docs/tasks/tools"
        lacking(reason)
    cluster = f"{{name: a, cluster: {{server: 'http://127.0.0.1:{free_port()}'}}}}"
    context = "{name: a, context: {cluster: a, user: a}}"
    (tmp_path / "config").write_text(
        f"{{apiVersion: v1, kind: Config, clusters: [{cluster}], contexts: [{context}],"
        " current-context: a}"
    )
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize("name", ASKED)
def test_a_cluster_that_does_not_answer_is_told_and_no_flag_is_unknown(name: str) -> None:
    with pytest.raises(PipelineError, match="refused") as told:
        ASKED[name](Cluster("ctr-staging"))
    assert "unknown" not in str(told.value)
    assert "memcache.go" not in str(told.value)
    assert len(str(told.value).splitlines()) == 1


@pytest.mark.usefixtures("nowhere")
def test_a_pod_that_does_not_say_its_metrics_has_none() -> None:
    assert Cluster("a")._counts(Pod(metadata=Meta(name="b"))) is None


def test_a_pod_without_a_reason_says_its_phase() -> None:
    pod = Pod(metadata=Meta(name="b"))
    assert waiting(pod) == "unknown, not ready"
    assert not pod.is_ready
    assert pod.restarts == 0


@pytest.mark.parametrize(("observed", "whole"), [(4, False), (5, True)])
def test_what_the_cluster_has_not_taken_up_yet_is_not_whole(observed: int, whole: bool) -> None:
    status = DeploymentStatus(observed, replicas=2, updated_replicas=2, available_replicas=2)
    assert Deployment(Meta(generation=5), status=status).is_whole == whole


def test_a_pod_that_was_told_to_end_is_not_watched(
    kubectl: Standin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", kubectl.env()["PATH"])
    kubectl.deployed(1)
    assert [pod.metadata.name for pod in Cluster(NAMESPACE).pods()] == ["ctr-service-1-a"]
