"""Pods of the manifests, played by podman; and what a cluster does with them at a new version.

Podman knows no Services, asks over HTTP only by a program inside, gives volumes to root, and leaves
variables in arguments as they are. What stands for them is here and in
:class:`~tests.stack.balancer.Balancer`; all else is as the manifests say.
"""

import copy
import json
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from tests.deploy.render import Manifest, of_kind, one
from tests.ports import free_port
from tests.stack.balancer import Balancer
from tests.stack.container import is_ready
from tests.stack.engine import Engine
from tests.waiting import in_time

HOST, SECRETS = "127.0.0.1", "ctr-secrets"
PROPAGATION = 2.0
"""Seconds from the moment at which a pod is told to end until no node leads to it any more."""


class PlayedPod:
    """A pod that runs.

    Args:
        engine: that runs it.
        name: its name.
        port: of the loopback, that leads to its container's.
    """

    def __init__(self, engine: Engine, name: str, port: int) -> None:
        self.engine, self.name, self.port = engine, name, port

    def until_ready(self, probe: Manifest) -> None:
        """Ask as the kubelet does, until it is ready or has failed too often."""
        for _ in range(probe.get("failureThreshold", 3)):
            if is_ready(self.port):
                return
            time.sleep(probe["periodSeconds"])
        raise AssertionError(f"{self.name} is not ready: {self.said()}")

    def said(self) -> str:
        """Return what its container has printed."""
        return self.engine.tried("pod", "logs", self.name)[1]

    def end(self, seconds: int) -> None:
        """Tell it to end; after some seconds kill it."""
        # its containers before its network, as a cluster does; podman ends a pod's together
        self.engine.podman("stop", "--time", str(seconds), *self._containers())

    def statuses(self) -> list[int]:
        """Return with which statuses its containers have ended."""
        asked = ("inspect", "--format", "{{.State.ExitCode}}", *self._containers())
        return [int(line) for line in self.engine.podman(*asked).split()]

    def _containers(self) -> list[str]:
        told = self.engine.podman(
            "ps", "--all", "--filter", f"pod={self.name}", "--format", "{{.IsInfra}} {{.Names}}"
        )
        return [line.split()[1] for line in told.splitlines() if line.startswith("false")]


