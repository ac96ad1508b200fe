"""Manifests are what a cluster takes; what they refer to is there; they hold no secret."""

import json
import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
from cloudcoil.models.prometheus_operator.v1 import ServiceMonitor

from clickthrough.config.serving import Serving
from tests.conftest import ROOT
from tests.deploy.render import (
    CONFIG,
    OVERLAYS,
    PLAIN,
    Manifest,
    Pod,
    of_kind,
    one,
    plain,
    pod,
    pods,
    render,
    selects,
)

KUBERNETES = ("1.35", "1.36", "1.37")
"""The versions that manifests are checked against."""


@cache
def _check(document: str, version: str) -> None:
    kubernetes_validate.validate(json.loads(document), version, strict=True)


@pytest.mark.parametrize("version", KUBERNETES)
def test_kubernetes_takes_every_document(documents: list[Manifest], version: str) -> None:
    for document in documents:
        if document["kind"] != "ServiceMonitor":
            _check(json.dumps(document, sort_keys=True), version)


def test_the_check_sees_a_field_that_is_unknown() -> None:
    wrong = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"ports": 1}}
    with pytest.raises(kubernetes_validate.ValidationError):
        _check(json.dumps(wrong), KUBERNETES[0])


def test_the_operator_takes_the_monitor(complete: list[Manifest]) -> None:
    monitor = one(complete, "ServiceMonitor")
    read = ServiceMonitor.model_validate(monitor)
    understood: dict[str, Any] = read.model_dump(by_alias=True, exclude_unset=True, mode="json")
    assert understood == monitor  # what it does not know, it leaves out
    service = one(complete, "Service")
    assert selects(monitor["spec"]["selector"], service["metadata"]["labels"])
    names = {port["name"] for port in service["spec"]["ports"]}
    assert {endpoint["port"] for endpoint in monitor["spec"]["endpoints"]} <= names


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_needs_no_kind_that_a_cluster_may_lack(overlay: str) -> None:
    groups = {
        each["apiVersion"].rpartition("/")[0] for each in render(CONFIG / "overlays" / overlay)
    }
    assert groups <= {"", "apps", "autoscaling", "batch", "networking.k8s.io", "policy"}


@pytest.mark.parametrize("path", PLAIN, ids=lambda path: path.name)
def test_the_names_of_the_original_lead_to_the_base(path: Path) -> None:
    assert path.is_symlink()
    assert path.readlink() == Path("base") / path.name
    assert path.is_file()


_KINDS = {
    "configMapRef": "ConfigMap",
    "configMapKeyRef": "ConfigMap",
    "secretRef": "Secret",
    "secretKeyRef": "Secret",
}


def _needed(made: Pod) -> set[tuple[str, str]]:
    """Return kind and name of what has to be there, else the pod does not start."""
    named = made.container.get("envFrom", []) + [
        each["valueFrom"] for each in made.variables.values() if "valueFrom" in each
    ]
    needed = {
        (_KINDS[how], what["name"])
        for source in named
        for how, what in source.items()
        if how in _KINDS and not what.get("optional")
    }
    for volume in made.spec["volumes"]:
        if "configMap" in volume:
            needed.add(("ConfigMap", volume["configMap"]["name"]))
        if "persistentVolumeClaim" in volume:
            needed.add(("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]))
    if account := made.spec.get("serviceAccountName"):
        needed.add(("ServiceAccount", account))
    return needed


def test_pods_find_what_they_refer_to(documents: list[Manifest]) -> None:
    there = {(each["kind"], each["metadata"]["name"]) for each in documents}
    for each in pods(documents):
        assert _needed(each) - there <= {("Secret", "ctr-secrets")}, each.owner


def test_the_plain_pair_needs_nothing() -> None:
    assert not _needed(pod(plain()))


@pytest.mark.parametrize("overlay", ["staging", "production"])
def test_without_the_secret_a_pod_that_needs_it_does_not_start(overlay: str) -> None:
    for each in pods(render(CONFIG / "overlays" / overlay)):
        assert ("Secret", "ctr-secrets") in _needed(each), each.owner


def test_all_of_a_set_is_in_one_namespace(kustomized: list[Manifest]) -> None:
    (namespace,) = of_kind(kustomized, "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    others = [each for each in kustomized if each["kind"] != "Namespace"]
    assert {each["metadata"]["namespace"] for each in others} == {namespace["metadata"]["name"]}


_SECRET = re.compile(r"PASS|TOKEN|AUTH|SECRET", re.IGNORECASE)


def _literals(documents: list[Manifest]) -> Iterator[tuple[str, str]]:
    for each in of_kind(documents, "ConfigMap"):
        yield from each["data"].items()
    for made in pods(documents):
        yield from ((name, v["value"]) for name, v in made.variables.items() if "value" in v)
        yield from pairwise(made.container.get("args", []))


def test_no_secret_is_written_down(documents: list[Manifest]) -> None:
    assert not of_kind(documents, "Secret")
    for name, value in _literals(documents):
        assert not _SECRET.search(name) or re.fullmatch(r"\$\(\w+\)", value), name
        assert not re.search(r"://[^/\s]*:[^/\s]*@|requirepass\s+\S", value), name


def test_settings_are_variables_that_the_service_reads(kustomized: list[Manifest]) -> None:
    (settings,) = [
        each["data"]
        for each in of_kind(kustomized, "ConfigMap")
        if each["metadata"]["name"].startswith("ctr-settings-")
    ]
    known = {f"CTR_{name.upper()}" for name in Serving.model_fields}
    known |= set(re.findall(r"^\| `(CTR_\w+)` \|", (ROOT / "docs" / "guide.md").read_text(), re.M))
    assert set(settings) <= known
    assert not set(settings) & set(pod(kustomized).variables)  # which would hide them
