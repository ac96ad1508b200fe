"""The original's commands for containers, as README gives them, without an engine."""

import shlex
import shutil
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.docs.blocks import blocks
from tests.ports import free_port
from tests.serving.hostile.servers import ORDINARY
from tests.stack.container import Container, ask
from tests.stack.engine import Engine

pytestmark = pytest.mark.stack
HOST = "127.0.0.1"


def _told(command: str) -> list[str]:
    """Return the arguments of a command of README."""
    for block in blocks(ROOT / "README.md"):
        for line in block.text.splitlines():
            if line.startswith(command):
                return shlex.split(line, comments=True)[len(command.split()) :]
    raise AssertionError(f"README does not say {command}")


def test_build_and_run(engine: Engine, clone: Path, bundle_path: Path) -> None:
    *options, context = _told("docker build")
    assert context == "."
    shutil.copytree(bundle_path, clone / "models")
    try:
        engine.build(clone, *options)
    finally:
        shutil.rmtree(clone / "models")
    port = free_port()
    ports, image = _told("docker run -p")
    outer, inner = ports.split(":")
    assert outer == inner == "8000"
    name = f"ctr-{port}"
    engine.podman("run", "--detach", "--name", name, "-p", f"{HOST}:{port}:{inner}", image)
    try:
        Container(engine, name, port).until_ready()
        for path, body in {"/health": None, **ORDINARY}.items():
            status, said = ask(port, path, body)
            assert status == 200, (path, said)
    finally:
        engine.podman("rm", "--force", "--time", "1", "--volumes", name)
