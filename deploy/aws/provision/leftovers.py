"""What Kubernetes made in AWS beside the stacks, found by its tags: it bills, and holds the network.

A cluster that answers deletes most of it by itself (cluster.py). These are the rest: of a cluster that never had a
ready node, of a controller that was gone before its Services.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from deploy.aws.provision.account import Account, Client, code
from deploy.aws.provision.errors import RefusedError

_HELD = {"DependencyViolation", "ResourceInUse", "InvalidParameterValue", "VolumeInUse"}
"""Refusals that end once what holds the thing is gone."""


@dataclass(frozen=True)
class Leftover:
    """A thing that a cluster left.

    Attributes:
        kind: what it is, in words.
        id: its name or identifier.
        bills: whether it costs by itself.
        delete: deletes it.
    """

    kind: str
    id: str
    bills: bool
    delete: Callable[[], object]


def leftovers(account: Account, cluster: str) -> Iterator[Leftover]:
    """Find what a cluster left, in the order in which it can be deleted."""
    yield from _balancers(account.client("elbv2"), cluster)
    yield from _classic(account.client("elb"), cluster)
    yield from _of_ec2(account.client("ec2"), cluster)


def _owned(tags: list[dict[str, str]], cluster: str) -> bool:
    """Say whether a controller of a cluster made a thing."""
    has = {each["Key"]: each["Value"] for each in tags}
    if any(key.startswith("aws:cloudformation:") or key == "aws:eks:cluster-name" for key in has):
        return False  # it goes with its stack, or with the cluster
    return has.get("elbv2.k8s.aws/cluster") == cluster or (
        has.get(f"kubernetes.io/cluster/{cluster}") == "owned"
    )


def _balancers(client: Client, cluster: str) -> Iterator[Leftover]:
    """Find network and application load balancers, and what they led to."""
    for arn in _tagged(client, "load_balancers", "LoadBalancerArn", cluster):
        yield Leftover(
            "load balancer",
            arn,
            True,
            lambda arn=arn: client.delete_load_balancer(LoadBalancerArn=arn),
        )
    for arn in _tagged(client, "target_groups", "TargetGroupArn", cluster):
        yield Leftover(
            "target group",
            arn,
            False,
            lambda arn=arn: client.delete_target_group(TargetGroupArn=arn),
        )


def _tagged(client: Client, what: str, key: str, cluster: str) -> Iterator[str]:
    """Yield the names of what is tagged, twenty of which are asked for at a time."""
    listed = "".join(part.capitalize() for part in what.split("_"))
    for page in client.get_paginator(f"describe_{what}").paginate():
        arns = [each[key] for each in page[listed]]
        for at in range(0, len(arns), 20):
            told = client.describe_tags(ResourceArns=arns[at : at + 20])["TagDescriptions"]
            yield from (each["ResourceArn"] for each in told if _owned(each["Tags"], cluster))


def _classic(client: Client, cluster: str) -> Iterator[Leftover]:
    """Find load balancers of the kind that Kubernetes itself makes."""
    for page in client.get_paginator("describe_load_balancers").paginate():
        names = [each["LoadBalancerName"] for each in page["LoadBalancerDescriptions"]]
        for at in range(0, len(names), 20):
            told = client.describe_tags(LoadBalancerNames=names[at : at + 20])["TagDescriptions"]
            for each in told:
                if _owned(each["Tags"], cluster):
                    name = each["LoadBalancerName"]
                    yield Leftover(
                        "classic load balancer",
                        name,
                        True,
                        lambda name=name: client.delete_load_balancer(LoadBalancerName=name),
                    )


def _of_ec2(client: Client, cluster: str) -> Iterator[Leftover]:
    """Find disks, interfaces of pods, and firewalls of load balancers."""
    owned = {"Name": f"tag:kubernetes.io/cluster/{cluster}", "Values": ["owned"]}
    loose = {"Name": "status", "Values": ["available"]}
    for each in _pages(client, "volumes", [owned, loose]):
        name = each["VolumeId"]
        yield Leftover("volume", name, True, lambda name=name: client.delete_volume(VolumeId=name))
    of_pods = {"Name": "tag:cluster.k8s.amazonaws.com/name", "Values": [cluster]}
    for each in _pages(client, "network_interfaces", [of_pods, loose]):
        name = each["NetworkInterfaceId"]
        yield Leftover(
            "network interface",
            name,
            False,
            lambda name=name: client.delete_network_interface(NetworkInterfaceId=name),
        )
    for tag in ({"Name": "tag:elbv2.k8s.aws/cluster", "Values": [cluster]}, owned):
        for each in _pages(client, "security_groups", [tag]):
            if _owned(each.get("Tags", []), cluster):
                name = each["GroupId"]
                yield Leftover(
                    "security group",
                    name,
                    False,
                    lambda name=name: client.delete_security_group(GroupId=name),
                )


def _pages(client: Client, what: str, filters: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    listed = "".join(part.capitalize() for part in what.split("_"))
    for page in client.get_paginator(f"describe_{what}").paginate(Filters=filters):
        yield from page[listed]


def sweep(
    find: Callable[[], Iterator[Leftover]],
    told: Callable[[str], None],
    minutes: float = 10,
    pause: float = 5,
) -> None:
    """Delete what was left, until nothing is found.

    Raises:
        RefusedError: something does not go in time, or may not be deleted.
    """
    end = time.monotonic() + minutes * 60
    seen: set[str] = set()
    while found := list(find()):
        for each in found:
            if each.id not in seen:
                told(f"{each.kind} {each.id}: left by the cluster, deleted")
                seen.add(each.id)
            _try(each)
        if time.monotonic() > end:
            left = ", ".join(f"{each.kind} {each.id}" for each in found)
            raise RefusedError(f"still there after {minutes:g} minutes: {left}")
        time.sleep(pause)


def _try(each: Leftover) -> None:
    """Delete a thing; what another still holds is tried again later."""
    try:
        each.delete()
    except ClientError as error:
        if code(error) not in _HELD and "NotFound" not in code(error):
            raise
