"""A namespace of a cluster and the service in it, by kubectl.

All that is asked, a role may do that is an editor of the one namespace.
"""

import queue
import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, Any, TypeVar

import msgspec

from deploy.ci.command import run, running
from deploy.ci.errors import PipelineError, UsageError
from deploy.ci.kinds import Deployment, Pod, Pods, ReplicaSet, ReplicaSets, Space, waiting
from deploy.ci.metrics import Counts
from deploy.ci.service import Service
from deploy.ci.watch import Instance

DEPLOYMENT = "ctr-service"
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_FORWARDED = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+) ->")
_PORT = 8000
_SELECTOR = f"app.kubernetes.io/name={DEPLOYMENT}"
_ONE_REQUEST = "--request-timeout=30s"
T = TypeVar("T")


class Cluster:
    """A namespace in which the service is, or will be.

    Args:
        namespace: its name.

    Raises:
        UsageError: the name is none.
    """

    def __init__(self, namespace: str) -> None:
        if not _NAME.fullmatch(namespace):
            raise UsageError(f"--namespace {namespace}: expected small letters, digits and hyphens")
        self.namespace = namespace

    def check(self, labels: Mapping[str, str] | None = None) -> None:
        """See that the namespace is there.

        Args:
            labels: which it has to have: what a controller does in it depends on them.

        Raises:
            UsageError: it is not, lacks one, or the cluster cannot be reached.
        """
        try:
            text = self._kubectl(
                "get", "namespace", self.namespace, "--output", "json", _ONE_REQUEST
            )
        except PipelineError as error:
            raise UsageError(f"namespace {self.namespace}: {error}") from None
        has = _decoded(text, Space).metadata.labels
        lacks = [f"{key}={value}" for key, value in (labels or {}).items() if has.get(key) != value]
        if lacks:
            raise UsageError(
                f"namespace {self.namespace}: lacks {', '.join(lacks)}: an administrator applies "
                "the overlay's Namespace"
            )

    def deployment(self) -> Deployment | None:
        """Return the service's Deployment; None before the first."""
        text = self._kubectl(
            "get", "deployment", DEPLOYMENT, "--ignore-not-found", "--output", "json", _ONE_REQUEST
        )
        return _decoded(text, Deployment) if text.strip() else None

    def apply(self, documents: Sequence[Mapping[str, Any]]) -> None:
        """Apply manifests."""
        listed = {"apiVersion": "v1", "kind": "List", "items": list(documents)}
        text = msgspec.json.encode(listed).decode()
        self._kubectl("apply", "--filename", "-", text=text, seconds=120)

    def until_rolled_out(self, seconds: float) -> None:
        """Wait until all pods are new and ready.

        Raises:
            PipelineError: they are not, after so many seconds: names those that are not.
        """
        asked = ("rollout", "status", f"deployment/{DEPLOYMENT}", f"--timeout={seconds:.0f}s")
        try:
            self._kubectl(*asked, seconds=seconds + 30)
        except PipelineError as error:
            text = f"the rollout is not done after {seconds:.0f} s at most: {error}"
            raise PipelineError("; ".join([text, *self._not_ready()])) from None

    def undo(self, revision: int) -> None:
        """Tell the Deployment to become again what it was."""
        self._kubectl("rollout", "undo", f"deployment/{DEPLOYMENT}", f"--to-revision={revision}")

    def replica_sets(self) -> list[ReplicaSet]:
        """Return what the Deployment can become again."""
        found = _decoded(
            self._kubectl("get", "replicasets", "--output", "json", _ONE_REQUEST), ReplicaSets
        )
        return [each for each in found.items if each.is_of(DEPLOYMENT)]

    def pods(self) -> list[Pod]:
        """Return the pods that are not told to end."""
        asked = ("get", "pods", "--selector", _SELECTOR, "--output", "json", _ONE_REQUEST)
        pods = _decoded(self._kubectl(*asked), Pods).items
        return [pod for pod in pods if pod.metadata.deletion_timestamp is None]

    def look(self) -> Mapping[str, Instance]:
        """Return the pods as what is watched; none where the cluster does not answer now."""
        try:
            pods = self.pods()
        except PipelineError:
            return {}
        return {p.metadata.name: Instance(self._counts(p), p.is_ready, p.restarts) for p in pods}

    @contextmanager
    def reached(self, seconds: float = 30) -> Iterator[Service]:
        """Lead a port of this machine to the service, until the end of the block.

        Raises:
            PipelineError: it does not lead there, after so many seconds.
        """
        asked = self._asked("port-forward", f"service/{DEPLOYMENT}", "--address=127.0.0.1", ":80")
        with running("kubectl", *asked) as process:
            if process.stdout is None:
                raise PipelineError("kubectl port-forward: says nothing")
            yield Service(f"http://127.0.0.1:{_port(process.stdout, seconds)}")

    def _counts(self, pod: Pod) -> Counts | None:
        """Return what a pod says of itself, through the API server."""
        path = f"/api/v1/namespaces/{self.namespace}/pods/{pod.metadata.name}:{_PORT}/proxy/metrics"
        try:
            return Counts.read(run("kubectl", "get", "--raw", path, _ONE_REQUEST))
        except PipelineError:
            return None

    def _not_ready(self) -> list[str]:
        try:
            return [f"{p.metadata.name}: {waiting(p)}" for p in self.pods() if not p.is_ready]
        except PipelineError:
            return []

    def _asked(self, verb: str, *rest: str) -> tuple[str, ...]:
        return (verb, f"--namespace={self.namespace}", *rest)

    def _kubectl(self, verb: str, *rest: str, text: str | None = None, seconds: float = 60) -> str:
        return run("kubectl", *self._asked(verb, *rest), text=text, seconds=seconds)


def _decoded(text: str, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.MsgspecError as error:
        raise PipelineError(f"kubectl: an answer that cannot be read: {error}") from None


def _port(out: IO[str], seconds: float) -> int:
    """Return the port that kubectl says, and go on reading what it says."""
    lines: queue.Queue[str] = queue.Queue()

    def read() -> None:
        try:
            for line in out:
                lines.put(line)
        except ValueError:  # closed meanwhile
            pass
        lines.put("")

    threading.Thread(target=read, daemon=True).start()
    end, said = time.monotonic() + seconds, ""
    while (left := end - time.monotonic()) > 0:
        try:
            line = lines.get(timeout=left)
        except queue.Empty:
            break
        if found := _FORWARDED.search(line):
            return int(found[1])
        said = line.strip() or said
        if not line:
            break
    raise PipelineError(f"kubectl port-forward: does not lead to the service: {said}")
