"""What an image is built from, and how its labels say so."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import msgspec

from clickthrough.bundle.manifest import read_manifest
from clickthrough.errors import BundleError
from deploy.ci.command import run
from deploy.ci.errors import PipelineError, UsageError

_TAG = re.compile(r"[0-9][0-9A-Za-z.-]{0,100}")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_REVISION = "org.opencontainers.image.revision"
_BUNDLE = "clickthrough.bundle"
_OF_BUILDS = ("GITHUB_SHA", "CODEBUILD_RESOLVED_SOURCE_VERSION")


@dataclass(frozen=True)
class Origin:
    """What an image is built from.

    Attributes:
        version: its tag, which is never given to another one.
        bundle: what goes into it, a directory below ``root``.
        root: what is built.
        labels: which commit that is, and which version of a bundle.
    """

    version: str
    bundle: str
    root: Path
    labels: Mapping[str, str]

    @classmethod
    def read(cls, version: str, bundle: str, root: Path, revision: str | None) -> Self:
        """Look at what is to be built.

        Raises:
            UsageError: the version is none, or there is no such bundle or commit.
        """
        if not _TAG.fullmatch(version):
            raise UsageError(f"--version {version}: expected a version, such as 0.1.0")
        if not (root / bundle / "manifest.json").is_file():
            raise UsageError(f"--bundle {bundle}: no bundle there")
        try:
            served = read_manifest(root / bundle).version
        except BundleError as error:
            raise UsageError(f"--bundle {bundle}: {error}") from None
        return cls(version, bundle, root, {_REVISION: _commit(root, revision), _BUNDLE: served})

    def differs(self, image: str) -> str:
        """Say what else an image that is on this machine was built from; nothing if the same.

        Raises:
            PipelineError: it is not on this machine.
        """
        text = run("docker", "image", "inspect", "--format", "{{json .Config.Labels}}", image)
        try:
            found = msgspec.json.decode(text, type=dict[str, str] | None) or {}
        except msgspec.MsgspecError as error:
            raise PipelineError(f"docker image inspect {image}: {error}") from None
        return ", ".join(
            f"{name}={found.get(name, 'none')} (expected {wanted})"
            for name, wanted in self.labels.items()
            if found.get(name) != wanted
        )


def _commit(root: Path, told: str | None) -> str:
    """Return the commit that is built: as told, as a build says it, or as the checkout does."""
    found = told or next((os.environ[name] for name in _OF_BUILDS if os.environ.get(name)), None)
    if found is None:
        try:
            found = run("git", "-C", str(root), "rev-parse", "HEAD").strip()
        except PipelineError as error:
            raise UsageError(f"--revision: expected, as {error}") from None
    if not _COMMIT.fullmatch(found):
        raise UsageError(f"--revision {found}: expected a commit, 40 hexadecimal digits")
    return found
