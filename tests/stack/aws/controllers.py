"""What runs in a cluster on AWS and not here: load balancers for Services, disks for claims."""

import threading
from typing import Any, Self

from tests.stack.aws.cloud import Cloud

_FINALIZER = "service.k8s.aws/resources"


class Controllers:
    """Plays the load balancer controller and the volumes' driver, until its end.

    Args:
        cloud: where it plays.
        cluster: the name in its tags.
    """

    def __init__(self, cloud: Cloud, cluster: str = "clickthrough") -> None:
        self._cloud, self._cluster = cloud, cluster
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._play)
        self.failure: BaseException | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join(30)
        assert self.failure is None, self.failure

    def _play(self) -> None:
        try:
            while not self._end.wait(0.1):
                self._services()
                self._volumes()
        except BaseException as error:
            self.failure = error

    def _services(self) -> None:
        for each in self._cloud.kubernetes("GET", "/api/v1/services")["items"]:
            about = each["metadata"]
            path = f"/api/v1/namespaces/{about['namespace']}/services/{about['name']}"
            if about.get("deletionTimestamp"):
                delete_balancer(self._cloud, about["name"])
                self._cloud.kubernetes("PATCH", path, {"metadata": {"finalizers": []}})

    def _volumes(self) -> None:
        """Delete the disks of claims whose namespace is gone."""
        for each in self._cloud.kubernetes("GET", "/api/v1/persistentvolumes")["items"]:
            space = each["spec"]["claimRef"]["namespace"]
            if self._cloud.kubernetes("GET", f"/api/v1/namespaces/{space}") is None:
                disk = each["spec"]["csi"]["volumeHandle"]
                self._cloud.client("ec2").delete_volume(VolumeId=disk)
                name = each["metadata"]["name"]
                self._cloud.kubernetes("DELETE", f"/api/v1/persistentvolumes/{name}")


def add_balanced_service(
    cloud: Cloud, namespace: str, name: str, cluster: str = "clickthrough"
) -> str:
    """Create a Service with its network load balancer; return the load balancer's name."""
    spec = {"type": "LoadBalancer", "ports": [{"port": 80}]}
    cloud.add(
        f"/api/v1/namespaces/{namespace}/services",
        "Service",
        name,
        spec=spec,
        metadata={"finalizers": [_FINALIZER]},
    )
    return add_balancer(cloud, name, cluster)


def add_balancer(cloud: Cloud, name: str, cluster: str = "clickthrough") -> str:
    """Make a load balancer, a target group and a firewall, tagged as by the controller."""
    tags = [{"Key": "elbv2.k8s.aws/cluster", "Value": cluster}]
    subnets, network = _network(cloud)
    elb, ec2 = cloud.client("elbv2"), cloud.client("ec2")
    group = ec2.create_security_group(
        GroupName=f"k8s-{name}",
        Description="of a load balancer",
        VpcId=network,
        TagSpecifications=[{"ResourceType": "security-group", "Tags": tags}],
    )["GroupId"]
    made = elb.create_load_balancer(
        Name=name, Type="network", Subnets=subnets, SecurityGroups=[group], Tags=tags
    )
    elb.create_target_group(
        Name=name, Protocol="TCP", Port=80, VpcId=network, TargetType="ip", Tags=tags
    )
    return str(made["LoadBalancers"][0]["LoadBalancerArn"])


def _network(cloud: Cloud) -> tuple[list[str], str]:
    told = cloud.client("ec2").describe_subnets(
        Filters=[{"Name": "tag:Project", "Values": ["clickthrough"]}]
    )["Subnets"]
    return [each["SubnetId"] for each in told], str(told[0]["VpcId"])


def delete_balancer(cloud: Cloud, name: str) -> None:
    """Delete what ``add_balancer`` made, as the controller does."""
    elb, ec2 = cloud.client("elbv2"), cloud.client("ec2")
    for each in elb.describe_load_balancers()["LoadBalancers"]:
        if each["LoadBalancerName"] == name:
            elb.delete_load_balancer(LoadBalancerArn=each["LoadBalancerArn"])
    for each in elb.describe_target_groups()["TargetGroups"]:
        if each["TargetGroupName"] == name:
            elb.delete_target_group(TargetGroupArn=each["TargetGroupArn"])
    for each in ec2.describe_security_groups()["SecurityGroups"]:
        if each["GroupName"] == f"k8s-{name}":
            ec2.delete_security_group(GroupId=each["GroupId"])


def add_volume(cloud: Cloud, namespace: str, name: str, cluster: str = "clickthrough") -> str:
    """Make a disk as the driver makes it for a claim; return its identifier."""
    disk = add_disk(cloud, cluster)
    cloud.add(
        "/api/v1/persistentvolumes",
        "PersistentVolume",
        name,
        spec={
            "csi": {"driver": "ebs.csi.aws.com", "volumeHandle": disk},
            "claimRef": {"namespace": namespace, "name": name},
        },
    )
    return disk


def add_disk(cloud: Cloud, cluster: str = "clickthrough") -> str:
    """Make a disk with the driver's tags."""
    tags: list[dict[str, Any]] = [
        {"Key": f"kubernetes.io/cluster/{cluster}", "Value": "owned"},
        {"Key": "clickthrough-cluster", "Value": cluster},
        {"Key": "CSIVolumeName", "Value": "pvc-1"},
    ]
    made = cloud.client("ec2").create_volume(
        AvailabilityZone="eu-central-1a",
        Size=1,
        TagSpecifications=[{"ResourceType": "volume", "Tags": tags}],
    )
    return str(made["VolumeId"])


def add_interface(cloud: Cloud) -> str:
    """Make an interface as a pod's network leaves it where its node ends; return its identifier."""
    subnets, _ = _network(cloud)
    tags = [{"Key": "cluster.k8s.amazonaws.com/name", "Value": "clickthrough"}]
    made = cloud.client("ec2").create_network_interface(
        SubnetId=subnets[0],
        TagSpecifications=[{"ResourceType": "network-interface", "Tags": tags}],
    )
    return str(made["NetworkInterface"]["NetworkInterfaceId"])
