"""Roles of the pipelines: each is taken by the job that it is for, and may do what it needs."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.aws.stacks import Node, everything, of_type, properties, substituted
from tests.deploy.ci.workflows import BUILDSPEC

_OWNER, _NAME = "owner", "clickthrough"
_REPOSITORY = f"{_OWNER}/{_NAME}"
_ROLES = {
    "github": ("StagingRole", "ProductionRole"),
    "builds": ("StagingRole", "ProductionRole"),
}
_WRITES = re.compile(r"\w+:(Put|Upload|Delete|Create|Sign$|Complete|Initiate)")


def _conditions(role: str, numbered: str = "") -> dict[str, str]:
    """Return what the token has to say for a role to be taken."""
    (trust,) = properties("github", role)["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Action"] == "sts:AssumeRoleWithWebIdentity"
    said = trust["Condition"]
    assert set(said) <= {"StringEquals", "StringLike"}
    merged = said["StringEquals"] | said.get("StringLike", {})
    values = {"GitHubRepository": _REPOSITORY, "GitHubSubject": numbered}
    return {key.rpartition(":")[2]: substituted(value, values) for key, value in merged.items()}


@pytest.mark.parametrize(
    ("role", "subject"),
    [
        ("PushRole", f"repo:{_REPOSITORY}:ref:refs/tags/v*"),
        ("StagingRole", f"repo:{_REPOSITORY}:environment:staging"),
        ("ProductionRole", f"repo:{_REPOSITORY}:environment:production"),
    ],
)
def test_a_role_is_taken_by_jobs_of_one_repository_and_one_place(role: str, subject: str) -> None:
    assert _conditions(role) == {"aud": "sts.amazonaws.com", "sub": subject}
    numbered = f"{_OWNER}@1/{_NAME}@2"  # as GitHub names those that were made since July 2026
    assert _conditions(role, numbered)["sub"] == subject.replace(_REPOSITORY, numbered)
    (trust,) = properties("github", role)["AssumeRolePolicyDocument"]["Statement"]
    exact = not subject.endswith("*")
    assert ("StringLike" in trust["Condition"]) != exact


def test_no_other_role_is_there() -> None:
    assert set(of_type("github", "AWS::IAM::Role")) == {"PushRole", "StagingRole", "ProductionRole"}


@pytest.mark.parametrize("stack", _ROLES)
def test_who_deploys_is_an_editor_of_one_namespace(stack: str) -> None:
    entries = of_type(stack, "AWS::EKS::AccessEntry")
    assert {e["PrincipalArn"]["Fn::GetAtt"][0] for e in entries.values()} == set(_ROLES[stack])
    for name, entry in entries.items():
        (policy,) = entry["AccessPolicies"]
        assert policy["PolicyArn"]["Fn::Sub"].endswith("/AmazonEKSEditPolicy")
        of = name.removesuffix("Access")
        scope = {"Type": "namespace", "Namespaces": [{"Ref": f"{of}Namespace"}]}
        assert policy["AccessScope"] == scope
        assert entry["PrincipalArn"] == {"Fn::GetAtt": [f"{of}Role", "Arn"]}


def _actions(stack: str, role: str) -> set[str]:
    """Return what a role may do, by its own policies and those that it is given."""
    own = properties(stack, role)
    given = [properties(stack, each["Ref"]) for each in own.get("ManagedPolicyArns", [])]
    found: set[str] = set()
    for each in everything([own.get("Policies", []), given]):
        if each.get("Effect") == "Allow":
            actions = each["Action"]
            found |= set(actions if isinstance(actions, list) else [actions])
    return found


def test_who_deploys_changes_nothing_of_aws() -> None:
    for role in _ROLES["github"]:
        assert _actions("github", role) == {
            "eks:DescribeCluster", "ecr:GetAuthorizationToken", "ecr:BatchGetImage",
            "ecr:GetDownloadUrlForLayer",
        }  # fmt: skip
    common = _actions("builds", "CheckRole")
    for role in _ROLES["builds"]:
        beside = _actions("builds", role) - common
        assert "eks:DescribeCluster" in beside
        assert not [action for action in beside if _WRITES.match(action)]


def test_who_checks_may_neither_push_nor_sign_nor_deploy() -> None:
    checks = _actions("builds", "CheckRole")
    assert not [action for action in checks if action.startswith(("ecr:", "eks:"))]
    assert "kms:Sign" not in checks
    assert {"ecr:PutImage", "kms:Sign"} <= _actions("builds", "ImageRole")


def test_who_pushes_does_not_deploy_and_takes_no_bundle_away() -> None:
    for stack, role in (("github", "PushRole"), ("builds", "ImageRole")):
        actions = _actions(stack, role)
        assert not [action for action in actions if action.startswith("eks:")]
        assert not [action for action in actions if "Delete" in action and "ecr" in action]
    assert not [action for action in _actions("github", "PushRole") if action == "s3:PutObject"]


def test_the_provider_is_made_unless_there_is_one() -> None:
    (provider,) = of_type("github", "AWS::IAM::OIDCProvider").values()
    assert provider["Url"] == "https://token.actions.githubusercontent.com"
    for role in of_type("github", "AWS::IAM::Role").values():
        (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
        condition, made, given = trust["Principal"]["Federated"]["Fn::If"]
        assert (condition, made, given) == (
            "MakeProvider", {"Ref": "Provider"}, {"Ref": "GitHubProviderArn"},
        )  # fmt: skip


def _stages() -> list[Node]:
    return list(properties("codepipeline", "Pipeline")["Stages"])


def test_somebody_agrees_before_production() -> None:
    names = [stage["Name"] for stage in _stages()]
    assert names == ["Source", "Check", "Image", "Staging", "Production"]
    approval, production = _stages()[-1]["Actions"]
    assert approval["ActionTypeId"]["Category"] == "Approval"
    assert approval["RunOrder"] < production["RunOrder"]


def test_a_tag_of_a_version_starts_it_and_nothing_else() -> None:
    (trigger,) = properties("codepipeline", "Pipeline")["Triggers"]
    assert trigger["GitConfiguration"]["Push"] == [{"Tags": {"Includes": ["v*"]}}]
    assert properties("codepipeline", "Pipeline")["ExecutionMode"] == "QUEUED"


def _variables(project: Node) -> dict[str, Any]:
    return {v["Name"]: v["Value"] for v in project["Environment"]["EnvironmentVariables"]}


def test_each_build_is_told_what_its_phase_reads() -> None:
    text = Path(BUILDSPEC).read_text()
    phases = re.split(r"\n          (?=[\w* |]+\)\n)", text)
    of_aws = {"CODEBUILD_SRC_DIR_Image"}
    given = set(yaml.safe_load(text)["env"]["variables"])
    for project in of_type("builds", "AWS::CodeBuild::Project").values():
        told = _variables(project)
        (own,) = [p for p in phases[1:] if told["PHASE"] in p.split(")")[0].split(" | ")]
        read = set(re.findall(r"\$\{?([A-Z]\w+)", own)) - of_aws - given
        assert read <= set(told), told["PHASE"]
        assert set(told) - {"PHASE"} <= read, told["PHASE"]


def test_builds_reach_the_api_server_and_only_the_one_that_builds_images_is_privileged() -> None:
    projects = of_type("builds", "AWS::CodeBuild::Project")
    for name, project in projects.items():
        assert project["VpcConfig"]["Subnets"] == {"Ref": "PrivateSubnets"}
        assert project["Environment"]["PrivilegedMode"] is (name == "ImageProject")
        assert project["ServiceRole"] == {"Fn::GetAtt": [name.replace("Project", "Role"), "Arn"]}
    opened = properties("builds", "ToControlPlane")
    assert opened["GroupId"] == {"Ref": "ClusterSecurityGroup"}
    assert opened["SourceSecurityGroupId"] == {"Ref": "SecurityGroup"}
