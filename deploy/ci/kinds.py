"""What kubectl says of Deployments and pods: the fields that are read, and no others."""

from typing import Any

import msgspec

_REVISION = "deployment.kubernetes.io/revision"
_HASH = "pod-template-hash"
"""A label that the cluster gives to a ReplicaSet's template, over what the Deployment says."""


class Owner(msgspec.Struct, frozen=True):
    """What made it."""

    kind: str
    name: str


class Meta(msgspec.Struct, frozen=True, rename="camel"):
    """Whose it is."""

    name: str = ""
    annotations: dict[str, str] = {}
    labels: dict[str, str] = {}
    deletion_timestamp: str | None = None
    generation: int = 0
    owner_references: list[Owner] = []

    @property
    def revision(self) -> int:
        """Which one of its Deployment's revisions it is."""
        return int(self.annotations.get(_REVISION, "0"))


class Space(msgspec.Struct, frozen=True):
    """A namespace."""

    metadata: Meta = Meta()


class Waiting(msgspec.Struct, frozen=True):
    """Why a container does not run."""

    reason: str = ""


class State(msgspec.Struct, frozen=True):
    """What a container does."""

    waiting: Waiting | None = None


class Container(msgspec.Struct, frozen=True, rename="camel"):
    """The state of a container."""

    ready: bool = False
    restart_count: int = 0
    state: State = State()


class Condition(msgspec.Struct, frozen=True):
    """A condition of a pod, such as Ready."""

    type: str
    status: str


class PodStatus(msgspec.Struct, frozen=True, rename="camel"):
    """The state of a pod."""

    phase: str = ""
    conditions: list[Condition] = []
    container_statuses: list[Container] = []


class Pod(msgspec.Struct, frozen=True):
    """A pod."""

    metadata: Meta
    status: PodStatus = PodStatus()

    @property
    def is_ready(self) -> bool:
        """Whether it gets requests."""
        return any(c.type == "Ready" and c.status == "True" for c in self.status.conditions)

    @property
    def restarts(self) -> int:
        """How often its containers were started again."""
        return sum(each.restart_count for each in self.status.container_statuses)


class Pods(msgspec.Struct, frozen=True):
    """A list of pods."""

    items: list[Pod]


class DeploymentStatus(msgspec.Struct, frozen=True, rename="camel"):
    """The state of a Deployment."""

    observed_generation: int = 0
    replicas: int = 0
    updated_replicas: int = 0
    available_replicas: int = 0


class Spec(msgspec.Struct, frozen=True):
    """What is wanted."""

    template: dict[str, Any] = {}


class Deployment(msgspec.Struct, frozen=True):
    """A Deployment."""

    metadata: Meta
    spec: Spec = Spec()
    status: DeploymentStatus = DeploymentStatus()

    @property
    def revision(self) -> int:
        """Which one of its revisions it is, once the cluster has numbered it."""
        return self.metadata.revision

    @property
    def images(self) -> list[str]:
        """What its pods are made of."""
        return [each["image"] for each in self.spec.template["spec"]["containers"]]

    @property
    def is_whole(self) -> bool:
        """Whether all its pods are of this revision, and ready."""
        status = self.status
        if status.observed_generation < self.metadata.generation:
            return False  # what is said of pods is of what was wanted before
        return 0 < status.replicas == status.updated_replicas == status.available_replicas


class ReplicaSet(msgspec.Struct, frozen=True):
    """Pods of one template, which a Deployment has or had."""

    metadata: Meta
    spec: Spec = Spec()

    @property
    def revision(self) -> int:
        """Which one of the Deployment's revisions it is."""
        return self.metadata.revision

    @property
    def template(self) -> dict[str, Any]:
        """The template, as the Deployment says it."""
        meta = dict(self.spec.template.get("metadata", {}))
        labels = {k: v for k, v in meta.pop("labels", {}).items() if k != _HASH}
        told = {**meta, "labels": labels} if labels else meta
        rest = {k: v for k, v in self.spec.template.items() if k != "metadata"}
        return {"metadata": told, **rest} if told else rest

    def is_of(self, deployment: str) -> bool:
        """Whether a Deployment made it."""
        return Owner("Deployment", deployment) in self.metadata.owner_references


class ReplicaSets(msgspec.Struct, frozen=True):
    """A list of ReplicaSets."""

    items: list[ReplicaSet]


def waiting(pod: Pod) -> str:
    """Say what a pod that is not ready waits for."""
    for each in pod.status.container_statuses:
        if each.state.waiting is not None and each.state.waiting.reason:
            return each.state.waiting.reason
    return f"{pod.status.phase or 'unknown'}, not ready"
