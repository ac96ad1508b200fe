"""Charts have one version each, and get what the stacks know."""

import re
from pathlib import Path

import pytest

from deploy.aws.provision.charts import FILE, charts
from deploy.aws.provision.errors import RefusedError
from deploy.aws.provision.parameters import FILE as PARAMETERS
from deploy.aws.provision.parameters import read
from tests.deploy.aws.stacks import of_type

_KNOWN = {**read(PARAMETERS), "ClusterName": "ads", "VpcId": "vpc-1"}


def test_each_chart_has_one_version_and_an_address_that_is_encrypted() -> None:
    for chart in charts(FILE, _KNOWN):
        assert re.fullmatch(r"\d+\.\d+\.\d+", chart.version)
        assert chart.repository.startswith("https://")


def test_each_runs_as_the_account_that_its_role_is_for() -> None:
    identities = of_type("roles", "AWS::EKS::PodIdentityAssociation").values()
    accounts = {each["ServiceAccount"]: each["Namespace"] for each in identities}
    _, autoscaler, balancer = charts(FILE, _KNOWN)
    for chart, account in (
        (autoscaler, autoscaler.values["rbac"]["serviceAccount"]["name"]),
        (balancer, balancer.values["serviceAccount"]["name"]),
    ):
        assert accounts[account] == chart.namespace


def test_each_is_told_what_pods_cannot_ask_the_metadata_service_for() -> None:
    _, autoscaler, balancer = charts(FILE, _KNOWN)
    assert autoscaler.values["awsRegion"] == _KNOWN["Region"]
    assert autoscaler.values["autoDiscovery"] == {"clusterName": "ads"}
    assert balancer.values["region"] == _KNOWN["Region"]
    assert balancer.values["vpcId"] == "vpc-1"
    assert balancer.values["clusterName"] == "ads"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: {values: {b: '${Nothing}'}}", "${Nothing}: no parameter or output has this name"),
        ("a: {version: 1.0.0}", "expected NAME: {repository, version, namespace, values}"),
        ("[]", "expected NAME"),
        ("a: [", "expected the node content"),
    ],
)
def test_a_file_that_is_none_is_told(text: str, told: str, tmp_path: Path) -> None:
    file = tmp_path / "charts.yaml"
    file.write_text(text)
    with pytest.raises(RefusedError) as caught:
        charts(file, _KNOWN)
    assert str(caught.value).startswith(f"{file}: ")
    assert told in str(caught.value)
