"""Who reaches whom: services lead to ports of pods, and policies let nothing else through."""

from itertools import product
from typing import Any

from clickthrough.store.redis.address import Address
from tests.deploy.render import Manifest, Pod, of_kind, one, pod, pods, selects

Labels = dict[str, str]
SERVICE: Labels = {"app.kubernetes.io/name": "ctr-service"}
STRANGER: Labels = {"app": "another"}
_SIDES = {"Ingress": ("ingress", "from"), "Egress": ("egress", "to")}


def _is_let(documents: list[Manifest], side: str, of: Labels, port: int, other: Labels) -> bool:
    """Say whether a policy lets a pod be reached by (or reach) another one in its namespace."""
    rules, peers = _SIDES[side]
    return any(
        {"port": port, "protocol": "TCP"} in rule["ports"]
        and (peers not in rule or any(_is_peer(each, other) for each in rule[peers]))
        for policy in of_kind(documents, "NetworkPolicy")
        if selects(policy["spec"]["podSelector"], of)
        for rule in policy["spec"].get(rules, [])
    )


def _is_peer(peer: dict[str, Any], labels: Labels) -> bool:
    return set(peer) == {"podSelector"} and selects(peer["podSelector"], labels)


def test_services_lead_to_a_port_of_their_pods(documents: list[Manifest]) -> None:
    for service in of_kind(documents, "Service"):
        chosen = {"matchLabels": service["spec"]["selector"]}
        (taken,) = [each for each in pods(documents) if selects(chosen, each.labels)]
        named = {port["name"] for port in taken.container["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= named


def test_the_load_balancer_takes_what_the_service_listens_to(documents: list[Manifest]) -> None:
    service = one(documents, "Service")
    assert service["spec"]["type"] == "LoadBalancer"
    assert [port["port"] for port in service["spec"]["ports"]] == [80]
    assert pod(documents).container["ports"] == [{"name": "http", "containerPort": 8000}]


def test_pods_are_closed_both_ways(kustomized: list[Manifest]) -> None:
    policies = [each["spec"] for each in of_kind(kustomized, "NetworkPolicy")]
    for made in pods(kustomized):
        closing = [each for each in policies if selects(each["podSelector"], made.labels)]
        assert {side for each in closing for side in each["policyTypes"]} == {"Ingress", "Egress"}


def _ports(made: Pod) -> list[int]:
    return [port["containerPort"] for port in made.container.get("ports", [])]


def test_only_the_service_is_open_to_all(kustomized: list[Manifest]) -> None:
    for each, port in product(pods(kustomized), (8000, 6379, 22)):
        open_to_all = _is_let(kustomized, "Ingress", each.labels, port, STRANGER)
        assert open_to_all == (each.owner == "ctr-service" and port in _ports(each))


def test_the_store_is_reached_by_the_service_alone(kustomized: list[Manifest]) -> None:
    made = {each.owner: each.labels for each in pods(kustomized)}
    for (name, labels), (other, of_other) in product(made.items(), made.items()):
        meant = (name, other) == ("ctr-service", "ctr-redis")
        assert _is_let(kustomized, "Egress", labels, 6379, of_other) == meant
        assert _is_let(kustomized, "Ingress", of_other, 6379, labels) == meant


def test_nobody_else_sends_anything_out_but_questions_for_names(kustomized: list[Manifest]) -> None:
    for policy in of_kind(kustomized, "NetworkPolicy"):
        for rule in policy["spec"].get("egress", []):
            assert policy["spec"]["podSelector"]["matchLabels"] == SERVICE
            ports = {port["port"] for port in rule["ports"]}
            assert ports in ({6379}, {53})
            assert ("to" in rule) == (ports == {6379})  # names are asked of many a kind of server


def test_the_store_is_a_service_of_the_set(kustomized: list[Manifest]) -> None:
    for settings in of_kind(kustomized, "ConfigMap"):
        if url := settings["data"].get("CTR_STORE"):
            named = Address.read(url, {"CTR_STORE_PASSWORD": "secret"})
            ports = {
                (each["metadata"]["name"], port["port"])
                for each in of_kind(kustomized, "Service")
                for port in each["spec"]["ports"]
            }
            assert (named.host, named.port) in ports
