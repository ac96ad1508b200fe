"""The service's image: built once a version, pushed to ECR, signed, and its signature checked."""

import json
import re

from deploy.ci.command import run
from deploy.ci.errors import PipelineError, UsageError
from deploy.ci.image_name import ImageName, Repository
from deploy.ci.origin import Origin

_HOUR = 3600
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_MOVES = "latest"
_GITHUB = "https://token.actions.githubusercontent.com"


def publish(repository: Repository, origin: Origin) -> ImageName:
    """Push an image, unless the registry has this version; return its name by digest.

    Args:
        repository: where it goes.
        origin: what it is built from, unless it is on this machine already.

    Raises:
        UsageError: the registry has this version, built from something else.
        PipelineError: a step of it fails.
    """
    tag, digest = prepared(repository, origin)
    if digest is None:
        run("docker", "push", tag, seconds=_HOUR, shown=True)
        digest = pushed(repository, origin.version)
    if digest is None:
        raise PipelineError(f"{tag}: was pushed, and is not in the registry")
    moves = f"{repository}:{_MOVES}"
    run("docker", "tag", tag, moves)
    run("docker", "push", moves, seconds=_HOUR, shown=True)
    return ImageName(str(repository), digest)


def prepared(repository: Repository, origin: Origin) -> tuple[str, str | None]:
    """Have the image on this machine: the registry's, or what was built; to be scanned, say.

    Returns:
        Its name here, and its digest in the registry; None where it is not there.

    Raises:
        UsageError: the registry has this version, built from something else.
        PipelineError: a step of it fails.
    """
    tag = f"{repository}:{origin.version}"
    log_in(repository)
    digest = pushed(repository, origin.version)
    if digest is not None:
        _pull(ImageName(str(repository), digest), tag, origin)
    elif not _is_built(tag, origin):
        labels = [part for each in origin.labels.items() for part in ("--label", "=".join(each))]
        built = ("docker", "build", "--pull", "--build-arg", f"BUNDLE={origin.bundle}", *labels)
        run(*built, "--tag", tag, str(origin.root), seconds=_HOUR, shown=True)
    return tag, digest


def _pull(image: ImageName, tag: str, origin: Origin) -> None:
    """Take the registry's image, if it was built from the same: it is going to be signed."""
    run("docker", "pull", str(image), seconds=_HOUR, shown=True)
    if differs := origin.differs(str(image)):
        raise UsageError(
            f"{tag} is in the registry, built from something else: {differs}; give a new version"
        )
    run("docker", "tag", str(image), tag)


def _is_built(tag: str, origin: Origin) -> bool:
    """Say whether it was built on this machine before, from the same."""
    try:
        return not origin.differs(tag)
    except PipelineError:
        return False  # there is none


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
