"""A role may do what its pod needs, and is taken by no other."""

import re
from collections.abc import Iterator

import pytest
import yaml

from tests.deploy.aws.stacks import (
    ORDER,
    Node,
    everything,
    of_type,
    properties,
    stack,
    substituted,
    tags,
)

_VALUES = {"ClusterName": "a-cluster"}
_READS = re.compile(r"\w+:(Describe|Get|List)\w+")
_RESOURCE_TAG = "aws:ResourceTag/"


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _statements(document: Node) -> Iterator[Node]:
    """Yield what roles are allowed; a key's policy names its key "*" and is left out."""
    for resource in document["Resources"].values():
        if resource["Type"] == "AWS::KMS::Key":
            continue
        for each in everything(resource):
            if each.get("Effect") == "Allow" and "Resource" in each:
                yield each


def _too_much(document: Node) -> list[Node]:
    """Return what is allowed on everything and more than reading."""
    return [
        each
        for each in _statements(document)
        if "*" in _listed(each["Resource"])
        and not all(_READS.fullmatch(str(action)) for action in _listed(each["Action"]))
    ]


@pytest.mark.parametrize("name", ORDER)
def test_whatever_may_be_done_to_everything_is_reading(name: str) -> None:
    assert not _too_much(stack(name))


@pytest.mark.parametrize("name", ORDER)
def test_no_role_may_do_all_that_a_service_can(name: str) -> None:
    for each in _statements(stack(name)):
        assert not [action for action in _listed(each["Action"]) if "*" in str(action)], each


def test_the_check_sees_a_role_that_may_do_everything() -> None:
    wrong = yaml.safe_load(
        "Resources: {R: {Type: AWS::IAM::Role, Properties: {Policies: [{PolicyDocument: "
        '{Statement: [{Effect: Allow, Action: "*", Resource: "*"}]}}]}}}'
    )
    assert _too_much(wrong)


def _statement(role: str, sid: str) -> Node:
    (policy,) = properties("roles", role)["Policies"]
    (found,) = [each for each in policy["PolicyDocument"]["Statement"] if each["Sid"] == sid]
    return dict(found)


def _asked(statement: Node) -> dict[str, str]:
    """Return the tags that a statement asks of what it is used on."""
    equal = statement["Condition"]["StringEquals"]
    return {
        key.removeprefix(_RESOURCE_TAG): substituted(value, _VALUES)
        for key, value in equal.items()
        if key.startswith(_RESOURCE_TAG)
    }


def test_the_autoscaler_changes_the_group_of_its_cluster_alone() -> None:
    asked = _asked(_statement("AutoscalerRole", "Write"))
    assert "a-cluster" in asked.values()
    assert asked.items() <= tags(properties("nodes", "Group")["Tags"], _VALUES).items()


def test_the_load_balancer_controller_opens_the_nodes_of_its_cluster_alone() -> None:
    asked = _asked(_statement("LoadBalancerRole", "OpenNodes"))
    assert "a-cluster" in asked.values()
    assert asked.items() <= tags(properties("nodes", "SecurityGroup")["Tags"], _VALUES).items()


def test_the_load_balancer_controller_changes_what_is_its_own() -> None:
    (policy,) = properties("roles", "LoadBalancerRole")["Policies"]
    free = {
        each["Sid"] for each in policy["PolicyDocument"]["Statement"] if "Condition" not in each
    }
    assert free == {"Read", "MakeSecurityGroups"}


def test_a_role_is_taken_by_the_service_account_that_it_is_for() -> None:
    associations = of_type("roles", "AWS::EKS::PodIdentityAssociation")
    roles = of_type("roles", "AWS::IAM::Role")
    assert {each["RoleArn"]["Fn::GetAtt"][0] for each in associations.values()} == set(roles)
    for each in associations.values():
        role = roles[each["RoleArn"]["Fn::GetAtt"][0]]
        (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"Service": "pods.eks.amazonaws.com"}
        assert trust["Action"] == ["sts:AssumeRole", "sts:TagSession"]
        assert trust["Condition"]["StringEquals"] == {
            "aws:RequestTag/eks-cluster-name": each["ClusterName"],
            "aws:RequestTag/kubernetes-namespace": each["Namespace"],
            "aws:RequestTag/kubernetes-service-account": each["ServiceAccount"],
        }
