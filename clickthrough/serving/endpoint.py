"""A hot route over HTTP: a body is read, a place taken, a handler asked, an answer sent."""

import hmac
import os
import time
from collections.abc import Callable

import msgspec
from starlette.types import Receive, Scope, Send

from clickthrough.errors import RequestError, StoreError
from clickthrough.serving.admission import Admission, Refused
from clickthrough.serving.batcher import CallerGone
from clickthrough.serving.bodies import WrongBody
from clickthrough.serving.faults import JSON, Answer
from clickthrough.serving.observers import Observer
from clickthrough.serving.own_fields import SHORT, sample
from clickthrough.serving.receiving import Incoming
from clickthrough.serving.reload import Current
from clickthrough.serving.routes import Form, Route

_CLOSE = (b"connection", b"close")
_HEADERS = {
    401: (b"www-authenticate", b"Bearer"),
    405: (b"allow", b"POST"),
    408: _CLOSE,
    413: _CLOSE,
    503: (b"retry-after", b"1"),
}
_STORE_AWAY = "the store cannot be reached now; events may not have been counted: send them again"
_STORE_LOST = "the store was removed or replaced; nothing is counted before the service starts anew"


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
        self._json = Form(route.handle)
        self._current, self._admission, self._observer = current, admission, observer
        self._token = None if token is None else os.fsencode(f"Bearer {token}")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        incoming = Incoming(receive, self.route.kind, self._current.settings)
        began: float | None = None
        held = incoming.is_here
        try:
            if held:  # refused before all else: or refusing takes what scoring needs
                self._admission.enter(self.route.kind)
            try:
                form = self._look(scope, incoming)
                body = await incoming.whole(self._admission)
                if not held:
                    self._admission.enter(self.route.kind)
                    held = True
                began = time.perf_counter()
                answer = Answer(200, await form.handle(body, _gone(receive)), form.answered)
            finally:
                if held:
                    self._admission.leave(self.route.kind)
        except CallerGone:
            return  # nobody listens
        except Exception as error:
            answer = self._fault(error)
        seconds = None if began is None else time.perf_counter() - began
        self._observer.answered(self.route.path, answer.status, seconds)
        unread = began is None and answer.status not in (408, 503)
        await _send(send, answer, more=unread)
        if unread:  # who is still sending would not see the answer if the connection ended now
            await incoming.discard(scope)
            await send({"type": "http.response.body", "body": b""})

    def _fault(self, error: Exception) -> Answer:
        """Return what the caller is told of an error; only our own faults are logged."""
        path, fault = self.route.path, self.route.faults
        if isinstance(error, Refused):
            self._observer.refused(path, error.cause)
            return fault(error.status, error.detail)
        if isinstance(error, RequestError):
            return fault(422, str(error))
        if isinstance(error, WrongBody):
            return fault(error.status, error.detail)
        self._observer.failed(path, error)
        if isinstance(error, StoreError):
            lost = self._current.predictor.store.lost
            return fault(503, _STORE_LOST if lost else _STORE_AWAY)
        return fault(500, "Internal Server Error")

    def _look(self, scope: Scope, incoming: Incoming) -> Form:
        """Look at a request before its body is read; return what is done with it.

        Raises:
            Refused: its method, token, type or length is wrong.
        """
        if scope["method"] != "POST":
            rows = sample(self._current.predictor.bundle, SHORT)
            example = msgspec.json.encode(self.route.example(rows)).decode()
            text = f"{scope['path']} takes POST with a JSON body such as {example}"
            raise Refused("method", text, 405)
        named = dict(scope["headers"])  # what comes twice and matters, uvicorn has refused
        if self._token is not None and not hmac.compare_digest(
            named.get(b"authorization", b""), self._token
        ):
            text = "the token is missing or wrong: authorization: Bearer ..."
            raise Refused("token", text, 401)
        for name, why in self.route.unwanted.items():
            if name in named:
                raise Refused("type", why, 400)
        kind = named.get(b"content-type")
        form = self._json if kind == JSON else self._form_of(kind or b"")
        if form is None:
            found = "none" if kind is None else repr(kind.decode("latin-1")[:100])
            expected = " or ".join(self.route.media)
            raise Refused("type", f"content-type: expected {expected} in UTF-8, found {found}", 415)
        if b"content-length" in named:
            incoming.look_at_length(named[b"content-length"])
        return form

    def _form_of(self, kind: bytes) -> Form | None:
        """Return what is done with a content type, if it is in UTF-8 and taken at all.

        ``/events`` takes JSON alone: a page of another site can send what is called nothing or
        plain text, and would move the counters.
        """
        media, _, rest = kind.lower().partition(b";")
        whole, parameters = media.strip(), [part.strip() for part in rest.split(b";")]
        charsets = [part[8:].strip(b' "') for part in parameters if b"charset=" in part]
        if not all(charset in (b"utf-8", b"utf8", b"us-ascii") for charset in charsets):
            return None
        if whole == JSON or (whole.startswith(b"application/") and whole.endswith(b"+json")):
            return self._json
        header = [part for part in parameters if part.startswith(b"header=")]
        said = b"; ".join([whole, *(part for part in header if part != b"header=present")])
        return self.route.forms.get(said.decode("latin-1"))


class Versioned:
    """The path of a hot route that names a version too, as an ASGI application.

    Args:
        made: makes the endpoint of a route.
        of: makes the route of a version.
    """

    def __init__(self, made: Callable[[Route], Endpoint], of: Callable[[str], Route]) -> None:
        self._made, self._of = made, of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        endpoint = self._made(self._of(scope["path_params"]["version"]))
        await endpoint(scope, receive, send)


def _gone(receive: Receive) -> Callable[[], bool]:
    """Return what says whether the caller has gone."""
    cycle = getattr(receive, "__self__", None)  # uvicorn's, unless a middleware stands between
    return lambda: bool(getattr(cycle, "disconnected", False))


async def _send(send: Send, answer: Answer, more: bool) -> None:
    """Send an answer; its end is left out where ``more``."""
    length = (b"content-length", b"%d" % len(answer.body))
    headers = [(b"content-type", answer.media), length]
    if answer.status in _HEADERS:
        headers.append(_HEADERS[answer.status])
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body, "more_body": more})
