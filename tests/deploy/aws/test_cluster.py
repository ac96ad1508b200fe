"""The control plane, the registry and the bucket: who may, what is encrypted, what is kept."""

import json
from itertools import chain

from tests.deploy.aws.stacks import Node, of_type, properties, stack, substituted


def _addons(name: str) -> dict[str, Node]:
    return {each["AddonName"]: each for each in of_type(name, "AWS::EKS::Addon").values()}


def test_rights_are_access_entries() -> None:
    assert properties("cluster", "Cluster")["AccessConfig"]["AuthenticationMode"] == "API"
    (policy,) = properties("cluster", "Role")["ManagedPolicyArns"]
    assert policy == {"Fn::Sub": "arn:${AWS::Partition}:iam::aws:policy/AmazonEKSClusterPolicy"}


def test_secrets_and_logs_are_encrypted_by_a_key_that_changes() -> None:
    (encrypted,) = properties("cluster", "Cluster")["EncryptionConfig"]
    assert encrypted["Resources"] == ["secrets"]
    assert encrypted["Provider"]["KeyArn"] == {"Fn::GetAtt": ["Key", "Arn"]}
    assert properties("cluster", "Logs")["KmsKeyId"] == {"Fn::GetAtt": ["Key", "Arn"]}
    assert properties("cluster", "Key")["EnableKeyRotation"] is True


def test_all_logs_go_where_they_end() -> None:
    enabled = properties("cluster", "Cluster")["Logging"]["ClusterLogging"]["EnabledTypes"]
    assert len(enabled) == 5
    group = properties("cluster", "Logs")
    name = substituted(group["LogGroupName"], {"ClusterName": "a-cluster"})
    assert name == "/aws/eks/a-cluster/cluster"  # the one that EKS writes to
    assert group["RetentionInDays"] == {"Ref": "LogDays"}
    assert stack("cluster")["Resources"]["Cluster"]["DependsOn"] == "Logs"


def test_what_nodes_need_to_become_ready_is_there_before_them() -> None:
    assert set(_addons("cluster")) == {"vpc-cni", "kube-proxy", "eks-pod-identity-agent"}
    assert set(_addons("addons")) == {"coredns", "aws-ebs-csi-driver"}
    assert properties("cluster", "Cluster")["BootstrapSelfManagedAddons"] is False


def test_network_policies_are_obeyed_and_volumes_have_a_class() -> None:
    said = json.loads(_addons("cluster")["vpc-cni"]["ConfigurationValues"])
    assert said == {"enableNetworkPolicy": "true"}
    values = _addons("addons")["aws-ebs-csi-driver"]["ConfigurationValues"]
    said = json.loads(substituted(values, {"ClusterName": "a-cluster"}))
    assert said["defaultStorageClass"] == {"enabled": True}
    assert said["controller"]["extraVolumeTags"]["clickthrough-cluster"] == "a-cluster"


def test_the_version_of_each_addon_can_be_given() -> None:
    for addon in chain(_addons("cluster").values(), _addons("addons").values()):
        condition, version, none = addon["AddonVersion"]["Fn::If"]
        assert condition == f"Has{version['Ref']}"
        assert none == {"Ref": "AWS::NoValue"}


def test_a_tag_of_an_image_stays_but_for_latest() -> None:
    repositories = of_type("registry", "AWS::ECR::Repository").values()
    assert {each["RepositoryName"] for each in repositories} == {"ctr-service", "ctr-train"}
    for each in repositories:
        assert each["ImageTagMutability"] == "IMMUTABLE_WITH_EXCLUSION"
        (filtered,) = each["ImageTagMutabilityExclusionFilters"]
        assert filtered["ImageTagMutabilityExclusionFilterValue"] == "latest"
        assert each["ImageScanningConfiguration"] == {"ScanOnPush": True}


def test_old_images_go() -> None:
    values = {"KeptImages": "30", "UntaggedDays": "14"}
    for each in of_type("registry", "AWS::ECR::Repository").values():
        text = substituted(each["LifecyclePolicy"]["LifecyclePolicyText"], values)
        rules = json.loads(text)["rules"]
        assert [rule["selection"]["countNumber"] for rule in rules] == [14, 30]
        assert [rule["selection"]["tagStatus"] for rule in rules] == ["untagged", "tagged"]


def test_the_bucket_is_private_encrypted_versioned_and_stays() -> None:
    bucket = properties("bundles", "Bucket")
    assert all(bucket["PublicAccessBlockConfiguration"].values())
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert stack("bundles")["Resources"]["Bucket"]["DeletionPolicy"] == "RetainExceptOnCreate"


def test_the_bucket_takes_tls_alone() -> None:
    (denied,) = properties("bundles", "Policy")["PolicyDocument"]["Statement"]
    assert denied["Effect"] == "Deny"
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert {"Fn::Sub": "${Bucket.Arn}/*"} in denied["Resource"]
