"""Verbs that train nothing do not wait for the library that trains."""

import subprocess
import sys
from pathlib import Path

import pytest

RUN = """
import sys
from clickthrough.cli import main
try:
    main()
finally:
    print("loaded:", *({"torch"} & set(sys.modules)), file=sys.stderr)
"""


@pytest.mark.parametrize(
    "verb",
    [
        ["evaluate"],
        ["replay", "--requests", "3"],
        ["calibrate", "--method", "none", "--out", "other"],
        ["inspect"],
    ],
    ids=lambda verb: verb[0],
)
def test_a_verb_that_trains_nothing_leaves_torch_alone(
    verb: list[str], bundle_path: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", RUN, verb[0], str(bundle_path), *verb[1:]]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1].strip() == "loaded:", done.stderr
