"""Pods: what they may do, when they are asked how they are, how they end, what they may use."""

from typing import cast

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from clickthrough.config.serving import Serving
from clickthrough.serving.about import add_about
from clickthrough.serving.reload import Current
from tests.deploy.render import CONFIG, Manifest, of_kind, one, pod, pods, render, selects

_GIGA = {"Mi": 1 / 1024, "Gi": 1.0, "mb": 1 / 1024, "gb": 1.0}


def _gigabytes(text: str) -> float:
    return float(text[:-2]) * _GIGA[text[-2:]]


def test_pods_are_as_restricted_as_can_be(documents: list[Manifest]) -> None:
    for each in pods(documents):
        of_pod, of_container = each.spec["securityContext"], each.container["securityContext"]
        assert of_pod["runAsNonRoot"] is True
        assert of_pod["seccompProfile"] == {"type": "RuntimeDefault"}
        ids = {of_pod[name] for name in ("runAsUser", "runAsGroup", "fsGroup")}
        assert len(ids) == 1
        assert min(ids) >= 10_000  # no user of a node has these
        assert of_container == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert each.spec["automountServiceAccountToken"] is False
        assert each.spec["enableServiceLinks"] is False


def test_the_service_runs_as_the_user_of_its_image(documents: list[Manifest]) -> None:
    for each in pods(documents):
        if each.container["image"].rpartition("/")[2].startswith("ctr-"):
            assert each.spec["securityContext"]["runAsUser"] == 10_001


def test_memory_has_a_limit_and_processors_none(documents: list[Manifest]) -> None:
    for each in pods(documents):
        resources = each.container["resources"]
        assert set(resources["limits"]) == {"memory"}
        assert set(resources["requests"]) == {"cpu", "memory"}
        asked, most = (_gigabytes(resources[of]["memory"]) for of in ("requests", "limits"))
        assert asked <= most


def test_labels_of_pods_are_what_their_owner_selects(documents: list[Manifest]) -> None:
    for owner in of_kind(documents, "Deployment", "StatefulSet"):
        made = pod(documents, owner["metadata"]["name"])
        assert selects(owner["spec"]["selector"], made.labels)
        for each in made.spec.get("topologySpreadConstraints", []):
            assert selects(each["labelSelector"], made.labels)
            assert each["whenUnsatisfiable"] == "ScheduleAnyway"


def test_volumes_are_mounted_where_they_are_written(documents: list[Manifest]) -> None:
    for each in pods(documents):
        claimed = [
            claim["metadata"]["name"]
            for owner in of_kind(documents, "StatefulSet")
            if owner["metadata"]["name"] == each.owner
            for claim in owner["spec"]["volumeClaimTemplates"]
        ]
        names = {volume["name"] for volume in each.spec["volumes"]} | set(claimed)
        assert {mount["name"] for mount in each.container["volumeMounts"]} == names


def _patience(probe: Manifest) -> int:
    return int(probe["periodSeconds"] * probe["failureThreshold"])


def test_probes_differ_as_their_ends_do(documents: list[Manifest]) -> None:
    container = pod(documents).container
    start, ready, live = (container[f"{of}Probe"] for of in ("startup", "readiness", "liveness"))
    assert start["httpGet"] == ready["httpGet"] == {"path": "/health/ready", "port": "http"}
    assert live["httpGet"] == {"path": "/health/live", "port": "http"}
    assert start["periodSeconds"] <= 1  # a rollout waits no longer than it must
    assert _patience(start) >= 120  # a large bundle has minutes
    assert _patience(ready) <= 5
    assert _patience(live) >= 30  # a busy service is not restarted
    assert live["timeoutSeconds"] >= 5


def test_probes_ask_for_routes_of_the_service() -> None:
    app = FastAPI()
    add_about(app, cast(Current, None))
    routes = {route.path for route in app.routes if isinstance(route, APIRoute)}
    assert {"/health/ready", "/health/live"} <= routes


def test_a_pod_has_time_to_drain_and_to_answer(documents: list[Manifest]) -> None:
    made, limits = pod(documents), Serving()
    drain = float(made.variables["CTR_DRAIN_SECONDS"]["value"])
    longest = limits.body_seconds + limits.max_events_wait + limits.write_seconds
    assert drain >= 10
    assert drain + longest < made.spec["terminationGracePeriodSeconds"]


def test_a_new_pod_is_ready_before_an_old_one_goes(documents: list[Manifest]) -> None:
    deployment, service = one(documents, "Deployment"), one(documents, "Service")
    balanced = "loadBalancerClass" in service["spec"]  # each pod takes minutes there
    assert deployment["spec"]["strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": "50%" if balanced else 1, "maxUnavailable": 0},
    }


@pytest.mark.parametrize("overlay", ["staging", "production"])
def test_redis_has_twice_the_memory_that_it_fills(overlay: str) -> None:
    store = pod(render(CONFIG / "overlays" / overlay), "ctr-redis")
    limit = _gigabytes(store.container["resources"]["limits"]["memory"])
    assert _gigabytes(store.variables["REDIS_MAXMEMORY"]["value"]) * 2 <= limit


@pytest.mark.parametrize("overlay", ["staging", "production"])
def test_overlays_for_others_name_a_version_of_each_image(overlay: str) -> None:
    for each in pods(render(CONFIG / "overlays" / overlay)):
        tag = each.container["image"].rpartition(":")[2]
        assert tag[0].isdigit(), each.container["image"]
