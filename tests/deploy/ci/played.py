"""What tests of releases that are played share."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.ci.known import known_answers
from deploy.ci.service import Service
from deploy.ci.smoke import TOLERANCE, smoke
from tests.deploy.ci.kubectl import Standin
from tests.deploy.ci.verbs import command
from tests.waiting import in_time


def answers_as(cluster: Standin, bundle: Path) -> None:
    """See that what the cluster serves answers as a bundle does."""
    port = cluster.kept()["ports"][cluster.current()]
    smoke(Service(f"http://127.0.0.1:{port}"), known_answers(bundle), TOLERANCE, 10)


def state(tmp_path: Path) -> str:
    """Return what the record of the release says of it."""
    return str(json.loads((tmp_path / "record.json").read_text())["state"])


@contextmanager
def begun(cluster: Standin, release: list[object], until: str) -> Iterator["subprocess.Popen[str]"]:
    """Begin a release; go on once kubectl was asked for something."""
    with subprocess.Popen(
        command(*release), env=cluster.env(), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        in_time(lambda: any(line.startswith(until) for line in cluster.asked()))
        yield process
