"""What AWS would refuse too late is refused before anything is made."""

import pytest

from deploy.aws.provision.errors import RefusedError
from deploy.aws.provision.parameters import FILE, read
from deploy.aws.provision.preflight import fits, zones
from tests.deploy.aws.provision.client import Answer, Client, FakeAccount, refusal

_GIVEN = read(FILE)


class _Account(FakeAccount):
    identity = ("1", "arn:aws:sts::123456789012:assumed-role/Admin/session")


def _account(**clients: Client) -> FakeAccount:
    kinds = {"InstanceTypes": [{"ProcessorInfo": {"SupportedArchitectures": ["x86_64"]}}]}
    fit: dict[str, Client] = {"ssm": Client(), "ec2": Client(describe_instance_types=[kinds])}
    account = _Account(**(fit | clients))
    account.region = "eu-central-1"
    return account


def test_what_is_there_is_taken() -> None:
    fits(_account(), _GIVEN)


def test_an_image_that_is_not_published_is_told() -> None:
    ssm = Client(get_parameter=[refusal("ParameterNotFound")])
    with pytest.raises(RefusedError, match=r"NodeImage: AWS publishes none at .* in eu-central-1"):
        fits(_account(ssm=ssm), _GIVEN)


def test_a_type_that_is_none_or_of_another_architecture_is_told() -> None:
    none = Client(describe_instance_types=[refusal("InvalidInstanceType")])
    with pytest.raises(RefusedError, match=r"InstanceType: eu-central-1 has no m7i\.large"):
        fits(_account(ec2=none), _GIVEN)
    arm = {"InstanceTypes": [{"ProcessorInfo": {"SupportedArchitectures": ["arm64"]}}]}
    with pytest.raises(RefusedError, match="is of arm64, NodeImage of x86_64"):
        fits(_account(ec2=Client(describe_instance_types=[arm])), _GIVEN)


@pytest.mark.parametrize(("role", "refused"), [("Admin", True), ("Adm", False), ("Other", False)])
def test_who_asks_is_an_administrator_already(role: str, refused: bool) -> None:
    given = {**_GIVEN, "AdminArn": f"arn:aws:iam::123456789012:role/{role}"}
    if not refused:
        fits(_account(), given)
        return
    with pytest.raises(RefusedError, match=r"AdminArn: .* leave it empty"):
        fits(_account(), given)


def _zone(name: str, number: str) -> Answer:
    return {"ZoneName": name, "ZoneId": number}


def test_zones_without_a_control_plane_are_passed_over() -> None:
    listed = [_zone("us-east-1b", "use1-az1"), _zone("us-east-1a", "use1-az3")]
    listed += [_zone("us-east-1c", "use1-az2")]
    ec2 = Client(describe_availability_zones=[{"AvailabilityZones": listed}])
    assert zones(_account(ec2=ec2), 2) == "us-east-1b,us-east-1c,"
    with pytest.raises(RefusedError, match="Zones: eu-central-1 has 2 for a cluster, not 3"):
        zones(_account(ec2=ec2), 3)
