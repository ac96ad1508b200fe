"""A service that a program or a notebook starts beside itself."""

import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Self

from clickthrough.errors import ClickthroughError
from clickthrough.serving.listening import listen

_READY = 60.0
"""Seconds until a service answers."""
_END = 20.0
"""Seconds that it may take to drain."""
_MOST_SAID = 2_000
"""Bytes of what it says where it does not start."""


class Served:
    """A running service; it ends with :meth:`close`, its block or the program.

    Args:
        bundle: the directory that is served.
        host: on which address.
        port: on which port; 0 takes one that is free.
        store: where counters are kept; beside the bundle by default.
        keeping: what must last as long as the service does.

    Attributes:
        url: where it answers.

    Raises:
        ClickthroughError: it does not start; says why.
    """

    def __init__(
        self,
        bundle: Path,
        host: str,
        port: int,
        store: str | None = None,
        keeping: object = None,
    ) -> None:
        port = _free_port(host, port)
        self._keeping = keeping
        self.url = f"http://{_named(host)}:{port}"
        command = [sys.executable, "-m", "clickthrough.api.attended", "serve", str(bundle)]
        command += ["--host", host, "--port", str(port)]
        # nobody else sends it requests whom it would have to tell that it ends
        environment = {"CTR_DRAIN_SECONDS": "0", **os.environ}
        # a file, for a pipe that nobody reads would fill and stop the service
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - the service writes to it
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            command + ([] if store is None else ["--store", store]),
            env=environment,
            stdin=subprocess.PIPE,  # never written to: it closes with this program
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
        )
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        until = time.monotonic() + _READY
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        while time.monotonic() < until:
            if self._process.poll() is not None:
                raise ClickthroughError(f"{self.url}: {self._said() or 'ended at once'}")
            try:
                direct.open(f"{self.url}/health/ready", timeout=1).close()
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
            else:
                return
        self.close()
        raise ClickthroughError(f"{self.url}: did not answer within {_READY:.0f} s")

    def _said(self) -> str:
        self._errors.seek(0)
        return self._errors.read(_MOST_SAID).decode(errors="replace").strip()

    def wait(self) -> None:
        """Wait until it ends; an interrupt ends it."""
        try:
            self._process.wait()
        finally:
            self.close()

    def close(self) -> None:
        """Let it answer what it has begun, and end it."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_END)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._errors.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def __del__(self) -> None:
        """Leave no process behind."""
        if hasattr(self, "_process"):
            self.close()

    def __repr__(self) -> str:
        """Say where it answers."""
        return f"<service at {self.url}; its routes: {self.url}/docs>"


def _named(host: str) -> str:
    """Return an address as it stands in a URL; of all of a machine's, that of the loopback."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - not bound here
    return f"[{host}]" if ":" in host else host


def _free_port(host: str, port: int) -> int:
    """Return a port that nobody listens on: else another service would be taken for this one."""
    sockets = listen(host, port)
    found = int(sockets[0].getsockname()[1])
    for one in sockets:
        one.close()
    return found
