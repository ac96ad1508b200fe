"""What the set-up promises."""

import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import requires
from pathlib import Path

import pytest

import clickthrough
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


def test_the_package_says_that_it_is_typed() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    assert (Path(clickthrough.__file__).parent / "py.typed").is_file()
    # hatch takes every file of these folders that git does not ignore
    assert build["targets"]["wheel"]["packages"] == ["clickthrough"]
    assert "/clickthrough" in build["targets"]["sdist"]["include"]
    ignored = (ROOT / ".gitignore").read_text()
    assert "typed" not in ignored


def test_what_a_source_distribution_holds_is_there() -> None:
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    included = tool["hatch"]["build"]["targets"]["sdist"]["include"]
    assert all((ROOT / path.removeprefix("/")).exists() for path in included)
    assert "/LICENSE" in included


def test_the_licence_is_an_expression_that_no_classifier_repeats() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["license"] == "Apache-2.0"
    own, *of_parts = project["license-files"]
    assert own == "LICENSE"
    assert all([*ROOT.glob(pattern)] for pattern in of_parts)
    assert not [line for line in project["classifiers"] if line.startswith("License ::")]


def test_every_hint_names_what_a_checkout_has() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("clickthrough/**/*.py")]
    named = {
        extra
        for page in pages
        for extra in re.findall(r"pip install '\.\[(\w+)\]'", page.read_text())
    }
    assert {"train", "plot"} <= named <= {*extras}


def made(folder: Path, *, gpu: bool, answers: bool) -> tuple[list[str], str]:
    """Set up with programs that only note how they are called; return the calls, and the output."""
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    programs = folder / ".venv/bin"
    programs.mkdir(parents=True)
    python = programs / "python"
    status = 0 if answers else 1
    python.write_text(
        f'#!/bin/sh\necho "$*" >> calls\ncase "$*" in *--index-url*) exit {status};; esac\n'
    )
    python.chmod(0o755)
    if gpu:
        shutil.copy(python, programs / "nvidia-smi")
    done = subprocess.run(
        ["make", ".venv/.train"],
        cwd=folder,
        env={"PATH": f"{programs}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    return (folder / "calls").read_text().splitlines(), done.stdout


@pytest.mark.parametrize("answers", [True, False])
def test_torch_without_gpu_libraries_is_tried_first(answers: bool, tmp_path: Path) -> None:
    calls, told = made(tmp_path, gpu=False, answers=answers)
    first, second = calls
    assert "--index-url https://download.pytorch.org/whl/cpu" in first
    assert "--timeout 10 --retries 0" in first
    pinned = [line for line in requires("clickthrough") or [] if line.startswith("torch")]
    assert first.rsplit(" ", 1)[1] == pinned[0].partition(";")[0].strip()
    assert second.endswith("--editable .[train]")
    assert ("does not answer" in told) is not answers


def test_a_machine_with_a_gpu_takes_torch_as_it_comes(tmp_path: Path) -> None:
    (call,) = made(tmp_path, gpu=True, answers=True)[0]
    assert call.endswith("--editable .[train]")
