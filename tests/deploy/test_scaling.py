"""Several pods share a store; what scales, rolls and evicts them names the right ones."""

from pathlib import Path

import pytest
import yaml

from tests.deploy.render import (
    CONFIG,
    OVERLAYS,
    Manifest,
    copy_of_config,
    of_kind,
    one,
    pod,
    render,
    selects,
)


def _most_pods(documents: list[Manifest]) -> int:
    """Return how many pods of the service there may be at once, rollouts aside."""
    scalers = of_kind(documents, "HorizontalPodAutoscaler")
    asked = one(documents, "Deployment")["spec"].get("replicas", 1)
    return int(max([asked, *(each["spec"]["maxReplicas"] for each in scalers)]))


def _store(documents: list[Manifest]) -> str:
    """Return what the pods are told of their store; of their own without a word."""
    names = [
        source["configMapRef"]["name"]
        for source in pod(documents).container["envFrom"]
        if "configMapRef" in source
    ]
    maps = [each for each in of_kind(documents, "ConfigMap") if each["metadata"]["name"] in names]
    return "".join(each["data"].get("CTR_STORE", "") for each in maps)


def test_several_pods_share_a_store(documents: list[Manifest]) -> None:
    assert _most_pods(documents) == 1 or _store(documents).startswith(("redis://", "rediss://"))


def test_overlays_run_as_many_pods_as_they_say() -> None:
    most = {overlay: _most_pods(render(CONFIG / "overlays" / overlay)) for overlay in OVERLAYS}
    assert most == {"local": 1, "staging": 4, "production": 20}


def test_the_autoscaler_scales_the_deployment(kustomized: list[Manifest]) -> None:
    for scaler in of_kind(kustomized, "HorizontalPodAutoscaler"):
        target = scaler["spec"]["scaleTargetRef"]
        scaled = one(kustomized, target["kind"], target["name"])
        assert target["apiVersion"] == scaled["apiVersion"]
        assert "replicas" not in scaled["spec"]  # each apply would undo what it did
        assert scaler["spec"]["minReplicas"] <= scaler["spec"]["maxReplicas"]
        assert scaler["spec"]["behavior"]["scaleDown"]["stabilizationWindowSeconds"] >= 300


def test_a_node_can_be_drained_whatever_runs_on_it(kustomized: list[Manifest]) -> None:
    (budget,) = of_kind(kustomized, "PodDisruptionBudget")
    assert selects(budget["spec"]["selector"], pod(kustomized).labels)
    assert budget["spec"]["maxUnavailable"] == 1
    assert "minAvailable" not in budget["spec"]


def test_production_spreads_over_zones_and_nodes() -> None:
    spread = pod(render(CONFIG / "overlays" / "production")).spec["topologySpreadConstraints"]
    keys = {each["topologyKey"] for each in spread}
    assert keys == {"topology.kubernetes.io/zone", "kubernetes.io/hostname"}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_changed_setting_rolls_the_pods(overlay: str, tmp_path: Path) -> None:
    config = copy_of_config(tmp_path)
    file = config / "overlays" / overlay / "kustomization.yaml"
    said = yaml.safe_load(file.read_text())
    changed = {"name": "ctr-settings", "behavior": "merge", "literals": ["CTR_MAX_WAIT_MS=4"]}
    file.write_text(yaml.safe_dump(said | {"configMapGenerator": [changed]}))
    before, after = render(CONFIG / "overlays" / overlay), render(file.parent)
    assert pod(before).spec != pod(after).spec
    assert _store(before) == _store(after)


def test_a_changed_configuration_rolls_redis(tmp_path: Path) -> None:
    config = copy_of_config(tmp_path)
    file = config / "components" / "redis" / "redis.conf"
    file.write_text(file.read_text().replace("everysec", "always"))
    before, after = (render(of / "overlays" / "staging") for of in (CONFIG, config))
    assert pod(before, "ctr-redis").spec != pod(after, "ctr-redis").spec
    assert pod(before).spec == pod(after).spec
