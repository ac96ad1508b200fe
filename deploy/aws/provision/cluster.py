"""What is done inside the cluster: through kubectl and helm, with a configuration of its own."""

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from deploy.aws.provision.account import Account
from deploy.aws.provision.charts import Chart
from deploy.aws.provision.errors import RefusedError
from deploy.aws.provision.programs import run
from deploy.aws.provision.stack_state import Watched

KEPT = {"default", "kube-system", "kube-public", "kube-node-lease"}
"""Namespaces that a cluster always has."""
_ELSEWHERE = ("HELM_KUBE", "HELM_NAMESPACE", "HELM_DRIVER", "AWS_PROFILE", "AWS_DEFAULT_PROFILE")
_WHO_MAY = "who made it administers it, and whom AdminArn names; PublicAccessCidrs may reach it"
_UNDER_WAY = {"pending-upgrade", "pending-rollback"}
_HELM_MINUTES = 10
_DRIVER = "ebs.csi.aws.com"


@dataclass
class Cluster:
    """A cluster, whatever the caller's own kubectl is pointed at.

    Attributes:
        name: of the cluster.
        region: where it is.
        folder: where its configuration is kept; ``connect`` writes it.
        credentials: variables by which the AWS CLI is who asks.
        told: is told of what goes on.
        pause: seconds between two looks.
    """

    name: str
    region: str
    folder: Path
    credentials: Callable[[], dict[str, str]] = dict
    told: Callable[[str], None] = print
    pause: float = 5

    @property
    def _environment(self) -> dict[str, str]:
        """Variables of kubectl and helm: none of the caller's that would lead elsewhere."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(_ELSEWHERE)}
        own = {"KUBECONFIG": str(self.folder / "kubeconfig"), "KUBERC": "off"}
        return kept | self.credentials() | own | {"TZ": "UTC"}  # of helm's times

    def connect(self) -> None:
        """Write the configuration, and ask the API server something.

        Raises:
            RefusedError: it does not answer, or does not know the caller.
        """
        config = self._environment["KUBECONFIG"]
        asked = ("--name", self.name, "--region", self.region, "--kubeconfig", config)
        run("aws", "eks", "update-kubeconfig", *asked, environment=self._environment)
        try:
            self.kubectl("get", "namespaces", "--request-timeout", "15s")
        except RefusedError as error:
            raise RefusedError(f"the cluster does not answer: {error}; {_WHO_MAY}") from None

    def kubectl(self, *arguments: str, seconds: float = 120) -> str:
        """Run kubectl on this cluster."""
        return run("kubectl", *arguments, seconds=seconds, environment=self._environment)

    def listed(self, kind: str) -> list[dict[str, Any]]:
        """Return all objects of a kind, of all namespaces."""
        return list(json.loads(self.kubectl("get", kind, "-A", "-o", "json"))["items"])

    def nodes_ready(self, least: int, minutes: float) -> None:
        """Wait until as many nodes are ready.

        Raises:
            RefusedError: they are not in time.
        """
        end = time.monotonic() + minutes * 60
        while (ready := sum(map(_ready, self.listed("nodes")))) < least:
            if time.monotonic() > end:
                raise RefusedError(
                    f"nodes: {ready} of {least} are ready after {minutes:g} minutes: "
                    'see "A node that does not join" in docs/deploy.md'
                )
            time.sleep(self.pause)

    def install(self, chart: Chart) -> bool:
        """Install a chart, or bring it to its version and values; return whether that did anything.

        Raises:
            RefusedError: it could not be, or somebody else is at it.
        """
        state = self._release(chart)
        if state.get("status", "").startswith(("pending-", "uninstalling")):
            self._broken_off(chart, state)
        elif state.get("status") == "deployed" and self._same(chart, state):
            return False
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", dir=self.folder) as values:
            json.dump(chart.values, values)  # which is YAML too
            values.flush()
            self._helm(
                *("upgrade", "--install", chart.name, chart.name),
                *("--repo", chart.repository, "--version", chart.version),
                *("--namespace", chart.namespace, "--values", values.name),
                *("--wait", "--timeout", f"{_HELM_MINUTES}m", "--history-max", "5"),
            )
        return True

    def _helm(self, *arguments: str) -> str:
        return run(
            "helm", *arguments, seconds=_HELM_MINUTES * 60 + 60, environment=self._environment
        )

    def _release(self, chart: Chart) -> dict[str, str]:
        """Return what helm says of what is installed under a chart's name."""
        states = ("--deployed", "--failed", "--pending", "--uninstalling")
        told = self._helm("list", *states, "--namespace", chart.namespace, "-o", "json")
        found = [each for each in json.loads(told or "[]") if each["name"] == chart.name]
        return dict(found[0]) if found else {}

    def _same(self, chart: Chart, state: dict[str, str]) -> bool:
        asked = ("--namespace", chart.namespace, "-o", "json")
        values = json.loads(self._helm("get", "values", chart.name, *asked))
        return state["chart"] == f"{chart.name}-{chart.version}" and bool(values == chart.values)

    def _broken_off(self, chart: Chart, state: dict[str, str]) -> None:
        """Take back what an earlier run began and did not end."""
        began = datetime.strptime(state["updated"][:19], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
        if datetime.now(UTC) - began < timedelta(minutes=_HELM_MINUTES + 1):
            raise RefusedError(
                f"chart {chart.name}: somebody is at it since {began:%H:%M} UTC, or it was broken "
                f"off: {_HELM_MINUTES + 1} minutes after that up takes it back"
            )
        back = "rollback" if state["status"] in _UNDER_WAY else "uninstall"
        self._helm(back, chart.name, "--namespace", chart.namespace, "--wait")

    def balanced(self) -> list[tuple[str, str]]:
        """Return the namespaces and names of Services that have a load balancer."""
        return [
            (each["metadata"]["namespace"], each["metadata"]["name"])
            for each in self.listed("services")
            if each["spec"].get("type") == "LoadBalancer"
        ]

    def volumes(self) -> list[str]:
        """Return the disks that were made for claims."""
        return [
            each["spec"]["csi"]["volumeHandle"]
            for each in self.listed("persistentvolumes")
            if each["spec"].get("csi", {}).get("driver") == _DRIVER
        ]

    def clear(self) -> None:
        """Delete what would go on to bill: load balancers first, then namespaces with their disks.

        Raises:
            RefusedError: something does not go in time.
        """
        for namespace, name in self.balanced():
            self.told(f"service {namespace}/{name}: deleted, with its load balancer")
            self._delete("service", name, "--namespace", namespace)
        for each in self.listed("namespaces"):
            if (name := each["metadata"]["name"]) not in KEPT:
                self.told(f"namespace {name}: deleted, with its pods and volumes")
                self._delete("namespace", name)
        work = "deployments,statefulsets,daemonsets,cronjobs,jobs,pods,persistentvolumeclaims"
        self._delete(work, "--all", "--namespace", "default")
        self._without_volumes()

    def _delete(self, *what: str) -> None:
        asked = ("--ignore-not-found", "--interactive=false", "--timeout", "10m")
        self.kubectl("delete", *what, *asked, seconds=660)

    def _without_volumes(self, minutes: float = 5) -> None:
        """Wait until the disks are gone: the driver deletes them after their claims."""
        end = time.monotonic() + minutes * 60
        while left := self.volumes():
            if time.monotonic() > end:
                self.told(
                    f"volumes {', '.join(left)}: still there; they are looked for again below"
                )
                return
            time.sleep(self.pause)


@contextmanager
def in_cluster(account: Account, stacks: Watched) -> Iterator[Cluster]:
    """Lend the cluster of these stacks, with a configuration that ends with the block."""
    with tempfile.TemporaryDirectory() as folder:
        place, who = Path(folder), account.credentials
        yield Cluster(stacks.cluster, account.region, place, who, stacks.told, stacks.pause)


def _ready(node: dict[str, Any]) -> bool:
    conditions = node.get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
