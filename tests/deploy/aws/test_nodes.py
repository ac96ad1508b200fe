"""Nodes join their cluster, keep their role from pods, and are the autoscaler's."""

import base64
import email
from email.message import Message
from ipaddress import ip_network
from typing import Annotated, Any, Literal

import pytest
import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, HttpUrl, ValidationError

from tests.conftest import ROOT
from tests.deploy.aws.stacks import Node, of_type, properties, stack, substituted, tags

_VALUES = {
    "ClusterName": "a-cluster",
    "ClusterEndpoint": "https://0123.gr7.eu-central-1.eks.amazonaws.com",
    "ClusterCertificate": base64.b64encode(b"-----BEGIN CERTIFICATE-----").decode(),
    "ServiceCidr": "172.20.0.0/16",
    "AWS::Partition": "aws",
}


def _base64(text: str) -> str:
    base64.b64decode(text, validate=True)
    return text


def _block(text: str) -> str:
    ip_network(text)
    return text


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Cluster(_Strict):
    """spec.cluster: what a node is told, since it may not ask EKS."""

    name: str
    apiServerEndpoint: HttpUrl  # noqa: N815 - nodeadm's name
    certificateAuthority: Annotated[str, AfterValidator(_base64)]  # noqa: N815
    cidr: Annotated[str, AfterValidator(_block)]


class _Kubelet(_Strict):
    """spec.kubelet: fields of KubeletConfiguration, and flags."""

    config: dict[str, Any] = {}
    flags: list[str] = []


class _Spec(_Strict):
    cluster: _Cluster
    kubelet: _Kubelet = _Kubelet()


class _NodeConfig(_Strict):
    """A NodeConfig as nodeadm of awslabs/amazon-eks-ami reads it."""

    apiVersion: Literal["node.eks.aws/v1alpha1"]  # noqa: N815
    kind: Literal["NodeConfig"]
    spec: _Spec


def _template() -> Node:
    return dict(properties("nodes", "Template")["LaunchTemplateData"])


def _part() -> Message:
    """Return the one part of the user data."""
    text = substituted(_template()["UserData"]["Fn::Base64"], _VALUES)
    message = email.message_from_string(text)
    assert message["MIME-Version"] == "1.0"
    assert message.get_content_type() == "multipart/mixed"
    assert not message.defects
    _, part = message.walk()
    return part


def _config() -> Node:
    part = _part()
    assert part.get_content_type() == "application/node.eks.aws"
    return dict(yaml.safe_load(str(part.get_payload())))


def test_user_data_tells_nodeadm_of_the_cluster() -> None:
    read = _NodeConfig.model_validate(_config())
    assert read.spec.cluster.name == "a-cluster"
    assert read.spec.cluster.cidr == _VALUES["ServiceCidr"]
    assert read.spec.cluster.certificateAuthority == _VALUES["ClusterCertificate"]


def test_the_check_sees_a_field_that_nodeadm_does_not_know() -> None:
    wrong = _config()
    wrong["spec"]["cluster"]["endpoint"] = "https://a"
    with pytest.raises(ValidationError):
        _NodeConfig.model_validate(wrong)


def test_a_node_that_ends_gives_its_pods_the_time_they_take() -> None:
    said = _NodeConfig.model_validate(_config()).spec.kubelet.config
    whole, critical = (
        int(said[name].removesuffix("s"))
        for name in ("shutdownGracePeriod", "shutdownGracePeriodCriticalPods")
    )
    pods = ROOT / "config" / "components" / "aws-load-balancer" / "deployment.yaml"
    spec = yaml.safe_load(pods.read_text())["spec"]["template"]["spec"]
    assert whole - critical >= spec["terminationGracePeriodSeconds"]


def test_pods_do_not_get_the_role_of_their_node() -> None:
    options = _template()["MetadataOptions"]
    assert options["HttpTokens"] == "required"
    assert options["HttpPutResponseHopLimit"] == 1


def test_disks_are_encrypted() -> None:
    disks = [each["Ebs"] for each in _template()["BlockDeviceMappings"]]
    assert [(disk["Encrypted"], disk["VolumeType"]) for disk in disks] == [(True, "gp3")]


def test_nodes_have_the_three_policies() -> None:
    policies = properties("nodes", "Role")["ManagedPolicyArns"]
    names = [substituted(each, _VALUES).rpartition("/")[2] for each in policies]
    assert sorted(names) == [
        "AmazonEC2ContainerRegistryReadOnly",
        "AmazonEKSWorkerNodePolicy",
        "AmazonEKS_CNI_Policy",
    ]
    assert properties("nodes", "Profile")["Roles"] == [{"Ref": "Role"}]
    assert _template()["IamInstanceProfile"] == {"Arn": {"Fn::GetAtt": ["Profile", "Arn"]}}


def test_nodes_are_let_in_before_they_come() -> None:
    (entry,) = of_type("nodes", "AWS::EKS::AccessEntry").values()
    assert entry["Type"] == "EC2_LINUX"
    assert entry["PrincipalArn"] == {"Fn::GetAtt": ["Role", "Arn"]}
    assert "Access" in stack("nodes")["Resources"]["Group"]["DependsOn"]


def test_the_group_is_the_autoscalers() -> None:
    group = properties("nodes", "Group")
    has = tags(group["Tags"], _VALUES)
    assert has["k8s.io/cluster-autoscaler/enabled"] == "true"
    assert has["k8s.io/cluster-autoscaler/a-cluster"] == "owned"
    assert has["kubernetes.io/cluster/a-cluster"] == "owned"
    assert "DesiredCapacity" not in group  # an update would undo what it did


def test_a_new_image_rolls_the_group_node_by_node() -> None:
    rolling = stack("nodes")["Resources"]["Group"]["UpdatePolicy"]["AutoScalingRollingUpdate"]
    assert rolling["MaxBatchSize"] == 1
    assert rolling["MinInstancesInService"] == {"Ref": "NodesMin"}
    version = properties("nodes", "Group")["LaunchTemplate"]["Version"]
    assert version == {"Fn::GetAtt": ["Template", "LatestVersionNumber"]}


def test_nobody_outside_the_cluster_reaches_a_node() -> None:
    assert "SecurityGroupIngress" not in properties("nodes", "SecurityGroup")
    for rule in of_type("nodes", "AWS::EC2::SecurityGroupIngress").values():
        assert rule["SourceSecurityGroupId"]["Ref"] in {"SecurityGroup", "ClusterSecurityGroup"}
