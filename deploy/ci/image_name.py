"""Names of images: what is deployed is named by its digest, which no push can change."""

import re
from typing import NamedTuple, Self

from deploy.ci.errors import UsageError

_BY_DIGEST = re.compile(r"([a-z0-9][a-z0-9.:/_-]*)@(sha256:[0-9a-f]{64})")
_ECR = re.compile(r"(([0-9]{12})\.dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?)/(\S+)")
_NAME = re.compile(r"[a-z0-9]+(?:[._/-][a-z0-9]+)*")


class ImageName(NamedTuple):
    """An image by its digest."""

    repository: str
    digest: str

    @classmethod
    def read(cls, text: str) -> Self:
        """Read ``REPOSITORY@sha256:...``.

        Raises:
            UsageError: it is something else, such as a name with a tag.
        """
        found = _BY_DIGEST.fullmatch(text)
        if found is None:
            raise UsageError(f"--image {text}: expected REPOSITORY@sha256:..., 64 hex digits")
        return cls(found[1], found[2])

    def __str__(self) -> str:
        return f"{self.repository}@{self.digest}"


class Repository(NamedTuple):
    """A repository of ECR."""

    registry: str
    account: str
    region: str
    name: str

    @classmethod
    def read(cls, text: str) -> Self:
        """Read the name of a repository, as the stack ``registry`` gives it.

        Raises:
            UsageError: it is none of ECR, or has a tag.
        """
        found = _ECR.fullmatch(text)
        if found is None or not _NAME.fullmatch(found[4]):
            raise UsageError(
                f"--repository {text}: expected ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME, no tag"
            )
        return cls(*found.groups())

    def __str__(self) -> str:
        return f"{self.registry}/{self.name}"