class Cluster:
    """Plays what a rendered overlay holds.

    Args:
        engine: that runs pods.
        documents: of the overlay.
        secrets: by the names of their keys, what ``ctr-secrets`` holds.
    """

    def __init__(self, engine: Engine, documents: list[Manifest], secrets: dict[str, str]) -> None:
        self.engine, self.documents, self._secrets = engine, documents, secrets
        self._made: list[str] = []

    @property
    def deployment(self) -> Manifest:
        """The service's Deployment."""
        return one(self.documents, "Deployment")

    @property
    def container(self) -> Manifest:
        """Its container."""
        (only,) = self.deployment["spec"]["template"]["spec"]["containers"]
        return dict(only)

    def play(self) -> PlayedPod:
        """Start a pod of the Deployment."""
        made = copy.deepcopy(self.deployment)
        name = f"ctr-service-{len(self._made)}"
        made["metadata"]["name"] = name
        made["spec"]["replicas"] = 1
        port = self._placed(made["spec"]["template"]["spec"], name)
        self._play(made)
        self._made.append(f"{name}-pod-0")
        return PlayedPod(self.engine, f"{name}-pod-0", port)

    def play_store(self) -> PlayedPod:
        """Start the pod of Redis, under the name of its Service; wait until it is ready."""
        stateful = one(self.documents, "StatefulSet", "ctr-redis")
        template = copy.deepcopy(stateful["spec"]["template"])
        for claim in stateful["spec"]["volumeClaimTemplates"]:
            template["spec"]["volumes"].append({"name": claim["metadata"]["name"], "emptyDir": {}})
        (container,) = template["spec"]["containers"]
        self._fill_in(container)
        port = self._placed(template["spec"], "ctr-redis")
        meta = {**template["metadata"], "name": "ctr-redis"}
        self._play({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": template["spec"]})
        self._made.append("ctr-redis")
        made = PlayedPod(self.engine, "ctr-redis", port)
        probe = container["readinessProbe"]["exec"]["command"]
        asked = ("exec", f"ctr-redis-{container['name']}", *probe)
        in_time(lambda: self._answers(asked), 30, made.said)
        return made

    def _fill_in(self, container: Manifest) -> None:
        """Put the values of variables where ``$(NAME)`` asks for them."""
        named = {each["name"]: each["value"] for each in container["env"] if "value" in each}
        for name, value in {**self._secrets, **named}.items():
            container["args"] = [part.replace(f"$({name})", value) for part in container["args"]]
            for each in container["env"]:
                if "value" in each:
                    each["value"] = each["value"].replace(f"$({name})", value)

    def roll(self, old: list[PlayedPod], balancer: Balancer) -> list[PlayedPod]:
        """Replace pods one by one: a new one is ready, then an old one ends."""
        strategy = self.deployment["spec"]["strategy"]["rollingUpdate"]
        assert (strategy["maxSurge"], strategy["maxUnavailable"]) == (1, 0)
        new = []
        for pod in old:
            made = self.play()
            made.until_ready(self.container["startupProbe"])
            balancer.add(made.port)
            self._take_away(pod, balancer)
            new.append(made)
        return new

    def close(self) -> None:
        """Remove every pod."""
        for name in self._made:
            self.engine.podman("pod", "rm", "--force", "--time", "1", name)

    def _answers(self, asked: tuple[str, ...]) -> bool:
        return self.engine.tried(*asked)[0] == 0

    def _take_away(self, pod: PlayedPod, balancer: Balancer) -> None:
        """End a pod as a cluster does: told at once, known everywhere some seconds later."""
        known = threading.Timer(PROPAGATION, balancer.remove, [pod.port])
        known.start()
        pod.end(self.deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"])
        known.join()

    def _placed(self, spec: Manifest, name: str) -> int:
        """Let a pod's port be reached, and its volumes be its own; return the port."""
        port = free_port()
        (ports,) = [container["ports"] for container in spec["containers"]]
        ports[0].update(hostPort=port, hostIP=HOST)
        for volume in spec["volumes"]:
            if told := volume.pop("configMap", None):
                volume["hostPath"] = {"path": str(self._files_of(told["name"]))}
        named = {v["name"]: f"{name}-{v['name']}" for v in spec["volumes"] if "emptyDir" in v}
        mounts = [mount for container in spec["containers"] for mount in container["volumeMounts"]]
        for volume in [*spec["volumes"], *mounts]:
            volume["name"] = named.get(volume["name"], volume["name"])
        return port

    def _files_of(self, name: str) -> Path:
        """Write a ConfigMap's files where all may read them, as in a cluster."""
        place = self.engine.folder / name
        place.mkdir(mode=0o755, exist_ok=True)
        for key, text in one(self.documents, "ConfigMap", name)["data"].items():
            (place / key).write_text(text)
        return place

    def _play(self, document: Manifest) -> None:
        file = self.engine.folder / "played.yaml"
        file.write_text(yaml.safe_dump_all([*of_kind(self.documents, "ConfigMap"), document]))
        self.engine.podman("play", "kube", str(file))


@contextmanager
def cluster(
    engine: Engine, documents: list[Manifest], secrets: dict[str, str] | None = None
) -> Iterator[Cluster]:
    """Play documents until the end of the block.

    Args:
        engine: that runs pods.
        documents: of an overlay, or the plain ones.
        secrets: by the names of their keys, what ``ctr-secrets`` holds.
    """
    keys = {name: b64encode(value.encode()).decode() for name, value in (secrets or {}).items()}
    file = engine.folder / "secrets.json"  # as podman keeps what a cluster keeps as a Secret
    file.write_text(json.dumps(keys))
    engine.tried("secret", "rm", SECRETS)
    engine.podman("secret", "create", SECRETS, str(file))
    file.unlink()
    made = Cluster(engine, documents, secrets or {})
    try:
        yield made
    finally:
        made.close()
        engine.podman("secret", "rm", SECRETS)


def of_this_machine(documents: list[Manifest], image: str) -> list[Manifest]:
    """Return documents whose service is of an image of this machine, with the tests' bundle in it.

    That bundle allows fewer requests in flight than services do by default.
    """
    made: list[Manifest] = copy.deepcopy(documents)
    (container,) = one(made, "Deployment")["spec"]["template"]["spec"]["containers"]
    container["image"] = image
    container["env"].append({"name": "CTR_MAX_IN_FLIGHT", "value": "64"})
    return made
