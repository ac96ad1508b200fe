"""A running service, asked over HTTP: a connection for each request, a deadline for each answer."""

import http.client
import json
import time
from typing import NamedTuple
from urllib.parse import urlsplit

from deploy.ci.errors import PipelineError, UsageError

_PAUSE = 0.2
_LARGEST = 20_000_000
"""Bytes of an answer that are read."""


class Reply(NamedTuple):
    """What came back."""

    status: int
    body: bytes

    def __str__(self) -> str:
        return f"{self.status} {self.body[:200].decode('utf-8', 'replace')}"


class Service:
    """A service at a URL.

    Args:
        url: http or https, a host, perhaps a port.
        seconds: for each step of a connection.

    Raises:
        UsageError: the URL is none.
    """

    def __init__(self, url: str, seconds: float = 10) -> None:
        try:
            parts = urlsplit(url)
            self._host, self._port = parts.hostname or "", parts.port
        except ValueError:
            parts, self._host = urlsplit(""), ""
        if parts.scheme not in ("http", "https") or not self._host or parts.query:
            raise UsageError(f"--url {url}: expected http://HOST:PORT or https://HOST")
        self._kind = (
            http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        )
        self.url, self._base, self._seconds = url, parts.path.rstrip("/"), seconds

    def ask(self, path: str, body: object = None) -> Reply:
        """GET a path, or POST JSON to it.

        Raises:
            PipelineError: nobody answers in time.
        """
        connection = self._kind(self._host, self._port, timeout=self._seconds)
        text = None if body is None else json.dumps(body)
        try:
            connection.request(
                "GET" if text is None else "POST",
                self._base + path,
                text,
                {"content-type": "application/json", "connection": "close"},
            )
            answer = connection.getresponse()
            return Reply(answer.status, answer.read(_LARGEST))
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "strerror", None) or error or type(error).__name__
            raise PipelineError(f"{self.url}{path}: no answer: {reason}") from None
        finally:
            connection.close()

    def until_ready(self, seconds: float) -> None:
        """Wait until it takes requests.

        Raises:
            PipelineError: it does not, after so many seconds.
        """
        end, said = time.monotonic() + seconds, ""
        while True:
            try:
                reply = self.ask("/health/ready")
                if reply.status == 200:
                    return
                said = str(reply)
            except PipelineError as error:
                said = str(error)
            if time.monotonic() >= end:
                raise PipelineError(f"not ready after {seconds:.0f} s: {said}")
            time.sleep(_PAUSE)
