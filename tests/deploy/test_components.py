"""Components: what each adds agrees with the service and with the rest of its set."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from clickthrough.config.load import load_config
from clickthrough.serving.metrics import Metrics
from tests.conftest import ROOT
from tests.deploy.render import CONFIG, ON_AWS, Manifest, copy_of_config, of_kind, one, pod, render

RULES = CONFIG / "components" / "requests-in-flight" / "adapter-rules.yaml"


def _rules() -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = yaml.safe_load(RULES.read_text())["rules"]["custom"]
    return rules


def _metrics() -> str:
    """Return the metrics of a service that refused a request."""
    made = Metrics("1", lambda: {"scoring": 1, "events": 0})
    made.answered("/rank", 503, None)
    made.refused("/rank", "wait")
    return made.text().decode()


def test_rules_read_metrics_that_the_service_has() -> None:
    series = set(re.findall(r"^(\w+)\{", _metrics(), re.M))
    for rule in _rules():
        texts = rule["seriesQuery"] + rule["metricsQuery"]
        assert set(re.findall(r"ctr_\w+(?=\{)", texts)) <= series


def test_rules_read_labels_that_the_service_gives() -> None:
    serving = ROOT / "clickthrough" / "serving"
    source = "".join((serving / f"{name}.py").read_text() for name in ("admission", "handlers"))
    for rule in _rules():
        texts = rule["seriesQuery"] + rule["metricsQuery"]
        for values in re.findall(r'(?:kind|route|cause)=~?"([^"]+)"', texts):
            assert all(f'"{value}"' in source for value in values.split("|")), values


def test_the_autoscaler_asks_for_a_metric_that_a_rule_makes(complete: list[Manifest]) -> None:
    made = {rule["name"]["as"] for rule in _rules()}
    for scaler in of_kind(complete, "HorizontalPodAutoscaler"):
        first, second = scaler["spec"]["metrics"]
        assert first["pods"]["metric"]["name"] in made
        assert second["resource"]["name"] == "cpu"  # for where the adapter is away


def _annotation(service: Manifest, name: str) -> str:
    whole = f"service.beta.kubernetes.io/aws-load-balancer-{name}"
    return str(service["metadata"]["annotations"][whole])


def test_pods_drain_for_as_long_as_the_load_balancer_keeps_connections(
    complete: list[Manifest],
) -> None:
    said = _annotation(one(complete, "Service"), "target-group-attributes")
    kept = int(said.removeprefix("deregistration_delay.timeout_seconds="))
    assert kept < int(pod(complete).variables["CTR_DRAIN_SECONDS"]["value"])


def test_the_load_balancer_asks_what_readiness_asks(complete: list[Manifest]) -> None:
    service, ready = one(complete, "Service"), pod(complete).container["readinessProbe"]
    assert _annotation(service, "healthcheck-path") == ready["httpGet"]["path"]
    assert service["spec"]["loadBalancerClass"] == "service.k8s.aws/nlb"


def test_retraining_is_off_until_somebody_turns_it_on(complete: list[Manifest]) -> None:
    spec = one(complete, "CronJob", "ctr-retrain")["spec"]
    assert spec["suspend"] is True
    assert spec["concurrencyPolicy"] == "Forbid"
    assert spec["startingDeadlineSeconds"] > 0
    job = spec["jobTemplate"]["spec"]
    assert job["activeDeadlineSeconds"] > 0
    assert job["ttlSecondsAfterFinished"] > 0
    assert job["template"]["spec"]["restartPolicy"] == "Never"


def test_training_writes_where_it_may_and_nothing_that_is_served(complete: list[Manifest]) -> None:
    made = pod(complete, "ctr-retrain")
    read_only = {m["mountPath"]: m.get("readOnly", False) for m in made.container["volumeMounts"]}
    assert read_only.pop("/tmp") is False  # noqa: S108
    assert read_only == {"/etc/ctr": True, "/data": True, "/bundles": False}
    assert made.container["args"][-2:] == ["--out", "/bundles/$(JOB)"]  # a place of its own each
    (mount,) = [m for m in pod(complete).container["volumeMounts"] if m["name"] == "bundles"]
    assert mount == {"name": "bundles", "mountPath": "/bundles", "readOnly": True}


def test_the_configuration_of_training_is_read_as_it_stands() -> None:
    data = load_config(CONFIG / "components" / "retraining" / "config.yaml").data
    assert data.reader == "tabular"
    assert data.cache == Path("/tmp/cache")  # noqa: S108
    assert [data.path, *(join.file for join in data.joins)] == [
        Path("/data/log.csv"),
        Path("/data/ads.csv"),
    ]


def test_a_managed_redis_takes_the_place_of_the_component(tmp_path: Path) -> None:
    config = copy_of_config(tmp_path)
    file = config / "overlays" / "production" / "kustomization.yaml"
    said = yaml.safe_load(file.read_text())
    said["components"] = []
    address = "CTR_STORE=rediss://cache.example:6379"
    own = {"name": "ctr-settings", "behavior": "merge", "literals": [address]}
    said["configMapGenerator"] = [own]
    file.write_text(yaml.safe_dump(said))
    documents = render(file.parent)
    assert of_kind(documents, "StatefulSet") == []
    settings = [each["data"] for each in of_kind(documents, "ConfigMap")]
    assert [each["CTR_STORE"] for each in settings] == ["rediss://cache.example:6379"]


@pytest.mark.parametrize("overlay", ON_AWS)
def test_the_namespace_that_is_applied_by_hand_is_the_overlays(overlay: str) -> None:
    folder = CONFIG / "overlays" / overlay
    by_hand = yaml.safe_load((folder / "namespace.yaml").read_text())
    (rendered,) = of_kind(render(folder), "Namespace")
    assert by_hand == rendered
    assert by_hand["metadata"]["labels"]["elbv2.k8s.aws/pod-readiness-gate-inject"] == "enabled"
