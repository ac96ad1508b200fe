"""What the image is made of: the Dockerfile, the versions that it installs, what it may copy."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

from tests.conftest import ROOT

DOCKERFILE = ROOT / "Dockerfile"
LOCK = ROOT / "requirements.lock"
_PIN = re.compile(r"^([\w.-]+)==(\S+)(?: ; .*)? \\$((?:\n    --hash=sha256:[0-9a-f]{64}.*)+)", re.M)


def _pins() -> dict[str, list[Version]]:
    """Return the versions of each package, of which markers choose one."""
    made: dict[str, list[Version]] = {}
    for name, version, hashes in _PIN.findall(LOCK.read_text()):
        assert hashes
        made.setdefault(name.lower(), []).append(Version(version))
    return made


def test_every_version_has_its_hashes() -> None:
    lines = re.findall(r"^\w\S*==", LOCK.read_text(), re.MULTILINE)
    assert len(lines) == sum(map(len, _pins().values())) > 30


def test_the_lock_holds_what_serving_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"]["redis"]]
    pins = _pins()
    for one in map(Requirement, asked):
        versions = pins[one.name.lower()]
        assert all(one.specifier.contains(version) for version in versions), (str(one), versions)
    assert not {"torch", "polars", "pyarrow", "lightgbm", "optuna"} & set(pins)


def test_the_dockerfile_is_clean() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("hadolint"), str(DOCKERFILE)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "")


def test_the_default_is_the_service_and_needs_no_shell() -> None:
    stages = re.findall(r"^FROM \S+ AS (\w+)$", DOCKERFILE.read_text(), re.MULTILINE)
    assert stages[-1] == "serve"
    last = DOCKERFILE.read_text().rpartition("\nFROM ")[2]
    assert re.search(r"^USER \d+:\d+$", last, re.MULTILINE)
    assert "\nRUN " not in last
    for kind in ("ENTRYPOINT", "CMD", r"HEALTHCHECK .*\\\n    CMD"):
        assert re.search(rf'^{kind} \["', last, re.MULTILINE), kind


def test_builds_see_nothing_that_is_not_named() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE.read_text(), re.MULTILINE)
    named = {word for line in copied for word in line.split()} - {"."}
    assert named
    for word in named:
        assert any(word.startswith(rule.strip("!*")) for rule in rules[1:]), word
