"""One command deletes what the other made, half or whole, and what Kubernetes made beside it."""

import pytest

from tests.stack.aws.cloud import GROUP, Cloud
from tests.stack.aws.controllers import (
    Controllers,
    add_balanced_service,
    add_balancer,
    add_disk,
    add_interface,
    add_volume,
)

pytestmark = pytest.mark.stack

_CLUSTER = ("network", "cluster", "roles", "nodes", "addons")


def _left(cloud: Cloud) -> list[str]:
    """Return all that an account still holds which it did not hold when it was new."""
    ec2 = cloud.client("ec2")
    tagged = [{"Name": "tag-key", "Values": ["Project", "elbv2.k8s.aws/cluster", "CSIVolumeName"]}]
    nats = ec2.describe_nat_gateways()["NatGateways"]
    return [
        *cloud.stacks(),
        *(each["VpcId"] for each in ec2.describe_vpcs(Filters=tagged)["Vpcs"]),
        *(each["SubnetId"] for each in ec2.describe_subnets(Filters=tagged)["Subnets"]),
        *(each["VolumeId"] for each in ec2.describe_volumes(Filters=tagged)["Volumes"]),
        *(
            each["GroupId"]
            for each in ec2.describe_security_groups(Filters=tagged)["SecurityGroups"]
        ),
        *(each["AllocationId"] for each in ec2.describe_addresses()["Addresses"]),
        *(each["NatGatewayId"] for each in nats if each["State"] != "deleted"),
        *(each["LaunchTemplateId"] for each in ec2.describe_launch_templates()["LaunchTemplates"]),
        *(
            each["LoadBalancerArn"]
            for each in cloud.client("elbv2").describe_load_balancers()["LoadBalancers"]
        ),
        *(
            each["TargetGroupArn"]
            for each in cloud.client("elbv2").describe_target_groups()["TargetGroups"]
        ),
        *(
            each["AutoScalingGroupName"]
            for each in cloud.client("autoscaling").describe_auto_scaling_groups()[
                "AutoScalingGroups"
            ]
        ),
        *cloud.client("eks").list_clusters()["clusters"],
        *(each["RoleName"] for each in cloud.client("iam").list_roles()["Roles"]),
        *(each["logGroupName"] for each in cloud.client("logs").describe_log_groups()["logGroups"]),
        *(
            each["repositoryName"]
            for each in cloud.client("ecr").describe_repositories()["repositories"]
        ),
        *(each["Name"] for each in cloud.client("s3").list_buckets()["Buckets"]),
    ]


def _push(cloud: Cloud) -> None:
    """Put an image into the registry and a bundle into the bucket, in two versions."""
    cloud.client("ecr").put_image(
        repositoryName="ctr-service", imageManifest='{"schemaVersion": 2}', imageTag="0.1.0"
    )
    bucket = _bucket(cloud)
    for text in (b"one", b"two"):
        cloud.client("s3").put_object(Bucket=bucket, Key="bundle/manifest.json", Body=text)


def _bucket(cloud: Cloud) -> str:
    (bucket,) = [each["Name"] for each in cloud.client("s3").list_buckets()["Buckets"]]
    return str(bucket)


def test_nothing_is_left_where_everything_was_asked_for(cloud: Cloud) -> None:
    before = _left(cloud)
    assert cloud.up().status == 0
    assert len(_left(cloud)) > len(before) + 20  # else the list would see nothing
    _push(cloud)
    done = cloud.down("--images", "--bundles")
    assert done.status == 0, done.err
    assert _left(cloud) == before
    assert "nothing of these bills any more" in done.out


def test_load_balancers_and_volumes_go_before_nodes(cloud: Cloud) -> None:
    assert cloud.up().status == 0
    for name in ("default", "kube-system", "ctr-production"):
        cloud.add("/api/v1/namespaces", "Namespace", name)
    add_balanced_service(cloud, "ctr-production", "ctr-service")
    add_balanced_service(cloud, "default", "ctr-service-2")
    add_volume(cloud, "ctr-production", "redis")
    with Controllers(cloud):
        done = cloud.down("--images", "--bundles")
    assert done.status == 0, done.err
    lines = done.out.splitlines()
    service, namespace, nodes = (
        next(at for at, line in enumerate(lines) if line.startswith(begin))
        for begin in (
            "service ctr-production/",
            "namespace ctr-production",
            "stack clickthrough-nodes: ",
        )
    )
    assert service < namespace < nodes
    assert "left by the cluster" not in done.out  # its controllers did it
    assert _left(cloud) == _left_of_nothing(cloud)


def _left_of_nothing(cloud: Cloud) -> list[str]:
    """Return what a new account holds: roles of the local AWS' own, if it has any."""
    return [name for name in _left(cloud) if name.startswith("AWSServiceRole")]


def test_what_kubernetes_left_is_found_by_its_tags(cloud: Cloud) -> None:
    before = _left(cloud)
    assert cloud.up().status == 0
    add_balancer(cloud, "orphan")
    add_disk(cloud)
    done = cloud.down("--images", "--bundles")
    assert done.status == 0, done.err
    for kind in ("load balancer", "target group", "security group", "volume"):
        assert f"\n{kind} " in done.out
    assert _left(cloud) == before


