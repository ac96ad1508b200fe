"""Whoever ends a command in the middle can go on with it, or go back."""

import signal
import subprocess
import sys
import time

import pytest

from deploy.aws.provision.templates import ORDER
from tests.conftest import ROOT
from tests.stack.aws.cloud import ADDRESS, Cloud

pytestmark = pytest.mark.stack


def _ended(cloud: Cloud, number: signal.Signals, after: str) -> tuple[int, str]:
    """Run up, and end it once it has said something."""
    command = [sys.executable, str(ROOT / "deploy" / "aws" / "up"), "--yes", "--set", ADDRESS]
    process = subprocess.Popen(
        [*command, "--charts", str(cloud.folder / "charts.yaml")],
        env=cloud.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if after in line:
            break
    time.sleep(0.05)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    return process.returncode, said


@pytest.mark.parametrize(
    ("number", "after"),
    [
        (signal.SIGINT, "network: made"),
        (signal.SIGTERM, "roles: made"),
        (signal.SIGKILL, "registry: made"),
    ],
)
def test_the_next_goes_on(cloud: Cloud, number: signal.Signals, after: str) -> None:
    status, said = _ended(cloud, number, after)
    assert status != 0
    if number != signal.SIGKILL:
        assert said.startswith("up: ended; what AWS was told to do goes on there")
        assert len(said.splitlines()) == 1
    done = cloud.up()
    assert done.status == 0, done.err
    assert set(cloud.stacks()) == {f"clickthrough-{name}" for name in ORDER}


def test_or_it_is_taken_back(cloud: Cloud) -> None:
    _ended(cloud, signal.SIGKILL, "cluster: made")
    done = cloud.down("--images", "--bundles")
    assert done.status == 0, done.err
    assert not cloud.stacks()


def test_a_reader_that_goes_away_is_told(cloud: Cloud) -> None:
    command = [sys.executable, str(ROOT / "deploy" / "aws" / "up"), "--yes", "--set", ADDRESS]
    process = subprocess.Popen(
        command,
        env=cloud.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    said = process.stderr.read()
    assert process.wait(60) == 1
    assert said.startswith("up: nobody reads what it says: ended")
