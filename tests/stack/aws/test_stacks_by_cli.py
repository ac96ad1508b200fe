"""The stacks alone, by the AWS CLI: made in their order, looked at, deleted in the opposite."""

import json

import pytest

from deploy.aws.provision import templates
from deploy.aws.provision.parameters import FILE, read
from deploy.aws.provision.up import values
from tests.stack.aws.cloud import Cloud

pytestmark = pytest.mark.stack


def _make(cloud: Cloud, name: str, given: dict[str, str]) -> dict[str, str]:
    """Make a stack; return its outputs."""
    cloud.cli(
        *("cloudformation", "create-stack", "--stack-name", name),
        *("--template-body", f"file://{templates.path(name)}"),
        *("--capabilities", "CAPABILITY_IAM", "--parameters"),
        json.dumps([{"ParameterKey": key, "ParameterValue": given[key]} for key in given]),
    )
    cloud.cli("cloudformation", "wait", "stack-create-complete", "--stack-name", name)
    (told,) = cloud.cli("cloudformation", "describe-stacks", "--stack-name", name)["Stacks"]
    return {each["OutputKey"]: each["OutputValue"] for each in told["Outputs"]}


def _resources(cloud: Cloud, name: str) -> dict[str, str]:
    told = cloud.cli("cloudformation", "describe-stack-resources", "--stack-name", name)
    return {each["LogicalResourceId"]: each["ResourceStatus"] for each in told["StackResources"]}


def test_they_are_made_looked_at_and_deleted(cloud: Cloud) -> None:
    made: dict[str, str] = {}
    for name in templates.ORDER:
        outputs = _make(cloud, name, values(name, read(FILE), made))
        assert set(outputs) == set(templates.outputs(name))
        assert all(outputs.values())
        found = _resources(cloud, name)
        always = {
            key
            for key, each in templates.stack(name)["Resources"].items()
            if "Condition" not in each
        }
        assert always <= set(found) <= set(templates.stack(name)["Resources"])
        assert set(found.values()) == {"CREATE_COMPLETE"}
        made |= outputs
    for name in reversed(templates.ORDER):
        cloud.cli("cloudformation", "delete-stack", "--stack-name", name)
        cloud.cli("cloudformation", "wait", "stack-delete-complete", "--stack-name", name)
    assert not cloud.stacks()