def test_what_another_cluster_has_is_left_alone(cloud: Cloud) -> None:
    assert cloud.up().status == 0
    balancer, disk = add_balancer(cloud, "other", "other"), add_disk(cloud, "other")
    done = cloud.down()
    assert balancer in _left(cloud)
    assert disk in _left(cloud)
    assert balancer not in done.out


def test_images_and_bundles_stay_unless_they_are_asked_for(cloud: Cloud) -> None:
    assert cloud.up().status == 0
    _push(cloud)
    done = cloud.down()
    assert done.status == 0, done.err
    assert set(cloud.stacks()) == {"clickthrough-registry", "clickthrough-bundles"}
    assert "repository ctr-service: 1 images" in done.out
    assert f"bucket {_bucket(cloud)}: 2 files" in done.out
    assert cloud.up().status == 0
    assert cloud.cli("ecr", "list-images", "--repository-name", "ctr-service")["imageIds"]


def test_again_it_finds_nothing(cloud: Cloud) -> None:
    assert cloud.up().status == 0
    assert cloud.down("--images", "--bundles").status == 0
    done = cloud.down("--images", "--bundles")
    assert done.status == 0, done.err
    assert "nothing of these bills any more" in done.out
    assert "deleted\n" not in done.out.split("what still bills")[0].split("there is none")[-1]


def test_after_an_up_that_failed_half_way_nothing_is_left(empty: Cloud) -> None:
    before = _left(empty)
    empty.fail(GROUP)
    assert empty.up().status == 1
    assert len(empty.stacks()) == 5
    done = empty.down("--images", "--bundles")
    assert done.status == 0, done.err
    assert _left(empty) == before


def test_a_cluster_that_does_not_answer_is_deleted_all_the_same(cloud: Cloud) -> None:
    before = _left(cloud)
    assert cloud.up().status == 0
    add_balanced_service(cloud, "default", "ctr-service")
    add_volume(cloud, "default", "redis")
    cloud.silence()
    done = cloud.down("--images", "--bundles")
    assert done.status == 0, done.err
    assert "is looked for in AWS instead" in done.out
    assert _left(cloud) == before


def test_interfaces_that_pods_left_go_while_nodes_do(cloud: Cloud) -> None:
    assert cloud.up().status == 0
    interface = add_interface(cloud)
    done = cloud.down()
    assert done.status == 0, done.err
    freed = done.out.index(f"network interface {interface}: left by the cluster")
    assert freed < done.out.index("clickthrough-network: deleted")


def test_a_cluster_beside_it_keeps_what_both_have(cloud: Cloud) -> None:
    assert cloud.up().status == 0
    beside = ("--set", "ClusterName=beside")
    assert cloud.up(*beside).status == 0
    for asked in ("--images", "--bundles"):
        done = cloud.down(asked)
        assert done.status == 1
        assert "beside in this region has the same repositories and bucket" in done.err
    done = cloud.down()
    assert done.status == 0, done.err
    assert "cluster beside, or a part of it; deploy/aws/down --set ClusterName=beside" in done.out
    assert {name for name in cloud.stacks() if name.startswith("beside-")} == {
        f"beside-{name}" for name in _CLUSTER
    }
    assert cloud.down("--images", "--bundles", *beside).status == 0
    assert not cloud.stacks()


def test_a_bucket_of_another_region_is_left(cloud: Cloud) -> None:
    name = "clickthrough-bundles-bucket-abroad"
    s3 = cloud.client("s3", "eu-west-1")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    tags = [{"Key": "Project", "Value": "clickthrough"}]
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tags})
    assert cloud.up().status == 0
    assert cloud.down("--images", "--bundles").status == 0
    assert [each["Name"] for each in s3.list_buckets()["Buckets"]] == [name]


def test_what_ends_it_does_not_hide_what_bills(cloud: Cloud) -> None:
    assert cloud.up().status == 0
    _push(cloud)
    stuck = cloud.client("cloudformation")
    stuck.update_termination_protection(
        EnableTerminationProtection=True, StackName="clickthrough-nodes"
    )
    done = cloud.down()
    assert done.status == 1
    assert "clickthrough-nodes" in done.err
    assert "cluster clickthrough, or a part of it; deploy/aws/down" in done.out
    assert "repository ctr-service: 1 images" in done.out


def test_the_plan_is_printed_and_nothing_done(cloud: Cloud) -> None:
    assert cloud.up().status == 0
    before = _left(cloud)
    done = cloud.command("down", "--dry-run")
    assert done.status == 0, done.err
    places = [
        done.out.index(f"clickthrough-{name} (CREATE_COMPLETE)") for name in reversed(_CLUSTER)
    ]
    assert len(places) == len(_CLUSTER)
    assert done.out.index("Services with their load balancers") < min(places)
    assert _left(cloud) == before


def test_nobody_to_ask_is_no_yes(cloud: Cloud) -> None:
    assert cloud.up().status == 0
    before = _left(cloud)
    done = cloud.command("down")
    assert done.status == 1
    assert "--yes" in done.err
    assert _left(cloud) == before
