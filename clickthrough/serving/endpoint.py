"""A hot route over HTTP: a body is read, a place taken, a handler asked, an answer sent."""

import asyncio
import hmac
import os
import time
from dataclasses import dataclass

import msgspec
from starlette.types import Message, Receive, Scope, Send

from clickthrough.config.serving import Serving
from clickthrough.errors import RequestError, StoreError
from clickthrough.serving.admission import Admission, Refused
from clickthrough.serving.batcher import CallerGone
from clickthrough.serving.bodies import WrongBody
from clickthrough.serving.handlers import Route
from clickthrough.serving.observers import Observer
from clickthrough.serving.reload import Current

Headers = list[tuple[bytes, bytes]]

_JSON = (b"content-type", b"application/json")
_AGAIN = (b"retry-after", b"1")
_CLOSE = (b"connection", b"close")
_MOST_DISCARDED = 16
"""A refused body is read to its end all the same, up to so many times what is taken: a caller
who is still sending would never see the answer."""
_LONGEST_FAULT = 2_000
"""Characters of what a caller is told."""


@dataclass(frozen=True)
class Answer:
    """An answer that is to be sent."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()


def fault(status: int, detail: object, *headers: tuple[bytes, bytes]) -> Answer:
    """Say what was wrong, in the form of FastAPI's errors, and not at length."""
    if isinstance(detail, str) and len(detail) > _LONGEST_FAULT:
        detail = f"{detail[:_LONGEST_FAULT]}..."
    return Answer(status, msgspec.json.encode({"detail": detail}), headers)


