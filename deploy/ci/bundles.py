"""Bundles in the bucket: one that was checked goes there, and one that is checked comes back."""

import re
import tempfile
from pathlib import Path

from clickthrough.bundle import layout, load_bundle
from clickthrough.bundle.manifest import Manifest
from clickthrough.errors import BundleError
from deploy.ci.command import run
from deploy.ci.errors import PipelineError, UsageError

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_MINUTES = 30 * 60


def fetch(bucket: str, name: str, place: Path) -> Manifest:
    """Copy a bundle here; return what it says of itself. It appears when it is whole.

    Args:
        bucket: where it is.
        name: its directory there.
        place: its directory here, which is made.

    Raises:
        UsageError: the place is taken.
        PipelineError: it is not there, or was altered.
    """
    url = _url(bucket, name)
    if place.exists():
        raise UsageError(f"--to {place}: is there already")
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{place.name}-", dir=place.parent) as folder:
        beside = Path(folder) / "bundle"
        run("aws", "s3", "cp", "--recursive", "--only-show-errors", url, str(beside),
            seconds=_MINUTES)  # fmt: skip
        manifest = _checked(beside, url)
        beside.rename(place)
    return manifest


def put(place: Path, bucket: str, name: str) -> Manifest:
    """Copy a bundle there; return what it says of itself. Its manifest is the last to come.

    Raises:
        UsageError: there is one of this name already.
        PipelineError: it is none, or cannot be copied.
    """
    url = _url(bucket, name)
    manifest = _checked(place, str(place))
    if _is_there(bucket, name):
        raise UsageError(f"{url}: there is a bundle of this name; name another")
    copy = ("aws", "s3", "cp", "--only-show-errors")
    run(*copy, "--recursive", "--exclude", layout.MANIFEST, str(place), url, seconds=_MINUTES)
    run(*copy, str(place / layout.MANIFEST), f"{url}{layout.MANIFEST}")
    return manifest


def _is_there(bucket: str, name: str) -> bool:
    """Say whether the bucket holds a manifest of this name."""
    asked = ("aws", "s3api", "list-objects-v2", "--bucket", bucket, "--output", "text")
    key = f"{name}/{layout.MANIFEST}"
    return key in run(*asked, "--prefix", key, "--query", "Contents[].Key")


def _url(bucket: str, name: str) -> str:
    if not _BUCKET.fullmatch(bucket):
        raise UsageError(f"--bucket {bucket}: expected the name of a bucket")
    if not _NAME.fullmatch(name):
        raise UsageError(f"--name {name}: expected letters, digits, dots and hyphens")
    return f"s3://{bucket}/{name}/"


def _checked(place: Path, told: str) -> Manifest:
    """Load a bundle: it verifies its own files."""
    try:
        return load_bundle(place).manifest
    except BundleError as error:
        raise PipelineError(str(error).replace(str(place), told)) from None
