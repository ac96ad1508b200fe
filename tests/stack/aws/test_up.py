"""One command makes everything; again, it changes nothing; what is wrong ends it before."""

import pytest

from deploy.aws.provision.templates import ORDER
from tests.stack.aws.cloud import GROUP, NOT_THERE, Cloud

pytestmark = pytest.mark.stack


def _titles(*names: str) -> set[str]:
    return {f"clickthrough-{name}" for name in names}


def _resources(cloud: Cloud) -> dict[str, str]:
    """Return what each resource of each stack is in AWS."""
    told = [
        each
        for title in cloud.stacks()
        for each in cloud.cli("cloudformation", "describe-stack-resources", "--stack-name", title)[
            "StackResources"
        ]
    ]
    return {
        f"{each['StackName']}.{each['LogicalResourceId']}": each["PhysicalResourceId"]
        for each in told
    }


def test_everything_is_made(cloud: Cloud) -> None:
    done = cloud.up()
    assert done.status == 0, done.err
    assert set(cloud.stacks()) == _titles(*ORDER)
    assert set(cloud.stacks().values()) == {"CREATE_COMPLETE"}
    cluster = cloud.cli("eks", "describe-cluster", "--name", "clickthrough")["cluster"]
    assert cluster["version"] == "1.35"
    assert cluster["resourcesVpcConfig"]["publicAccessCidrs"] == ["198.51.100.7/32"]
    assert cluster["accessConfig"]["authenticationMode"] == "API"
    (group,) = cloud.cli("autoscaling", "describe-auto-scaling-groups")["AutoScalingGroups"]
    assert (group["MinSize"], group["MaxSize"]) == (2, 6)
    assert len(group["VPCZoneIdentifier"].split(",")) == 2
    addons = cloud.cli("eks", "list-addons", "--cluster-name", "clickthrough")["addons"]
    assert len(addons) == 5
    identities = cloud.cli(
        "eks", "list-pod-identity-associations", "--cluster-name", "clickthrough"
    )
    assert {each["serviceAccount"] for each in identities["associations"]} == {
        "cluster-autoscaler",
        "aws-load-balancer-controller",
        "ebs-csi-controller-sa",
    }


def test_again_it_changes_nothing(cloud: Cloud) -> None:
    assert cloud.up().status == 0
    before = _resources(cloud)
    done = cloud.up()
    assert done.status == 0, done.err
    assert _resources(cloud) == before
    assert set(cloud.stacks().values()) == {"CREATE_COMPLETE"}
    lines = [line for line in done.out.splitlines() if line.startswith(("stack ", "chart "))]
    assert len(lines) == len(ORDER) + 3
    assert all(line.endswith(": as it was") for line in lines)


def test_what_a_stack_gives_is_what_the_next_is_given(cloud: Cloud) -> None:
    assert cloud.up().status == 0
    told = cloud.cli("cloudformation", "describe-stacks", "--stack-name", "clickthrough-network")
    outputs = {each["OutputKey"]: each["OutputValue"] for each in told["Stacks"][0]["Outputs"]}
    (network,) = cloud.cli("ec2", "describe-vpcs", "--vpc-ids", outputs["VpcId"])["Vpcs"]
    assert network["CidrBlock"] == "10.0.0.0/16"
    cluster = cloud.cli("eks", "describe-cluster", "--name", "clickthrough")["cluster"]
    subnets = set(",".join([outputs["PrivateSubnets"], outputs["PublicSubnets"]]).split(","))
    assert set(cluster["resourcesVpcConfig"]["subnetIds"]) == subnets


def test_charts_are_given_the_cluster(cloud: Cloud) -> None:
    done = cloud.up()
    assert done.status == 0, done.err
    for chart in ("cluster-autoscaler", "aws-load-balancer-controller"):
        values = cloud.chart_values(chart)
        assert "clickthrough" in str(values)
        assert "$" not in str(values)


def test_a_changed_parameter_changes_its_stack_alone(cloud: Cloud) -> None:
    assert cloud.up().status == 0
    done = cloud.up("--set", "NodesMax=8")
    assert done.status == 0, done.err
    assert "stack clickthrough-nodes: changed" in done.out
    assert done.out.count(": as it was") == len(ORDER) - 1 + 3
    (group,) = cloud.cli("autoscaling", "describe-auto-scaling-groups")["AutoScalingGroups"]
    assert group["MaxSize"] == 8


def test_what_holds_something_is_not_replaced_unasked(cloud: Cloud) -> None:
    assert cloud.up().status == 0
    before = _resources(cloud)
    done = cloud.up("--set", "ServiceCidr=172.21.0.0/16")
    assert done.status == 1
    assert done.err.startswith("up: cluster: Cluster (AWS::EKS::Cluster)")
    assert _resources(cloud) == before


