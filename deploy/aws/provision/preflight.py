"""What is looked at before anything is made: names that others have already."""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from deploy.aws.provision import templates
from deploy.aws.provision.account import Account, code
from deploy.aws.provision.errors import RefusedError
from deploy.aws.provision.stack_state import EMPTY, Watched

_MOST_ZONES = 3
_NO_CONTROL_PLANE = {"use1-az3", "usw1-az2", "cac1-az3"}
"""Zones in which EKS makes none."""


def free(account: Account, stacks: Watched, names: tuple[str, ...]) -> None:
    """Refuse a name that exists and belongs to none of these stacks.

    Raises:
        RefusedError: what exists, and what to do.
    """
    found = {name: stacks.own(name) for name in names}
    there = {name: state is not None and state.status != EMPTY for name, state in found.items()}
    if not there["registry"]:
        _repositories(account)
    if not there["cluster"]:
        if account.has_cluster(name := stacks.cluster):
            raise RefusedError(f"{name}: a cluster of this name exists: choose another ClusterName")
        _logs(account, stacks.cluster)


def _repositories(account: Account) -> None:
    client = account.client("ecr")
    for each in templates.of_type("registry", "AWS::ECR::Repository"):
        name = each["RepositoryName"]
        try:
            client.describe_repositories(repositoryNames=[name])
        except ClientError as error:
            if code(error) != "RepositoryNotFoundException":
                raise
            continue
        raise RefusedError(
            f"{name}: a repository of this name exists, made by hand: delete it with its images "
            f"(aws ecr delete-repository --repository-name {name} --force) and push them again"
        )


def _logs(account: Account, name: str) -> None:
    group = templates.log_group(name)
    told = account.client("logs").describe_log_groups(logGroupNamePrefix=group)
    if any(each["logGroupName"] == group for each in told["logGroups"]):
        raise RefusedError(
            f"{group}: the logs of an earlier cluster of this name are there: choose another "
            "ClusterName, or let deploy/aws/down delete them"
        )


def fits(account: Account, given: Mapping[str, str]) -> None:
    """Refuse what AWS would only refuse once the network is made and bills.

    Raises:
        RefusedError: an image or a type of nodes that is not there, or an administrator who is one.
    """
    _image(account, given["NodeImage"])
    _type(account, given["InstanceType"])
    asks = account.identity[1].replace(":sts:", ":iam:").replace("assumed-role", "role")
    if (admin := given.get("AdminArn")) and f"{asks}/".startswith(f"{admin}/"):
        raise RefusedError(f"AdminArn: {admin} asks, and administers what it makes: leave it empty")


def _image(account: Account, path: str) -> None:
    try:
        account.client("ssm").get_parameter(Name=path)
    except ClientError as error:
        if code(error) != "ParameterNotFound":
            raise
        raise RefusedError(
            f"NodeImage: AWS publishes none at {path} in {account.region}: it has no such "
            "KubernetesVersion, yet or any more"
        ) from None


def _type(account: Account, name: str) -> None:
    try:
        told = account.client("ec2").describe_instance_types(InstanceTypes=[name])
    except ClientError as error:
        if code(error) not in {"InvalidInstanceType", "InvalidParameterValue"}:
            raise
        raise RefusedError(f"InstanceType: {account.region} has no {name}") from None
    kinds = [each for one in told["InstanceTypes"] for each in _architectures(one)]
    if "x86_64" not in kinds:
        raise RefusedError(f"InstanceType: {name} is of {', '.join(kinds)}, NodeImage of x86_64")


def _architectures(told: dict[str, Any]) -> list[str]:
    return list(told["ProcessorInfo"]["SupportedArchitectures"])


def zones(account: Account, count: int) -> str:
    """Return the names of the first zones that can have a control plane, as three with commas.

    Raises:
        RefusedError: the region has fewer.
    """
    available = {"Name": "state", "Values": ["available"]}
    own = {"Name": "opt-in-status", "Values": ["opt-in-not-required"]}  # no local zones
    told = account.client("ec2").describe_availability_zones(Filters=[available, own])
    fit = sorted(
        each["ZoneName"]
        for each in told["AvailabilityZones"]
        if each["ZoneId"] not in _NO_CONTROL_PLANE
    )
    if len(fit) < count:
        raise RefusedError(f"Zones: {account.region} has {len(fit)} for a cluster, not {count}")
    return ",".join([*fit[:count], "", ""][:_MOST_ZONES])
