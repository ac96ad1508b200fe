"""The manifests of an overlay, with the image that is deployed."""

from pathlib import Path
from typing import Any

import yaml

from deploy.ci.cluster import DEPLOYMENT
from deploy.ci.command import run
from deploy.ci.errors import PipelineError, UsageError
from deploy.ci.image_name import ImageName

Manifest = dict[str, Any]
_ONLY_SAID = "app.kubernetes.io/"
_EXAMPLE = "000000000000.dkr.ecr."
"""How the registry is called that overlays name as an example."""


def rendered(overlay: Path, image: ImageName, namespace: str) -> list[Manifest]:
    """Return what is applied.

    The Namespace is left out: who deploys has rights in it, not over it.

    Args:
        overlay: a directory with a ``kustomization.yaml``.
        image: of the service.
        namespace: for which the overlay has to be.

    Raises:
        UsageError: the overlay cannot be rendered, is for another namespace, has no such
            Deployment, or names an image that nobody has.
    """
    documents = _documents(overlay)
    kept = [each for each in documents if each["kind"] != "Namespace"]
    _check_namespace(kept, namespace, overlay)
    named = [_with_image(each, image) for each in kept]
    if sum(named) != 1:
        raise UsageError(f"--overlay {overlay}: expected one Deployment {DEPLOYMENT}")
    _check_images(kept, overlay)
    return kept


def space_labels(overlay: Path) -> dict[str, str]:
    """Return the labels that the overlay's namespace has to have.

    Raises:
        UsageError: the overlay cannot be rendered.
    """
    spaces = [each for each in _documents(overlay) if each["kind"] == "Namespace"]
    return {key: text for each in spaces for key, text in _labels(each).items()}


def _labels(document: Manifest) -> dict[str, str]:
    """Return those that somebody acts on: standards for pods, load balancers."""
    labels = document["metadata"].get("labels", {})
    return {key: text for key, text in labels.items() if not key.startswith(_ONLY_SAID)}


def _documents(overlay: Path) -> list[Manifest]:
    """Return all that an overlay says."""
    if not (overlay / "kustomization.yaml").is_file():
        raise UsageError(f"--overlay {overlay}: no kustomization.yaml there")
    try:
        text = run("kubectl", "kustomize", str(overlay))
    except PipelineError as error:
        raise UsageError(f"--overlay {overlay}: {error}") from None
    return [each for each in yaml.safe_load_all(text) if each]


def _with_image(document: Manifest, image: ImageName) -> bool:
    """Give the service's Deployment its image; say whether it is one."""
    if document["kind"] != "Deployment" or document["metadata"]["name"] != DEPLOYMENT:
        return False
    containers = document["spec"]["template"]["spec"]["containers"]
    (own,) = [each for each in containers if each["name"] == DEPLOYMENT]
    own["image"] = str(image)
    return True


def _check_namespace(documents: list[Manifest], namespace: str, overlay: Path) -> None:
    others = {each["metadata"].get("namespace", "default") for each in documents} - {namespace}
    if others:
        found = ", ".join(sorted(others))
        raise UsageError(f"--overlay {overlay}: is for namespace {found}, not for {namespace}")


def _check_images(documents: list[Manifest], overlay: Path) -> None:
    for document in documents:
        for name in _images(document):
            if name.startswith(_EXAMPLE):
                raise UsageError(f"--overlay {overlay}: {name} is an example: name yours there")


def _images(node: object) -> list[str]:
    """Return each image that a document names."""
    if isinstance(node, list):
        return [name for each in node for name in _images(each)]
    if not isinstance(node, dict):
        return []
    own = [node["image"]] if isinstance(node.get("image"), str) else []
    return own + [name for each in node.values() for name in _images(each)]
