"""The workflows and the buildspec, and the commands in them."""

import re
import shlex
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

from tests.conftest import ROOT

Node = dict[str, Any]
GITHUB = ROOT / ".github"
FOLDER = GITHUB / "workflows"
BUILDSPEC = ROOT / "deploy" / "ci" / "buildspec.yaml"
NAMES = tuple(sorted(path.stem for path in FOLDER.iterdir()))
_VERB = re.compile(r"python deploy/ci ((?:[^\n)|>;\\]|\\\n)+)")


class Job(NamedTuple):
    """A job of a workflow."""

    workflow: str
    name: str
    said: Node

    @property
    def steps(self) -> list[Node]:
        """Its steps; none where it calls another workflow."""
        return list(self.said.get("steps", []))


def workflow(name: str) -> Node:
    """Read a workflow; ``on`` is text, not what YAML 1.1 makes of it."""
    read: Node = yaml.load((FOLDER / f"{name}.yaml").read_text(), Loader=yaml.BaseLoader)  # noqa: S506 - builds texts alone
    return read


def jobs() -> Iterator[Job]:
    """Yield the jobs of all workflows."""
    for name in NAMES:
        for key, said in workflow(name)["jobs"].items():
            yield Job(name, key, said)


def runs() -> Iterator[tuple[str, str]]:
    """Yield what is run, with where it stands."""
    for job in jobs():
        for step in job.steps:
            if "run" in step:
                yield f"{job.workflow}, {job.name}", step["run"]
    for name, phase in yaml.safe_load(BUILDSPEC.read_text())["phases"].items():
        for text in [*phase["commands"], *phase.get("finally", [])]:
            yield f"buildspec, {name}", text


def verbs(text: str) -> Iterator[list[str]]:
    """Yield the arguments of each call of deploy/ci, with a value for what the shell puts in."""
    for found in _VERB.finditer(text):
        words = shlex.split(found[1].replace("\\\n", " "))
        yield [re.sub(r"\$\{?\w+\}?", "1", word) for word in words]
