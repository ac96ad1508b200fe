"""Images built by buildah and run by podman, over a storage of the tests' own; no engine runs.

``CTR_STACK=DIRECTORY`` keeps what was built there, for the next time. What a machine needs for it
is Debian's, by ``make test-system``.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.lacking import lacking

TOOLS = ("buildah", "podman", "runc", "debootstrap", "catatonit", "iptables", "conmon", "netavark")
_CONFIG = """
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
lock_type = "file"
helper_binaries_dir = ["/usr/lib/podman", "/usr/libexec/podman"]
[network]
network_config_dir = "FOLDER/networks"
"""
SYSTEMD = "systemd connection"
"""Podman tells at each start that no timer asks for the container's health: a kubelet would."""


class CommandError(AssertionError):
    """A command that ended with another status than 0."""


def need_tools() -> None:
    """Skip where images cannot be built, or fail where CI=true."""
    missing = [name for name in TOOLS if _find(name) is None]
    if missing:
        lacking(f"no {', '.join(missing)}: make test-system")
    if os.geteuid() != 0:
        lacking("images are built as root, in a changed root directory")


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
        self._kept = os.environ.get("CTR_STACK")
        # not below pytest's directories, which are kept: images are large
        self.folder = Path(self._kept or tempfile.mkdtemp(prefix="ctr-stack-"))
        self.folder.mkdir(exist_ok=True)
        self._seconds = seconds
        (self.folder / "containers.conf").write_text(_CONFIG.replace("FOLDER", str(self.folder)))
        places = ["--root", str(self.folder / "store"), "--runroot", str(self.folder / "run")]
        self._common = [*places, "--storage-driver", "overlay"]

    def buildah(self, *arguments: str) -> str:
        """Run buildah, and return what it prints."""
        return self._checked(["buildah", *self._common, *arguments])

    def podman(self, *arguments: str) -> str:
        """Run podman, and return what it prints."""
        return self._checked(self._of_podman(arguments))

    def tried(self, *arguments: str) -> tuple[int, str]:
        """Run podman; return its status, and all that was said."""
        done = self._run(self._of_podman(arguments))
        return done.returncode, done.stdout + _said(done)

    def build(self, context: Path, *arguments: str) -> None:
        """Build as ``docker build`` does."""
        self._checked(self._of_build(context, arguments))

    def refused(self, context: Path, *arguments: str) -> str:
        """Build what cannot be built; return what the build says."""
        done = self._run(self._of_build(context, arguments))
        assert done.returncode != 0, "it was built"
        return done.stdout + _said(done)

    def has(self, image: str) -> bool:
        """Say whether an image was made already."""
        return image in self.podman("images", "--format", "{{.Repository}}:{{.Tag}}").split()

    def base(self, name: str, root: Path) -> None:
        """Make an image of a directory."""
        made = self.buildah("from", "scratch").strip()
        mounted = self.buildah("mount", made).strip()
        self._checked(["cp", "-a", f"{root}/.", mounted])
        self.buildah("commit", "--quiet", made, name)
        self.buildah("rm", made)

    def size(self, image: str) -> int:
        """Return the bytes of an image on disk."""
        return int(self.podman("image", "inspect", image, "--format", "{{.Size}}"))

    def close(self) -> None:
        """End every container, and remove all that was made."""
        for arguments in (["pod", "rm", "--force", "--all"], ["rm", "--force", "--all"]):
            self.tried(*arguments)
        self._run(["buildah", *self._common, "rm", "--all"])
        if self._kept:
            return
        self.tried("rmi", "--force", "--all")
        overlay = self.folder / "store" / "overlay"  # a mount of itself, where there is one
        subprocess.run(["umount", "-R", str(overlay)], capture_output=True, check=False)
        shutil.rmtree(self.folder)

    def _of_podman(self, arguments: Sequence[str]) -> list[str]:
        return ["podman", *self._common, "--tmpdir", str(self.folder / "tmp"), *arguments]

    def _of_build(self, context: Path, arguments: Sequence[str]) -> list[str]:
        return [
            "buildah", *self._common, "bud", "--isolation", "chroot", "--network", "host",
            "--pull-never", "--layers", "--format", "docker", *self._registries(),
            *arguments, str(context),
        ]  # fmt: skip

    def _checked(self, command: Sequence[str]) -> str:
        done = self._run(command)
        if done.returncode != 0:
            told = f"{done.stdout[-4_000:]}\n{_said(done)[-4_000:]}"
            raise CommandError(f"{' '.join(command)}\n{told}")
        return done.stdout

    def _run(self, command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        settings = str(self.folder / "containers.conf")
        return subprocess.run(
            command, capture_output=True, text=True, timeout=self._seconds, check=False,
            env={**os.environ, "CONTAINERS_CONF": settings},
        )  # fmt: skip

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


def _said(done: "subprocess.CompletedProcess[str]") -> str:
    """Return what a command has said of faults, but for timers of health."""
    lines = (line for line in done.stderr.splitlines() if SYSTEMD not in line)
    return "\n".join(line for line in lines if line.strip())
