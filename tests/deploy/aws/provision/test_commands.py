"""Both commands as somebody runs them who has no account."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

_NOBODY = {
    "PATH": "/usr/bin:/bin",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/nowhere",
    "AWS_SHARED_CREDENTIALS_FILE": "/nowhere",
}


def _run(name: str, *arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "deploy" / "aws" / name), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=_NOBODY,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.parametrize("name", ["up", "down"])
def test_the_plan_needs_no_account_and_no_place(name: str, tmp_path: Path) -> None:
    done = _run(name, "--dry-run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "the account was not asked: no credentials" in done.stdout
    for stack in ("network", "cluster", "roles", "nodes", "addons"):
        assert f"clickthrough-{stack} (not looked at)" in done.stdout
    assert not list(tmp_path.iterdir())


def test_the_plan_says_what_an_hour_costs() -> None:
    done = _run("up", "--dry-run")
    assert re.search(r"together +\d\.\d{4}: \d+\.\d\d a day", done.stdout)


def test_the_plan_of_going_down_begins_with_load_balancers() -> None:
    told = _run("down", "--dry-run").stdout
    first = told.index("Services with their load balancers")
    for stack in ("addons", "nodes", "roles", "cluster", "network"):
        assert first < told.index(f"clickthrough-{stack} ")
    for stack in ("github", "builds", "codepipeline"):  # else one might be deployed meanwhile
        assert first > told.index(f"clickthrough-{stack} ")


@pytest.mark.parametrize("name", ["up", "down"])
def test_without_credentials_it_ends_in_a_line(name: str) -> None:
    done = _run(name, "--yes", "--set", "PublicAccessCidrs=198.51.100.7/32")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"{name}: no credentials: ")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--set", "Region=eu-centrall-1"), "Region: EKS has none that is called eu-centrall-1"),
        (("--set", "Zones=9"), "Zones: '9' is not allowed"),
        (("--parameters", "/nowhere/a.yaml"), "/nowhere/a.yaml: No such file"),
    ],
)
@pytest.mark.parametrize("name", ["up", "down"])
def test_what_is_wrong_is_one_line(name: str, arguments: tuple[str, ...], told: str) -> None:
    done = _run(name, "--dry-run", *arguments)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"{name}: {told}")


def test_a_cluster_out_of_reach_is_not_begun() -> None:
    done = _run("up", "--yes")
    assert done.returncode == 1
    assert done.stderr.startswith("up: PublicAccessCidrs is empty")


@pytest.mark.parametrize("name", ["up", "down"])
def test_a_package_that_lacks_is_told(name: str, tmp_path: Path) -> None:
    (tmp_path / "boto3.py").write_text("raise ModuleNotFoundError('No module named boto3')\n")
    done = subprocess.run(
        [sys.executable, str(ROOT / "deploy" / "aws" / name), "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=_NOBODY | {"PYTHONPATH": str(tmp_path)},
    )
    assert done.returncode == 1
    assert "pip install '.[aws]'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["up", "down"])
def test_it_can_be_started_by_its_name(name: str) -> None:
    assert os.access(ROOT / "deploy" / "aws" / name, os.X_OK)
