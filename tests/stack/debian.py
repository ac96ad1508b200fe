"""Bases of images as Debian's own packages make them, where no registry of images is reached."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import ROOT
from tests.stack.engine import Engine

_SOURCES = Path("/etc/apt")
_DEFAULT = "http://deb.debian.org/debian"


@contextmanager
def engine_over(release: str) -> Iterator[Engine]:
    """Make what builds and runs images, with a release of Debian as their base."""
    made = Engine()
    try:
        add_base(made, release)
        yield made
    finally:
        made.close()


def add_base(engine: Engine, release: str) -> None:
    """Make a release of Debian, by the name that the Dockerfile's FROM gives it."""
    name = f"docker.io/library/{base_name(release)}"
    if engine.has(name):
        return
    root = engine.folder / release
    subprocess.run(
        ["debootstrap", "--variant=minbase", release, str(root), mirror()],
        check=True, capture_output=True, timeout=600,
    )  # fmt: skip
    engine.base(name, root)
    shutil.rmtree(root)


def base_name(release: str) -> str:
    """Return what the Dockerfile is made from."""
    found = re.search(r"^FROM (\S+) AS python$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert found is not None
    return found[1].replace("${DEBIAN}", release)


def default_release() -> str:
    """Return the release of Debian that the image is made from unless told otherwise."""
    found = re.search(r"^ARG DEBIAN=(\w+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert found is not None
    return found[1]


def mirror() -> str:
    """Return where this machine gets Debian's packages from."""
    for path in sorted([*_SOURCES.glob("sources.list*"), *_SOURCES.glob("sources.list.d/*")]):
        if path.is_file():
            for address in re.findall(
                r"^[^#\n]*?(https?://\S+/debian)/?\s*", path.read_text(), re.M
            ):
                return str(address)
    return _DEFAULT
