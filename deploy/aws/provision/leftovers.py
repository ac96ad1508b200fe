"""What Kubernetes made in AWS beside the stacks, by its tags: it bills, and holds the network.

A cluster that answers deletes most of it by itself (cluster.py). These are the rest: of a cluster
that never had a ready node, of a controller that was gone before its Services.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from deploy.aws.provision.account import Account, Client, code
from deploy.aws.provision.errors import RefusedError

_HELD = {
    "DependencyViolation",
    "InvalidGroup.InUse",
    "InvalidNetworkInterface.InUse",
    "InvalidParameterValue",
    "ResourceInUse",
    "VolumeInUse",
}
"""Refusals that end once what holds the thing is gone."""
_TAGS_AT_A_TIME = 20


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
    elb, ec2 = account.client("elbv2"), account.client("ec2")
    for arn in _tagged(elb, "load_balancers", "LoadBalancerArn", cluster):
        delete = partial(elb.delete_load_balancer, LoadBalancerArn=arn)
        yield Leftover("load balancer", arn, True, delete)
    yield from _classic(account.client("elb"), cluster)
    for arn in _tagged(elb, "target_groups", "TargetGroupArn", cluster):
        delete = partial(elb.delete_target_group, TargetGroupArn=arn)
        yield Leftover("target group", arn, False, delete)
    yield from _volumes(ec2, cluster)
    yield from interfaces(ec2, cluster)
    yield from _groups(ec2, cluster)


def _owned(tags: list[dict[str, str]], cluster: str) -> bool:
    """Say whether a controller of a cluster made a thing."""
    has = {each["Key"]: each["Value"] for each in tags}
    if any(key.startswith("aws:cloudformation:") or key == "aws:eks:cluster-name" for key in has):
        return False  # it goes with its stack, or with the cluster
    return has.get("elbv2.k8s.aws/cluster") == cluster or (
        has.get(f"kubernetes.io/cluster/{cluster}") == "owned"
    )


def _tagged(client: Client, what: str, key: str, cluster: str) -> Iterator[str]:
    """Yield the names of network and application load balancers, or of what they lead to."""
    for page in client.get_paginator(f"describe_{what}").paginate():
        arns = [each[key] for each in page[_listed(what)]]
        for each in _tags(client, "ResourceArns", arns):
            if _owned(each["Tags"], cluster):
                yield each["ResourceArn"]


def _listed(what: str) -> str:
    """Return the name under which an answer lists what was asked for.

    >>> _listed("load_balancers")
    'LoadBalancers'
    """
    return "".join(part.capitalize() for part in what.split("_"))


def _tags(client: Client, key: str, names: list[str]) -> Iterator[dict[str, Any]]:
    """Yield the tags of load balancers; of those that are still there."""
    for at in range(0, len(names), _TAGS_AT_A_TIME):
        some = names[at : at + _TAGS_AT_A_TIME]
        try:
            yield from client.describe_tags(**{key: some})["TagDescriptions"]
        except ClientError as error:
            if "NotFound" not in code(error):
                raise
            if len(some) > 1:  # one of them is gone: the others are asked one by one
                for name in some:
                    yield from _tags(client, key, [name])


def _classic(client: Client, cluster: str) -> Iterator[Leftover]:
    """Find load balancers of the kind that Kubernetes itself makes."""
    for page in client.get_paginator("describe_load_balancers").paginate():
        names = [each["LoadBalancerName"] for each in page["LoadBalancerDescriptions"]]
        for each in _tags(client, "LoadBalancerNames", names):
            if _owned(each["Tags"], cluster):
                name = each["LoadBalancerName"]
                delete = partial(client.delete_load_balancer, LoadBalancerName=name)
                yield Leftover("classic load balancer", name, True, delete)


def _volumes(client: Client, cluster: str) -> Iterator[Leftover]:
    """Find disks of claims; the cluster's own tag, or the one that addons.yaml has them given."""
    seen = set()
    for tag in (_filter(f"tag:kubernetes.io/cluster/{cluster}", "owned"), _named(cluster)):
        asked = [tag, _filter("tag-key", "CSIVolumeName"), _filter("status", "available")]
        for each in _pages(client, "volumes", asked):
            if (name := each["VolumeId"]) not in seen:
                seen.add(name)
                yield Leftover("volume", name, True, partial(client.delete_volume, VolumeId=name))


def interfaces(client: Client, cluster: str) -> Iterator[Leftover]:
    """Find interfaces that pods had, and that were let go while their node ended.

    They hold the nodes' group and the subnets.
    """
    asked = [_filter("tag:cluster.k8s.amazonaws.com/name", cluster), _filter("status", "available")]
    for each in _pages(client, "network_interfaces", asked):
        name = each["NetworkInterfaceId"]
        delete = partial(client.delete_network_interface, NetworkInterfaceId=name)
        yield Leftover("network interface", name, False, delete)


def _groups(client: Client, cluster: str) -> Iterator[Leftover]:
    """Find firewalls of load balancers."""
    for tag in (
        _filter("tag:elbv2.k8s.aws/cluster", cluster),
        _filter(f"tag:kubernetes.io/cluster/{cluster}", "owned"),
    ):
        for each in _pages(client, "security_groups", [tag]):
            if _owned(each.get("Tags", []), cluster):
                name = each["GroupId"]
                delete = partial(client.delete_security_group, GroupId=name)
                yield Leftover("security group", name, False, delete)


def _filter(name: str, value: str) -> dict[str, Any]:
    return {"Name": name, "Values": [value]}


def _named(cluster: str) -> dict[str, Any]:
    return _filter("tag:clickthrough-cluster", cluster)


def _pages(client: Client, what: str, filters: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for page in client.get_paginator(f"describe_{what}").paginate(Filters=filters):
        yield from page[_listed(what)]


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
    while found := sweep_once(find, told, seen):
        if time.monotonic() > end:
            left = ", ".join(f"{each.kind} {each.id}" for each in found)
            raise RefusedError(f"still there after {minutes:g} minutes: {left}")
        time.sleep(pause)


def sweep_once(
    find: Callable[[], Iterator[Leftover]], told: Callable[[str], None], seen: set[str]
) -> list[Leftover]:
    """Delete what was left, as far as nothing holds it; return what was found.

    Args:
        find: finds it.
        told: is told of each.
        seen: what was told of before; what is told now is added.
    """
    found = list(find())
    for each in found:
        if each.id not in seen:
            told(f"{each.kind} {each.id}: left by the cluster, deleted")
            seen.add(each.id)
        _try(each)
    return found


def _try(each: Leftover) -> None:
    """Delete a thing; what another still holds is tried again later."""
    try:
        each.delete()
    except ClientError as error:
        if code(error) not in _HELD and "NotFound" not in code(error):
            raise
