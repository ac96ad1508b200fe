"""What kubectl says of Deployments and pods: the fields that are read, and no others."""

import msgspec

_REVISION = "deployment.kubernetes.io/revision"


class Meta(msgspec.Struct, frozen=True, rename="camel"):
    """Whose it is."""

    name: str = ""
    annotations: dict[str, str] = {}
    deletion_timestamp: str | None = None


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

    replicas: int = 0
    updated_replicas: int = 0
    available_replicas: int = 0


class Deployment(msgspec.Struct, frozen=True):
    """A Deployment."""

    metadata: Meta
    status: DeploymentStatus = DeploymentStatus()

    @property
    def revision(self) -> int:
        """Which one of its revisions it is."""
        return int(self.metadata.annotations.get(_REVISION, "0"))

    @property
    def is_whole(self) -> bool:
        """Whether all its pods are of this revision, and ready."""
        status = self.status
        return 0 < status.replicas == status.updated_replicas == status.available_replicas


def waiting(pod: Pod) -> str:
    """Say what a pod that is not ready waits for."""
    for each in pod.status.container_statuses:
        if each.state.waiting is not None and each.state.waiting.reason:
            return each.state.waiting.reason
    return f"{pod.status.phase or 'unknown'}, not ready"
