"""Bodies received under limits: how large they are, how long they take, how many come in parts."""

import asyncio
from typing import Final

from starlette.types import Message, Receive, Scope

from clickthrough.config.serving import Serving
from clickthrough.serving.admission import Admission, Kind, Refused
from clickthrough.serving.batcher import CallerGone

_MOST_DISCARDED: Final = 16
"""A refused body is read to its end all the same, up to so many times what is taken: a caller
who is still sending would never see the answer."""


def look_at_length(length: bytes, kind: Kind, settings: Serving) -> None:
    """Look at the length that a body is said to have.

    Raises:
        Refused: it is too large.
    """
    if length.isdigit() and int(length[:20]) > _most(kind, settings):
        raise _too_large(kind, settings)


async def receive_body(
    receive: Receive, kind: Kind, settings: Serving, admission: Admission
) -> bytes:
    """Return a body when it is whole.

    Raises:
        Refused: it is too large, too slow, or too many come in parts.
        CallerGone: its sender has gone.
    """
    if _is_here(receive):
        message = await receive()
    else:
        try:
            async with asyncio.timeout(settings.body_seconds):
                message = await _gathered(receive, _most(kind, settings), admission)
        except TimeoutError:
            text = "the body did not come in time (serving.body_seconds)"
            raise Refused("slow_body", text, 408) from None
    if message["type"] == "http.disconnect":
        raise CallerGone
    body: bytes = message.get("body", b"")
    if len(body) > _most(kind, settings):
        raise _too_large(kind, settings)
    return body


async def discard_body(receive: Receive, scope: Scope, kind: Kind, settings: Serving) -> None:
    """Let the body of a request that was refused come, and drop it."""
    if any(name == b"expect" for name, _ in scope["headers"]):
        return  # who waits to be told to send is told now
    most = _MOST_DISCARDED * _most(kind, settings)
    try:
        async with asyncio.timeout(settings.body_seconds):
            message, size = await receive(), 0
            while message.get("more_body", False) and size <= most:
                size += len(message.get("body", b""))
                message = await receive()
    except TimeoutError:
        return


async def _gathered(receive: Receive, most: int, admission: Admission) -> Message:
    """Return a body that comes in parts, or its beginning where it is too large."""
    message = await receive()
    if not message.get("more_body", False):
        return message
    parts, size = [message.get("body", b"")], len(message.get("body", b""))
    with admission.reading() as take:
        take(size)
        while message.get("more_body", False) and size <= most:
            message = await receive()
            if message["type"] == "http.disconnect":
                return message
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            take(len(parts[-1]))
    return {"type": "http.request", "body": b"".join(parts)}


def _is_here(receive: Receive) -> bool:
    """Say whether the whole body is here already, as nearly every one is."""
    return not getattr(getattr(receive, "__self__", None), "more_body", True)


def _most(kind: Kind, settings: Serving) -> int:
    return settings.max_events_bytes if kind == "events" else settings.max_body_bytes


def _too_large(kind: Kind, settings: Serving) -> Refused:
    name = "max_events_bytes" if kind == "events" else "max_body_bytes"
    text = f"the body is larger than {_most(kind, settings)} bytes (serving.{name})"
    return Refused("size", text, 413)
