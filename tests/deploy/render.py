"""The manifests as a cluster would get them: rendered by kubectl, which needs no cluster."""

import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.conftest import ROOT
from tests.lacking import lacking

Manifest = dict[str, Any]
CONFIG = ROOT / "config"
PLAIN = (CONFIG / "ctr-deployment.yaml", CONFIG / "ctr-service.yaml")
OVERLAYS = ("local", "staging", "production")
ON_AWS = ("aws-staging", "aws-production")
"""Overlays over overlays."""
COMPONENTS = tuple(path.name for path in sorted((CONFIG / "components").iterdir()))
_DEADLINE = 60


class Pod(NamedTuple):
    """What one document says of its pods."""

    owner: str
    labels: dict[str, str]
    spec: Manifest

    @property
    def container(self) -> Manifest:
        """The only container."""
        (only,) = self.spec["containers"]
        return dict(only)

    @property
    def variables(self) -> dict[str, Manifest]:
        """The variables that the document itself sets, by name."""
        return {one["name"]: one for one in self.container.get("env", [])}


@cache
def render(folder: Path) -> list[Manifest]:
    """Render a kustomization; without kubectl the test is skipped, or fails where CI=true."""
    if shutil.which("kubectl") is None:
        reason = "no kubectl, which renders the manifests: https://kubernetes.io/docs/tasks/tools"
        lacking(reason)
    done = subprocess.run(
        ["kubectl", "kustomize", str(folder)],
        capture_output=True,
        text=True,
        timeout=_DEADLINE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr  # such as a field that kustomize will no longer read
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def plain() -> list[Manifest]:
    """Return the two files that work alone."""
    return [document for path in PLAIN for document in yaml.safe_load_all(path.read_text())]


def copy_of_config(place: Path) -> Path:
    """Copy all manifests, to change some."""
    return Path(shutil.copytree(CONFIG, place / "config", symlinks=True))


def with_every_component(config: Path, overlay: str) -> Path:
    """Add to an overlay the components that it leaves out, as its user would."""
    folder = config / "overlays" / overlay
    file = folder / "kustomization.yaml"
    said = yaml.safe_load(file.read_text())
    said["components"] = [f"../../components/{name}" for name in COMPONENTS]
    file.write_text(yaml.safe_dump(said))
    return folder


def of_kind(documents: list[Manifest], *kinds: str) -> list[Manifest]:
    """Return the documents of some kinds."""
    return [document for document in documents if document["kind"] in kinds]


def one(documents: list[Manifest], kind: str, name: str = "ctr-service") -> Manifest:
    """Return the document of a kind and name."""
    (found,) = [each for each in of_kind(documents, kind) if each["metadata"]["name"] == name]
    return found


def pods(documents: list[Manifest]) -> Iterator[Pod]:
    """Yield what says how pods are made."""
    for document in of_kind(documents, "Deployment", "StatefulSet", "CronJob"):
        spec = document["spec"]
        template = spec.get("jobTemplate", {}).get("spec", spec)["template"]
        name = document["metadata"]["name"]
        yield Pod(name, template["metadata"]["labels"], template["spec"])


def pod(documents: list[Manifest], owner: str = "ctr-service") -> Pod:
    """Return what says how the pods of one owner are made."""
    (found,) = [each for each in pods(documents) if each.owner == owner]
    return found


def selects(selector: Manifest, labels: dict[str, str]) -> bool:
    """Say whether a selector of labels alone takes a pod."""
    assert set(selector) == {"matchLabels"}, selector
    return bool(selector["matchLabels"].items() <= labels.items())