class Endpoint:
    """Answers the requests of a hot route, as an ASGI application.

    Args:
        route: what it takes, and what does it.
        current: whose settings hold.
        admission: gives places.
        observer: told what happened.
        token: what a caller must know; None where everybody may ask.
    """

    def __init__(
        self,
        route: Route,
        current: Current,
        admission: Admission,
        observer: Observer,
        token: str | None = None,
    ) -> None:
        self.route = route
        self._current, self._admission, self._observer = current, admission, observer
        self._token = None if token is None else os.fsencode(f"Bearer {token}")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        settings = self._current.settings
        most = settings.max_body_bytes
        if self.route.kind == "events":
            most = settings.max_events_bytes
        refusal = self._look(scope, most)
        if refusal is not None:
            await self._turn_away(refusal, scope, receive, send, most)
            return
        try:
            body = await self._body(receive, most, settings)
        except (Refused, TimeoutError) as error:
            await _send(send, self._refusal(error))
            return
        if body is None:
            return
        if len(body) > most:
            await self._turn_away(self._too_large(most), scope, receive, send, most)
            return
        began = time.perf_counter()
        answer = await self._answer(body, receive)
        if answer is not None:
            self._observer.answered(self.route.path, answer.status, time.perf_counter() - began)
            await _send(send, answer)

    async def _answer(self, body: bytes, receive: Receive) -> Answer | None:
        """Return what is to be said, None where nobody listens."""
        cycle = getattr(receive, "__self__", None)  # uvicorn's, unless a middleware stands between

        def gone() -> bool:
            return bool(getattr(cycle, "disconnected", False))

        kind = self.route.kind
        try:
            self._admission.enter(kind)
            try:
                return Answer(200, await self.route.handle(body, gone))
            finally:
                self._admission.leave(kind)
        except CallerGone:
            return None
        except RequestError as error:
            return fault(422, str(error))
        except WrongBody as error:
            return fault(error.status, error.detail)
        except Refused as error:
            return self._refusal(error)
        except StoreError as error:
            self._observer.failed(self.route.path, error)
            text = "the store cannot be reached now; nothing was counted; try again"
            return fault(503, text, _AGAIN)
        except Exception as error:
            self._observer.failed(self.route.path, error)
            return fault(500, "Internal Server Error")

    def _look(self, scope: Scope, most: int) -> Answer | None:
        """Return what is wrong with a request before its body is read."""
        headers: Headers = scope["headers"]
        if scope["method"] != "POST":
            text = f"{scope['path']} takes POST with a JSON body such as {{}}".format(
                msgspec.json.encode(self.route.example).decode()
            )
            return fault(405, text, (b"allow", b"POST"))
        if self._token is not None:
            given = _header(headers, b"authorization") or b""
            if not hmac.compare_digest(given, self._token):
                self._observer.refused(self.route.path, "token")
                text = "the token is missing or wrong: authorization: Bearer ..."
                return fault(401, text, (b"www-authenticate", b"Bearer"))
        named = dict(headers)  # where a header comes twice, uvicorn has refused what matters
        kind = named.get(b"content-type")
        if kind != _JSON[1] and not _is_json(kind):
            found = "none" if kind is None else repr(kind.decode("latin-1")[:100])
            return fault(415, f"content-type: expected application/json in UTF-8, found {found}")
        length = named.get(b"content-length", b"0")
        if length.isdigit() and int(length[:20]) > most:
            return self._too_large(most)
        return None

    def _too_large(self, most: int) -> Answer:
        self._observer.refused(self.route.path, "size")
        name = "max_events_bytes" if self.route.kind == "events" else "max_body_bytes"
        return fault(413, f"the body is larger than {most} bytes (serving.{name})", _CLOSE)

    def _refusal(self, error: Refused | TimeoutError) -> Answer:
        if isinstance(error, Refused):
            self._observer.refused(self.route.path, error.cause)
            return fault(503, error.detail, _AGAIN)
        self._observer.refused(self.route.path, "slow_body")
        return fault(408, "the body did not come in time (serving.body_seconds)", _CLOSE)

    async def _body(self, receive: Receive, most: int, settings: Serving) -> bytes | None:
        """Return a body, or its beginning where it is too large; None where the caller has gone."""
        message = await receive() if _is_here(receive) else await _within(receive, settings)
        if not message.get("more_body", False):
            return None if message["type"] == "http.disconnect" else message.get("body", b"")
        parts, size = [message.get("body", b"")], len(message.get("body", b""))
        with self._admission.reading() as take:
            take(size)
            async with asyncio.timeout(settings.body_seconds):
                while message.get("more_body", False) and size <= most:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return None
                    parts.append(message.get("body", b""))
                    size += len(parts[-1])
                    take(len(parts[-1]))
        return b"".join(parts)

    async def _turn_away(
        self, answer: Answer, scope: Scope, receive: Receive, send: Send, most: int
    ) -> None:
        """Refuse a request whose body may still be coming: let it come, and drop it."""
        if not _header(scope["headers"], b"expect"):  # who waits to be told to send is told now
            await _discard(receive, _MOST_DISCARDED * most, self._current.settings.body_seconds)
        self._observer.answered(self.route.path, answer.status, None)
        await _send(send, answer)


async def _within(receive: Receive, settings: Serving) -> Message:
    async with asyncio.timeout(settings.body_seconds):
        return await receive()


def _is_here(receive: Receive) -> bool:
    """Say whether the whole body is here already, as nearly every one is."""
    return not getattr(getattr(receive, "__self__", None), "more_body", True)


async def _discard(receive: Receive, most: int, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            message, size = await receive(), 0
            while message.get("more_body", False) and size <= most:
                size += len(message.get("body", b""))
                message = await receive()
    except TimeoutError:
        return


def _header(headers: Headers, name: bytes) -> bytes | None:
    return next((value for key, value in headers if key == name), None)


def _is_json(kind: bytes | None) -> bool:
    """Say whether a content type is JSON in UTF-8.

    No other is taken: a page of another site can send those, and move the counters.
    """
    if kind is None:
        return False
    media, _, parameters = kind.lower().partition(b";")
    charsets = [p.strip()[8:].strip(b' "') for p in parameters.split(b";") if b"charset=" in p]
    whole = media.strip()
    is_media = whole == b"application/json" or (
        whole.startswith(b"application/") and whole.endswith(b"+json")
    )
    return is_media and all(charset in (b"utf-8", b"utf8", b"us-ascii") for charset in charsets)


async def _send(send: Send, answer: Answer) -> None:
    length = (b"content-length", b"%d" % len(answer.body))
    headers = [_JSON, length, *answer.headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
