"""Stacks are what CloudFormation takes, and what one needs another gives."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from deploy.aws.provision.parameters import allowed
from tests.deploy.aws.stacks import (
    AWS,
    ORDER,
    PARAMETERS,
    Node,
    everything,
    given,
    outputs,
    parameters,
    path,
    stack,
)
from tests.deploy.test_manifests import KUBERNETES
from tests.lacking import lacking

_NOT_OF_A_STACK = {"Region"}


def _lint(*files: Path) -> str:
    """Return what cfn-lint finds; without it the test is skipped, or fails where CI=true."""
    beside = Path(sys.executable).with_name("cfn-lint")
    found = str(beside) if beside.exists() else shutil.which("cfn-lint")
    if found is None:
        reason = "no cfn-lint: pip install '.[dev]'"
        lacking(reason)
    done = subprocess.run(
        [found, "--format", "parseable", *map(str, files)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=AWS,  # where no configuration of its lies
    )
    assert not done.stderr, done.stderr
    return done.stdout


@pytest.mark.slow
def test_cfn_lint_finds_nothing() -> None:
    assert _lint(*map(path, ORDER)) == ""


def test_the_check_sees_a_property_and_a_reference_that_are_unknown(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    text = path("bundles").read_text()
    wrong.write_text(
        text.replace("VersioningConfiguration:", "Versions:").replace(
            "!Ref OldBundleDays", "!Ref A"
        )
    )
    found = _lint(wrong)
    assert "E3002" in found
    assert "E1020" in found


def test_each_stack_has_its_place_in_the_order() -> None:
    assert sorted(ORDER) == sorted(file.stem for file in (AWS / "stacks").iterdir())
    assert ", ".join(ORDER) in PARAMETERS.read_text()


_CHECKED_BY_AWS = ("AWS::EC2::", "List<AWS::EC2::", "AWS::SSM::")


@pytest.mark.parametrize("name", ORDER)
def test_a_stack_says_what_it_is_what_it_takes_and_what_it_gives(name: str) -> None:
    assert stack(name)["Description"].startswith("clickthrough - ")
    assert outputs(name)
    for each in [*parameters(name).values(), *outputs(name).values()]:
        assert each["Description"]
    for each in parameters(name).values():
        limits = {"AllowedPattern", "AllowedValues", "MinValue"} & set(each)
        assert limits or each["Type"].startswith(_CHECKED_BY_AWS), each


def test_a_stack_needs_what_is_given_or_what_a_stack_before_it_made() -> None:
    made: set[str] = set()
    for name in ORDER:
        needed = {key for key, each in parameters(name).items() if "Default" not in each}
        assert needed - set(given()) <= made, name
        assert not set(outputs(name)) & made, "two stacks give one name"
        made |= set(outputs(name))
    assert not made & set(given()), "given and made"


def test_nothing_is_given_that_no_stack_takes() -> None:
    taken = {key for name in ORDER for key in parameters(name)}
    assert set(given()) - taken == _NOT_OF_A_STACK


def test_whatever_a_stack_has_a_default_for_can_be_given() -> None:
    defaults = {
        key for name in ORDER for key, each in parameters(name).items() if "Default" in each
    }
    assert defaults <= set(given())


def test_each_that_is_given_says_what_it_is() -> None:
    lines = [line for line in PARAMETERS.read_text().splitlines() if re.match(r"\w", line)]
    assert len(lines) == len(given()), "given twice"
    assert all(re.search(r"\s# .{5,}", line) for line in lines)


@pytest.mark.parametrize("name", ORDER)
def test_what_is_given_is_allowed_and_so_is_each_default(name: str) -> None:
    for key, parameter in parameters(name).items():
        for value in (given().get(key), parameter.get("Default")):
            assert value is None or allowed(parameter, str(value)), (key, value)


def test_the_check_sees_what_is_not_allowed() -> None:
    assert not allowed(parameters("network")["Zones"], "4")
    assert not allowed(parameters("network")["VpcCidr"], "10.0.0.0/8")
    assert not allowed(parameters("nodes")["NodesMin"], "0")
    assert not allowed(parameters("nodes")["NodesMin"], "two")
    assert not allowed(parameters("cluster")["PublicAccessCidrs"], "anywhere")


def test_stacks_that_take_the_same_hold_it_to_the_same() -> None:
    known: Node = {}
    for name in ORDER:
        for key, parameter in parameters(name).items():
            limits = {at: value for at, value in parameter.items() if at != "Description"}
            assert known.setdefault(key, limits) == limits, (name, key)


def test_stacks_that_take_the_same_have_one_default() -> None:
    known: dict[str, object] = {}
    for name in ORDER:
        for key, parameter in parameters(name).items():
            assert known.setdefault(key, parameter.get("Default")) == parameter.get("Default"), key


def test_manifests_are_checked_against_the_version_of_the_cluster() -> None:
    version = given()["KubernetesVersion"]
    assert version in KUBERNETES
    assert f"/{version}/" in given()["NodeImage"]


def test_nobody_reaches_the_api_server_unless_it_is_said() -> None:
    assert parameters("cluster")["PublicAccessCidrs"]["Default"] == ""


_TAGGED_ELSEWHERE = ("Route", "Association", "Attachment", "Policy", "Profile", "Ingress")
"""Ends of types that take no tags."""


@pytest.mark.parametrize("name", ORDER)
def test_what_can_have_tags_says_whose_it_is(name: str) -> None:
    for key, resource in stack(name)["Resources"].items():
        kind = resource["Type"]
        taggable = not kind.endswith(_TAGGED_ELSEWHERE) or "PodIdentity" in kind
        if taggable and kind not in {"AWS::EC2::LaunchTemplate", "AWS::EC2::VPCEndpoint"}:
            listed = resource["Properties"]["Tags"]
            assert {"Project": "clickthrough"}.items() <= {
                tag["Key"]: tag["Value"] for tag in listed if isinstance(tag["Key"], str)
            }.items(), key


_SECRET = re.compile(r"password|secret_?(string|key)|access_?key|auth_?token", re.IGNORECASE)
_KEY = re.compile(r"AKIA[0-9A-Z]{16}|PRIVATE KEY|://[^/\s]*:[^/\s]*@")


@pytest.mark.parametrize("name", ORDER)
def test_no_secret_is_written_down(name: str) -> None:
    assert not _secrets(stack(name))
    assert not _KEY.search(path(name).read_text() + PARAMETERS.read_text())


def _secrets(document: Node) -> list[str]:
    """Return names under which a stack, or what it is given, would hold a secret."""
    return [key for each in everything(document) for key in each if _SECRET.search(str(key))]


def test_the_check_sees_a_secret() -> None:
    assert _secrets(yaml.safe_load("Resources: {Db: {Properties: {MasterUserPassword: a}}}"))
    assert _KEY.search("redis://ctr:password@cache.example")
