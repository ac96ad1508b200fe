"""The program says what it is, what it lacks, and what another program said of its failure."""

import subprocess
import sys
from pathlib import Path

import pytest

from deploy.ci.command import run
from deploy.ci.errors import PipelineError
from tests.deploy.ci.verbs import CI, ci, environment, program

_KLOG = 'E1130 02:31:03.123456    4711 memcache.go:265] "Unhandled Error" err="refused"'


def test_without_the_project_s_packages_it_says_which_one_is_not_there() -> None:
    done = subprocess.run(
        [sys.executable, "-S", str(CI), "version"], capture_output=True, text=True, check=False,
        env=environment(), cwd="/",
    )  # fmt: skip
    assert done.returncode == 2, done
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: no package ")
    assert line.endswith(": pip install . into the environment that is active")


def test_its_help_says_what_it_is() -> None:
    said = " ".join(ci("--help").out.split())
    assert "Build, sign, deploy, test and watch a release, and go back" in said


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([_KLOG, _KLOG, "The connection was refused"], "The connection was refused"),
        (["the first", _KLOG, "the second"], "the first the second"),
        ([_KLOG], _KLOG.replace("    ", " ")),
    ],
)
def test_log_lines_of_kubectl_are_left_out_where_it_says_more(
    lines: list[str], told: str, tmp_path: Path
) -> None:
    place = program(tmp_path / "programs", "kubectl", f"import sys\nsys.exit('\\n'.join({lines}))")
    with pytest.raises(PipelineError) as error:
        run(str(place / "kubectl"))
    assert str(error.value) == f"kubectl: {told}"
