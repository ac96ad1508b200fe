"""What the set-up promises."""

import subprocess
import sys
import tomllib

from tests.conftest import ROOT


def test_requirements_are_those_of_the_scorer() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    listed = [line for line in lines if line and not line.startswith("#")]
    assert sorted(listed) == sorted(project["dependencies"])


def test_the_app_says_in_a_line_that_there_is_no_bundle() -> None:
    environment = {"CTR_BUNDLE": "/nowhere", "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", "import app"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "/nowhere: no such bundle" in done.stderr
    assert "Traceback" not in done.stderr
