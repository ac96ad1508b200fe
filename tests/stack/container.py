"""A container of the service's image, and what it answers."""

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests import asking
from tests.ports import free_port
from tests.stack.engine import Engine
from tests.waiting import in_time


class Container:
    """A running container.

    Args:
        engine: that runs it.
        name: its name.
        port: where it listens.
    """

    def __init__(self, engine: Engine, name: str, port: int) -> None:
        self.engine, self.name, self.port = engine, name, port

    def ask(self, path: str, body: object = None) -> tuple[int, Any]:
        """Return the status and the body of an answer."""
        return ask(self.port, path, body)

    def until_ready(self) -> None:
        """Wait until it takes requests."""
        in_time(lambda: is_ready(self.port), told=self.said)

    def said(self) -> str:
        """Return what it has printed."""
        return self.engine.tried("logs", self.name)[1]

    def python(self, code: str) -> str:
        """Run a program inside of it."""
        return self.engine.podman("exec", self.name, "/usr/bin/python3", "-c", code)

    def exit_status(self) -> int:
        """Wait until it has ended; return the status."""
        return int(self.engine.podman("wait", self.name).strip())


def ask(port: int, path: str, body: object = None) -> tuple[int, Any]:
    """Ask a service on a port of the loopback for JSON."""
    status, said = asking.ask(port, path, body)
    return status, json.loads(said or b"null")


def is_ready(port: int) -> bool:
    """Say whether a service takes requests."""
    try:
        return ask(port, "/health/ready")[0] == 200
    except (OSError, http.client.HTTPException):
        return False


@contextmanager
def started(engine: Engine, image: str, *options: str, ready: bool = True) -> Iterator[Container]:
    """Run an image on the host's network, with a root that cannot be written to.

    Args:
        engine: that runs it.
        image: its name.
        options: of ``podman run``.
        ready: wait until it takes requests.
    """
    port = free_port()
    made = Container(engine, f"ctr-{port}", port)
    engine.podman(
        "run", "--detach", "--name", made.name, "--network", "host", "--read-only",
        "--read-only-tmpfs=false",
        "--env", f"CTR_PORT={port}", *options, image,
    )  # fmt: skip
    try:
        if ready:
            made.until_ready()
        yield made
    finally:
        engine.podman("rm", "--force", "--time", "1", "--volumes", made.name)


def refused(engine: Engine, image: str, *options: str) -> tuple[int, str]:
    """Run an image that is expected to end by itself; return the status and what it says."""
    with started(engine, image, *options, ready=False) as made:
        return made.exit_status(), made.said()
