"""What pipelines run to release is run here: the commands of the buildspec and of the workflow."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from deploy.ci.answers import Answers
from tests.conftest import ROOT
from tests.deploy.ci.kubectl import NAMESPACE, NEW, OLD, Standin, image
from tests.deploy.ci.stand import Mood, standing
from tests.deploy.ci.verbs import program
from tests.deploy.ci.workflows import BUILDSPEC, workflow

_DOES_NOTHING = "import sys\nsys.stdin.isatty() or sys.stdin.read()\nprint('nothing')\n"


@pytest.fixture
def place(tmp_path: Path, answers_file: Path, cluster: Standin) -> Path:
    """A checkout, and beside it what the build of the image handed on."""
    made = tmp_path / "checkout"
    made.mkdir()
    for name in ("clickthrough", "config", "deploy"):
        (made / name).symlink_to(ROOT / name)
    for folder in (made, tmp_path):
        (folder / "answers.json").write_bytes(answers_file.read_bytes())
    (tmp_path / "image.txt").write_text(f"{image(NEW)}\n")
    python = cluster.folder / "python"  # a link would be no environment
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    for name in ("aws", "cosign"):
        program(cluster.folder, name, _DOES_NOTHING)
    return made


def _run(
    text: str, place: Path, cluster: Standin, **told: str
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["bash", "-e", "-c", text], cwd=place, capture_output=True, text=True, timeout=120,
        check=False,
        env={**cluster.env(), "CLUSTER": "a", "MINUTES": "0.05", "NAMESPACE": NAMESPACE,
             "SIGNING_KEY": "awskms:///a", "CODEBUILD_SRC_DIR_Image": str(place.parent), **told},
    )  # fmt: skip


def _of_aws(part: str) -> str:
    (text,) = yaml.safe_load(BUILDSPEC.read_text())["phases"]["build"][part]
    return str(text)


def _of_github() -> str:
    steps = workflow("deploy")["jobs"]["deploy"]["steps"]
    (text,) = [s["run"] for s in steps if "deploy/ci release" in s.get("run", "")]
    return str(text)


@pytest.mark.stack
@pytest.mark.parametrize("kind", ["aws", "github"])
@pytest.mark.parametrize("mood", ["good", "wrong"])
def test_a_release_is_played_by_its_pipeline(
    kind: str, mood: Mood, cluster: Standin, place: Path, answers: Answers
) -> None:
    text = _of_aws("commands") if kind == "aws" else _of_github()
    told = {"PHASE": "staging", "ENVIRONMENT": "staging", "IMAGE": image(NEW)}
    with standing(answers) as new:
        new.mood = mood
        cluster.serves(NEW, new.server_port)
        done = _run(text, place, cluster, **told)
        after = _run(_of_aws("finally"), place, cluster)
    assert done.returncode == (0 if mood == "good" else 1), done.stderr
    assert ("rolled back to revision 1" in done.stderr) == (mood != "good")
    assert after.returncode == 0, after.stderr
    assert "nothing to undo" in after.stderr
    assert cluster.current() == image(NEW if mood == "good" else OLD)


def test_a_phase_that_is_none_is_refused(cluster: Standin, place: Path) -> None:
    done = _run(_of_aws("commands"), place, cluster, PHASE="stage")
    assert done.returncode == 2
    assert done.stderr == "PHASE stage: expected check, image, staging or production\n"
    assert _run(_of_aws("finally"), place, cluster).returncode == 0
