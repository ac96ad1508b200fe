"""A Redis server of a test's own, from Debian's package, on a free port of the loopback."""

import shutil
import subprocess
import time
from pathlib import Path
from typing import Self

import pytest

from tests.lacking import lacking
from tests.ports import free_port

SYNCED = ("--appendonly", "yes", "--appendfsync", "always")
"""What is acknowledged is on disk."""
_PATIENCE = 30


class RedisServer:
    """A server that can be killed and started again, over the same files.

    Args:
        folder: where its files lie.
        options: as its command line takes them.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        pytest.importorskip("redis", reason="redis is not installed: pip install '.[redis]'")
        program = shutil.which("redis-server")
        if program is None:
            lacking("no redis-server: make test-system")
        self._program = program
        self.folder, self.port, self._options = folder, free_port(), options
        self._running: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def url(self) -> str:
        """What names the store on it."""
        return f"redis://127.0.0.1:{self.port}"

    def start(self, *options: str) -> Self:
        """Start it, and wait until it takes connections.

        Args:
            options: more of them, for this time.
        """
        own = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", *self._options]
        log = (self.folder / "log").open("ab")
        with log:
            self._running = subprocess.Popen(
                [self._program, "--dir", str(self.folder), *own, *options], stdout=log, stderr=log
            )
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            if self._running.poll() is not None:
                break
            if "Ready to accept connections" in self._said():
                return self
            time.sleep(0.01)
        raise AssertionError(f"redis-server does not start: {self._said()[-2_000:]}")

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()

    def empty(self, database: int) -> None:
        """Forget all keys of a database."""
        from redis import Redis

        with Redis(port=self.port, db=database) as client:
            client.flushdb()

    def kill(self) -> None:
        """End it as if the machine took it."""
        if self._running is not None:
            self._running.kill()
            self._running.wait(timeout=_PATIENCE)
            self._running = None
            (self.folder / "log").unlink()

    def _said(self) -> str:
        return (self.folder / "log").read_text(errors="replace")
