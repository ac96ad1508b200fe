"""The account and region that a command works in, and what AWS' refusals mean."""

import difflib
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)

from deploy.aws.provision.errors import RefusedError

Client = Any
"""A client of boto3, which makes them of descriptions of services: they have no types."""
_LIMITS = Config(
    connect_timeout=10,
    read_timeout=60,
    retries={"mode": "standard", "total_max_attempts": 6},
    user_agent_extra="clickthrough",
)
_BAD_KEYS = {
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "OptInRequired",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
_NO_RIGHTS = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "Forbidden"}
_HELP = "aws sts get-caller-identity shows who one is; aws configure, or aws sso login, makes it"


class Account:
    """The clients of one region, with a deadline each.

    Raises:
        RefusedError: the region is none, or the profile is.
    """

    def __init__(self, region: str) -> None:
        """Look the region up among those that boto3 knows."""
        self.region = region
        try:
            self._session = boto3.session.Session(region_name=region)
        except ProfileNotFound as error:
            raise RefusedError(f"credentials: {error}") from error
        regions = [
            each
            for partition in self._session.get_available_partitions()
            for each in self._session.get_available_regions("eks", partition)
        ]
        if region not in regions:
            near = " or ".join(difflib.get_close_matches(region, regions, n=2))
            hint = f"; {near}?" if near else f"; known are {', '.join(sorted(regions))}"
            raise RefusedError(f"Region: EKS has none that is called {region}{hint}")

    def client(self, service: str) -> Client:
        """Return the client of a service."""
        return self._session.client(service, config=_LIMITS)

    def credentials(self) -> dict[str, str]:
        """Return variables by which a program is who asks here, as long as these hold."""
        found = self._session.get_credentials()
        if found is None:
            return {}
        frozen = found.get_frozen_credentials()
        told = {
            "AWS_ACCESS_KEY_ID": frozen.access_key,
            "AWS_SECRET_ACCESS_KEY": frozen.secret_key,
            "AWS_SESSION_TOKEN": frozen.token,
        }
        return {key: value for key, value in told.items() if value}

    def has_cluster(self, name: str) -> bool:
        """Say whether EKS has a cluster of this name, whoever made it."""
        try:
            self.client("eks").describe_cluster(name=name)
        except ClientError as error:
            if code(error) != "ResourceNotFoundException":
                raise
            return False
        return True

    @cached_property
    def identity(self) -> tuple[str, str]:
        """Return the account and who asks."""
        told = self.client("sts").get_caller_identity()
        return str(told["Account"]), str(told["Arn"])


def meaning(error: Exception, region: str) -> str:
    """Say what an error of AWS or of the way to it means, and what to do.

    >>> meaning(NoCredentialsError(), "eu-central-1").split(";")[0]
    'no credentials: aws sts get-caller-identity shows who one is'
    """
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return f"no credentials: {_HELP}"
    if isinstance(error, SSOError | TokenRetrievalError):
        return f"no credentials: {error}; {_HELP}"
    if isinstance(error, ClientError):
        return _refusal(error, region)
    if isinstance(error, ConnectionError | HTTPClientError):
        return f"AWS cannot be reached in {region}: {error}"
    return f"{type(error).__name__}: {error}"


def _refusal(error: ClientError, region: str) -> str:
    told = error.response["Error"]
    code, message = told.get("Code", "unknown"), told.get("Message", "")
    if code in _BAD_KEYS:
        return f"AWS does not take these credentials in {region}: {code}: {message}; {_HELP}"
    if code in _NO_RIGHTS:
        return f"no right to {error.operation_name}: {message}"
    return f"{error.operation_name}: {code}: {message}"


def code(error: ClientError) -> str:
    """Return the code of a refusal."""
    return str(error.response["Error"].get("Code", ""))


FROM_AWS = (BotoCoreError, ClientError)
"""What a call may end with."""