def test_a_failure_leaves_nothing_of_its_stack_and_the_next_try_goes_on(cloud: Cloud) -> None:
    cloud.fail(GROUP)
    done = cloud.up()
    assert done.status == 1
    assert done.err.startswith(f"up: nodes: Group ({GROUP}): {GROUP}: there is no capacity")
    assert done.err.endswith("; nothing of it is left\n")
    assert set(cloud.stacks()) == _titles("registry", "bundles", "network", "cluster", "roles")
    cloud.fail(GROUP)  # it is there again
    done = cloud.up()
    assert done.status == 0, done.err
    assert done.out.count(": as it was") == 5
    assert set(cloud.stacks()) == _titles(*ORDER)


def test_a_version_that_is_not_there_ends_it_before(cloud: Cloud) -> None:
    done = cloud.up(*NOT_THERE)
    assert done.status == 1
    assert done.err.startswith("up: NodeImage: AWS publishes none at ")
    assert _nothing_was_made(cloud)


def test_logs_of_an_earlier_cluster_end_it_before_and_down_deletes_them(cloud: Cloud) -> None:
    cloud.client("logs").create_log_group(logGroupName="/aws/eks/clickthrough/cluster")
    done = cloud.up()
    assert done.status == 1
    assert done.err.startswith("up: /aws/eks/clickthrough/cluster: the logs of an earlier")
    assert _nothing_was_made(cloud)
    assert cloud.down().status == 0
    assert cloud.up().status == 0


def test_nodes_that_do_not_join_are_told(empty: Cloud) -> None:
    done = empty.up("--minutes", "0.1")
    assert done.status == 1
    assert "nodes: 0 of 2 are ready" in done.err
    assert "docs/deploy.md" in done.err


def _nothing_was_made(cloud: Cloud) -> bool:
    return not cloud.stacks()


def test_a_repository_that_was_made_by_hand_ends_it_before(cloud: Cloud) -> None:
    cloud.cli("ecr", "create-repository", "--repository-name", "ctr-service")
    done = cloud.up()
    assert done.status == 1
    assert done.err.startswith("up: ctr-service: a repository of this name exists")
    assert _nothing_was_made(cloud)


def test_a_cluster_of_this_name_ends_it_before(cloud: Cloud) -> None:
    role = "arn:aws:iam::000000000000:role/a"
    name = ("--name", "clickthrough", "--role-arn", role)
    cloud.cli("eks", "create-cluster", *name, "--resources-vpc-config", "subnetIds=a,b")
    done = cloud.up()
    assert done.status == 1
    assert done.err.startswith("up: clickthrough: a cluster of this name exists")
    assert _nothing_was_made(cloud)


def test_a_stack_of_somebody_else_is_left_alone(cloud: Cloud) -> None:
    template = '{"Resources": {"T": {"Type": "AWS::SNS::Topic"}}}'
    named = ("--stack-name", "clickthrough-network", "--template-body", template)
    cloud.cli("cloudformation", "create-stack", *named)
    for done in (cloud.up(), cloud.down()):
        assert done.status == 1
        assert (
            "clickthrough-network: a stack of this name exists and is not one of these" in done.err
        )
    assert set(cloud.stacks()) == _titles("network")


def test_without_credentials_nothing_is_made_and_it_is_said(cloud: Cloud) -> None:
    none = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    done = cloud.command("up", "--yes", "--set", "PublicAccessCidrs=198.51.100.7/32", **none)
    assert done.status == 1
    assert done.err.startswith("up: no credentials: ")
    assert "Traceback" not in done.err


def test_an_aws_that_does_not_answer_is_told(cloud: Cloud) -> None:
    away = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1"}
    done = cloud.command("up", "--yes", "--set", "PublicAccessCidrs=198.51.100.7/32", **away)
    assert done.status == 1
    assert done.err.startswith("up: AWS cannot be reached in eu-central-1: ")


def test_a_program_that_lacks_ends_it_before(cloud: Cloud) -> None:
    done = cloud.command(
        "up", "--yes", "--set", "PublicAccessCidrs=198.51.100.7/32", PATH="/nowhere"
    )
    assert done.status == 1
    assert "is not on PATH" in done.err
    assert _nothing_was_made(cloud)


def test_nobody_to_ask_is_no_yes(cloud: Cloud) -> None:
    done = cloud.command("up", "--set", "PublicAccessCidrs=198.51.100.7/32")
    assert done.status == 1
    assert "--yes" in done.err
    assert _nothing_was_made(cloud)


def test_a_stack_that_is_named_is_made_too_and_goes_first(cloud: Cloud) -> None:
    done = cloud.up("github", "--set", "GitHubRepository=ads/ctr")
    assert done.status == 0, done.err
    assert "clickthrough-github" in cloud.stacks()
    assert cloud.up().status == 0  # not named, it stays
    assert "clickthrough-github" in cloud.stacks()
    done = cloud.down()
    assert done.status == 0, done.err
    assert done.out.index("clickthrough-github: deleted") < done.out.index("nodes: deleted")


def test_a_stack_that_another_is_made_for_is_named_with_it(cloud: Cloud) -> None:
    done = cloud.up("codepipeline")
    assert done.status == 1
    assert done.err == "up: codepipeline: it takes what builds gives: name both\n"
    assert _nothing_was_made(cloud)
