"""The service's image: built once a version, pushed to ECR, signed, and its signature checked."""

import json
import re
from pathlib import Path

from deploy.ci.command import run
from deploy.ci.errors import PipelineError, UsageError
from deploy.ci.image_name import ImageName, Repository

_HOUR = 3600
_TAG = re.compile(r"[0-9][0-9A-Za-z.-]{0,100}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_MOVES = "latest"
_GITHUB = "https://token.actions.githubusercontent.com"


def publish(repository: Repository, version: str, bundle: str, root: Path) -> ImageName:
    """Build and push an image, unless the registry has this version; return its name by digest.

    Args:
        repository: where it goes.
        version: its tag, which is never given to another one.
        bundle: what goes into it, a directory below ``root``.
        root: what is built.

    Raises:
        UsageError: the version is none, or there is no such bundle.
        PipelineError: a step of it fails.
    """
    if not _TAG.fullmatch(version):
        raise UsageError(f"--version {version}: expected a version, such as 0.1.0")
    if not (root / bundle / "manifest.json").is_file():
        raise UsageError(f"--bundle {bundle}: no bundle there")
    log_in(repository)
    if (digest := pushed(repository, version)) is not None:
        return ImageName(str(repository), digest)
    tag, moves = f"{repository}:{version}", f"{repository}:{_MOVES}"
    built = ("docker", "build", "--pull", "--build-arg", f"BUNDLE={bundle}", "--tag", tag)
    run(*built, str(root), seconds=_HOUR, shown=True)
    run("docker", "push", tag, seconds=_HOUR, shown=True)
    run("docker", "tag", tag, moves)
    run("docker", "push", moves, seconds=_HOUR, shown=True)
    digest = pushed(repository, version)
    if digest is None:
        raise PipelineError(f"{tag}: was pushed, and is not in the registry")
    return ImageName(str(repository), digest)


def log_in(repository: Repository, program: str = "docker") -> None:
    """Let docker, or cosign, in; the password is handed on by a pipe, no argument shows it."""
    password = run("aws", "ecr", "get-login-password", "--region", repository.region)
    asked = ("login", "--username", "AWS", "--password-stdin", repository.registry)
    run(program, *asked, text=password)


def pushed(repository: Repository, version: str) -> str | None:
    """Return the digest that a version has in the registry; None where it is not there."""
    asked = (
        "aws", "ecr", "describe-images", "--registry-id", repository.account,
        "--region", repository.region, "--repository-name", repository.name,
        "--image-ids", f"imageTag={version}", "--output", "json",
    )  # fmt: skip
    try:
        text = run(*asked)
    except PipelineError as error:
        if "ImageNotFoundException" in str(error):
            return None
        raise
    try:
        digest = str(json.loads(text)["imageDetails"][0]["imageDigest"])
    except (ValueError, LookupError, TypeError):
        digest = ""
    if not _DIGEST.fullmatch(digest):
        raise PipelineError(f"aws ecr describe-images: names no digest of {repository}:{version}")
    return digest


def sign(image: ImageName, key: str | None) -> None:
    """Sign an image by its digest.

    Args:
        image: what is signed.
        key: of KMS, ``awskms:///ARN``; None to sign as the workflow that this is, without a key.
    """
    how = ("--key", key) if key else ()
    _let_cosign_in(image)
    run("cosign", "sign", "--yes", *how, str(image), seconds=300)


def verify(image: ImageName, key: str | None, identity: str | None) -> None:
    """See that an image was signed by whom it should be.

    Args:
        image: whose signature is checked.
        key: as it was signed with.
        identity: the URL of the workflow that signed without a key, at its tag.

    Raises:
        UsageError: neither is given, or both.
        PipelineError: it was not.
    """
    if (key is None) == (identity is None):
        raise UsageError("expected either --key or --identity: who has signed")
    if key is not None:
        how: tuple[str, ...] = ("--key", key)
    else:
        how = ("--certificate-identity", str(identity), "--certificate-oidc-issuer", _GITHUB)
    _let_cosign_in(image)
    run("cosign", "verify", *how, str(image), seconds=300)


def _let_cosign_in(image: ImageName) -> None:
    """Log in where the image is: signatures lie beside it. Who deploys may have no docker."""
    log_in(Repository.read(image.repository), "cosign")
