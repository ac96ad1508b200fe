"""Images built by buildah and run by podman, over a storage of the tests' own; no engine runs.

What a machine needs for it is Debian's, by ``make test-system``.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

TOOLS = ("buildah", "podman", "runc", "debootstrap", "catatonit", "iptables", "conmon", "netavark")
_CONFIG = """
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
helper_binaries_dir = ["/usr/lib/podman", "/usr/libexec/podman"]
"""
SYSTEMD = "systemd connection"
"""Podman tells at each start that no timer asks for the container's health: a kubelet would."""


class CommandError(AssertionError):
    """A command that ended with another status than 0."""


def need_tools() -> None:
    """Skip where images cannot be built, or fail where CI=true."""
    missing = [name for name in TOOLS if _find(name) is None]
    reason = ""
    if missing:
        reason = f"no {', '.join(missing)}: make test-system"
    elif os.geteuid() != 0:
        reason = "images are built as root, in a changed root directory"
    if reason and os.environ.get("CI") == "true":
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)


def _find(name: str) -> str | None:
    places = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin:/usr/lib/podman:/usr/libexec/podman"
    return shutil.which(name, path=places)


class Engine:
    """Builds and runs images.

    Args:
        seconds: after which any command is given up.
    """

    def __init__(self, seconds: float = 900) -> None:
        need_tools()
        # not below pytest's directories, which are kept: images are large
        self.folder = Path(tempfile.mkdtemp(prefix="ctr-stack-"))
        self._seconds = seconds
        (self.folder / "containers.conf").write_text(_CONFIG)
        places = ["--root", str(self.folder / "store"), "--runroot", str(self.folder / "run")]
        self._common = [*places, "--storage-driver", "overlay"]

    def buildah(self, *arguments: str) -> str:
        """Run buildah, and return what it prints."""
        return self._run(["buildah", *self._common, *arguments])

    def podman(self, *arguments: str, fails: bool = False) -> str:
        """Run podman, and return what it prints.

        Args:
            arguments: after those of the storage.
            fails: the command is expected to.
        """
        common = [*self._common, "--tmpdir", str(self.folder / "tmp")]
        return self._run(["podman", *common, *arguments], fails)

    def build(self, context: Path, *arguments: str, fails: bool = False) -> str:
        """Build as ``docker build`` does; return what the build prints."""
        made = [
            "buildah", *self._common, "bud", "--isolation", "chroot", "--network", "host",
            "--pull-never", "--layers", "--format", "docker", *self._registries(),
            *arguments, str(context),
        ]  # fmt: skip
        return self._run(made, fails)

    def base(self, name: str, root: Path) -> None:
        """Make an image of a directory."""
        made = self.buildah("from", "scratch").strip()
        mounted = self.buildah("mount", made).strip()
        self._run(["cp", "-a", f"{root}/.", mounted])
        self.buildah("commit", "--quiet", made, name)
        self.buildah("rm", made)

    def size(self, image: str) -> int:
        """Return the bytes of an image on disk."""
        return int(self.podman("image", "inspect", image, "--format", "{{.Size}}"))

    def close(self) -> None:
        """End every container, and remove all that was made."""
        for arguments in (["pod", "rm", "--force", "--all"], ["rm", "--force", "--all"]):
            self.podman(*arguments, fails=True)
        self.buildah("rm", "--all")
        self.podman("rmi", "--force", "--all", fails=True)
        overlay = self.folder / "store" / "overlay"  # a mount of itself, where there is one
        subprocess.run(["umount", "-R", str(overlay)], capture_output=True, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, command: Sequence[str], fails: bool = False) -> str:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=self._seconds, check=False,
            env={**os.environ, "CONTAINERS_CONF": str(self.folder / "containers.conf")},
        )  # fmt: skip
        said = "\n".join(
            line for line in done.stderr.splitlines() if SYSTEMD not in line and line.strip()
        )
        if fails:
            return done.stdout + said
        if done.returncode != 0:
            raise CommandError(f"{' '.join(command)}\n{done.stdout[-4_000:]}\n{said[-4_000:]}")
        return done.stdout

    def _registries(self) -> list[str]:
        """Return what gives builds the packages' registries as this machine knows them."""
        place = self.folder / "registries"
        place.mkdir(exist_ok=True)
        lines = ["[global]", "timeout = 60"]
        shared = [f"{place}:/registries:ro", f"{place / 'pip.conf'}:/etc/pip.conf:ro"]
        if trusted := os.environ.get("PIP_CERT"):
            shutil.copy(trusted, place / "certificates.pem")
            lines.append("cert = /registries/certificates.pem")
        if index := os.environ.get("PIP_INDEX_URL"):
            lines.append(f"index-url = {index}")
        wheels = os.environ.get("PIP_FIND_LINKS", "")
        if wheels and Path(wheels).is_dir():
            shared.append(f"{wheels}:{wheels}:ro")
            lines.append(f"find-links = {wheels}")
        (place / "pip.conf").write_text("\n".join(lines) + "\n")
        return [part for one in shared for part in ("--volume", one)]


def in_time(done: Any, seconds: float = 60, told: str = "") -> None:  # noqa: ANN401
    """Wait until a condition holds."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, told or "it does not happen"
        time.sleep(0.05)
