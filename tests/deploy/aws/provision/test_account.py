"""What AWS refuses is said in a line, with what to do."""

import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError, ProfileNotFound

from deploy.aws.provision.account import Account, meaning
from deploy.aws.provision.errors import RefusedError
from tests.deploy.aws.provision.client import refusal


@pytest.mark.parametrize("region", ["eu-centrall-1", "eu-central-9", "mars-north-1"])
def test_a_region_that_is_none_is_told_with_those_that_are(region: str) -> None:
    with pytest.raises(RefusedError) as caught:
        Account(region)
    assert region in str(caught.value)
    assert "eu-" in str(caught.value) or "us-" in str(caught.value)


def test_a_region_that_is_one_is_taken() -> None:
    assert Account("eu-central-1").region == "eu-central-1"
    assert Account("us-gov-west-1").region == "us-gov-west-1"


def test_a_profile_that_is_none_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(RefusedError, match="nobody"):
        Account("eu-central-1").client("sts")
    assert ProfileNotFound


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (NoCredentialsError(), "no credentials: "),
        (refusal("ExpiredToken", "is expired"), "AWS does not take these credentials in r: Exp"),
        (refusal("InvalidClientTokenId", "invalid"), "AWS does not take these credentials in r"),
        (refusal("AccessDenied", "may not"), "no right to Operation: may not"),
        (refusal("Throttling", "slowly"), "Operation: Throttling: slowly"),
        (EndpointConnectionError(endpoint_url="http://a"), "AWS cannot be reached in r: "),
    ],
)
def test_each_kind_of_refusal_has_its_line(error: Exception, told: str) -> None:
    line = meaning(error, "r")
    assert line.startswith(told)
    assert "\n" not in line
