"""Bodies received under limits: how large they are, how long they take, how many come in parts."""

import asyncio
from contextlib import suppress

from starlette.types import Receive, Scope

from clickthrough.config.serving import Serving
from clickthrough.serving.admission import Admission, Kind, Refused
from clickthrough.serving.batcher import CallerGone

_MOST_DISCARDED = 16
"""A refused body is read to its end all the same, up to so many times what is taken: a caller
who is still sending would never see the answer."""


class Incoming:
    """The body of one request, received under the limits of its kind.

    Args:
        receive: ASGI's.
        kind: which size is its own.
        settings: the limits that hold now.
    """

    __slots__ = ("_ended", "_most", "_name", "_receive", "_settings")

    def __init__(self, receive: Receive, kind: Kind, settings: Serving) -> None:
        self._receive, self._settings, self._ended = receive, settings, False
        self._name = "max_events_bytes" if kind == "events" else "max_body_bytes"
        self._most: int = getattr(settings, self._name)

    @property
    def is_here(self) -> bool:
        """Whether all of it has come, as far as uvicorn knows."""
        return not getattr(getattr(self._receive, "__self__", None), "more_body", True)

    def look_at_length(self, length: bytes) -> None:
        """Look at the length that the body is said to have.

        Raises:
            Refused: it is too large.
        """
        if length.isdigit() and int(length[:20]) > self._most:
            raise self._too_large()

    async def whole(self, admission: Admission) -> bytes:
        """Return the body when all of it is here.

        Raises:
            Refused: it is too large, too slow, or too many come in parts.
            CallerGone: its sender has gone.
        """
        if self.is_here:
            body = await self._part()
            if len(body) > self._most:
                raise self._too_large()
            return body
        parts, size = [], 0
        try:
            async with asyncio.timeout(self._settings.body_seconds):
                with admission.reading() as take:
                    while not self._ended and size <= self._most:
                        parts.append(await self._part())
                        size += len(parts[-1])
                        take(len(parts[-1]))
        except TimeoutError:
            text = "the body did not come in time (serving.body_seconds)"
            raise Refused("slow_body", text, 408) from None
        if size > self._most:
            raise self._too_large()
        return b"".join(parts)

    async def discard(self, scope: Scope) -> None:
        """Let the body of a request that was refused come, and drop it."""
        if any(name == b"expect" for name, _ in scope["headers"]):
            return  # who waits to be told to send is told now
        size = 0
        with suppress(TimeoutError, CallerGone):
            async with asyncio.timeout(self._settings.body_seconds):
                while not self._ended and size <= _MOST_DISCARDED * self._most:
                    size += len(await self._part())

    async def _part(self) -> bytes:
        message = await self._receive()
        self._ended = not message.get("more_body", False)
        if message["type"] == "http.disconnect":
            raise CallerGone
        part: bytes = message.get("body", b"")
        return part

    def _too_large(self) -> Refused:
        text = f"the body is larger than {self._most} bytes (serving.{self._name})"
        return Refused("size", text, 413)
