"""The hot routes: plain ASGI, decoded and encoded by msgspec.

They take what nearly every body is, and hand all else on to the documented routes behind them:
another type of content, JSON that only Python reads (``NaN``), a body of another form, too many
rows, a wrong field. So what is wrong is always said in the words of the documented model, and what
is right is read alike by both (``tests/serving/test_hot.py``).
"""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Annotated, Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from clickthrough.errors import RequestError, StoreError
from clickthrough.serving.faults import store_failed
from clickthrough.serving.gathered import Gathered
from clickthrough.serving.limits import replayed, whole_body
from clickthrough.serving.predictor import Prediction, Predictor

T = TypeVar("T")
Raw = dict[str, Any]
Answer = Callable[[bytes], Awaitable[bytes]]

ON_LOOP = 16
"""So many rows are scored on the event loop, in less time than a thread takes to wake up."""


class PredictBody(msgspec.Struct, forbid_unknown_fields=True):
    """The body of ``/predict``; see :mod:`clickthrough.serving.contract`."""

    impressions: list[Raw]


class RankBody(msgspec.Struct, forbid_unknown_fields=True):
    """The body of ``/rank``."""

    candidates: list[Raw]
    context: Raw = {}
    top: Annotated[int, msgspec.Meta(ge=1)] | None = None


class EventsBody(msgspec.Struct, forbid_unknown_fields=True):
    """The body of ``/events``."""

    events: list[Raw]


class Predictions(msgspec.Struct):
    """The answer of ``/predict``."""

    predictions: list[Prediction]
    ignored: list[str]
    version: str


class Ranked(Prediction, frozen=True, gc=False):
    """The answer for one candidate."""

    candidate: int


class Ranking(msgspec.Struct):
    """The answer of ``/rank``."""

    request_id: str
    ranking: list[Ranked]
    ignored: list[str]
    version: str


class NotForUs(Exception):  # noqa: N818 - no error
    """A body that the documented route is to answer."""


class HotRoutes:
    """Answers ``/predict``, ``/rank`` and ``/events``, or hands on to the app behind.

    Args:
        app: the documented application.
        predictor: what scores.
    """

    def __init__(self, app: ASGIApp, predictor: Predictor) -> None:
        self.app = app
        answers = _Answers(predictor)
        self._routes: dict[str, Answer] = {
            "/predict": answers.predict,
            "/rank": answers.rank,
            "/events": answers.events,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        is_post = scope["type"] == "http" and scope["method"] == "POST"
        answer = self._routes.get(scope["path"]) if is_post else None
        if answer is None or _JSON not in scope["headers"]:
            await self.app(scope, receive, send)
            return
        body = await whole_body(receive)
        if body is None:
            return
        try:
            made = await answer(body)
        except StoreError as error:
            response = await store_failed(Request(scope), error)
            await response(scope, receive, send)
            return
        except (NotForUs, msgspec.MsgspecError, ValueError, RecursionError, RequestError):
            await self.app(scope, replayed(body, receive), send)
            return
        length = str(len(made)).encode()
        headers = [_JSON, (b"content-length", length)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": made})


class _Answers:
    """What each hot route does with a body.

    Args:
        predictor: what scores.
    """

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self._version = predictor.bundle.manifest.version
        self._most = predictor.bundle.config.serving.max_impressions
        self._read_predict = msgspec.json.Decoder(PredictBody).decode
        self._read_rank = msgspec.json.Decoder(RankBody).decode
        self._read_events = msgspec.json.Decoder(EventsBody).decode
        self._gathered = Gathered(predictor)
        # one process serves one core: two threads that score would only wait for each other
        self._scoring = ThreadPoolExecutor(1, "scoring")
        self._recording = ThreadPoolExecutor(1, "recording")

    async def predict(self, body: bytes) -> bytes:
        """Score impressions."""
        read = self._read_predict(body)
        rows = len(read.impressions)
        self._refuse_many(rows)
        if rows <= ON_LOOP:
            scored = await self._gathered.predict(read.impressions)
        else:
            scored = await _on(self._scoring, self._predictor.predict, read.impressions)
        return _encode(Predictions(scored.predictions, scored.ignored, self._version))

    async def rank(self, body: bytes) -> bytes:
        """Rank the candidates of a request."""
        read = self._read_rank(body)
        rows = len(read.candidates)
        self._refuse_many(rows)
        return self._rank(read) if rows <= ON_LOOP else await _on(self._scoring, self._rank, read)

    async def events(self, body: bytes) -> bytes:
        """Count events: always on a thread, for a store waits for its disk."""
        read = self._read_events(body)
        self._refuse_many(len(read.events))
        return await _on(self._recording, self._record, read)

    def _refuse_many(self, rows: int) -> None:
        if rows > self._most:
            raise NotForUs

    def _rank(self, read: RankBody) -> bytes:
        made = self._predictor.rank(read.context, read.candidates, read.top)
        ranked = [
            Ranked(p.request_id, p.item, p.probability, p.logit, p.missing, p.unseen, place)
            for place, p in zip(made.order, made.predictions, strict=True)
        ]
        return _encode(Ranking(made.request_id, ranked, made.ignored, self._version))

    def _record(self, read: EventsBody) -> bytes:
        return _encode(self._predictor.observe(read.events))


_encode = msgspec.json.Encoder().encode
_JSON = (b"content-type", b"application/json")


async def _on(threads: Executor, work: Callable[[Any], T], read: object) -> T:
    return await asyncio.get_running_loop().run_in_executor(threads, work, read)
