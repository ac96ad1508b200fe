"""The hot routes: plain ASGI, decoded and encoded by msgspec.

They take what nearly every body is, and hand all else on to the documented routes behind them:
another type of content, JSON that only Python reads (``NaN``), a body of another form, too many
rows, a wrong field. So what is wrong is always said in the words of the documented model, and what
is right is read alike by both (``tests/serving/test_hot.py``).
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

import msgspec
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from clickthrough.errors import RequestError, StoreError
from clickthrough.serving.faults import store_failed
from clickthrough.serving.gone import Gone
from clickthrough.serving.limits import replayed, whole_body
from clickthrough.serving.predictor import Prediction, Predictor, Ranking
from clickthrough.serving.reload import Current
from clickthrough.serving.turns import Turns

Raw = dict[str, Any]
Answer = Callable[[bytes, Receive], Awaitable[bytes]]


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


class Rankings(msgspec.Struct):
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
        current: what scores now.
    """

    def __init__(self, app: ASGIApp, current: Current) -> None:
        self.app = app
        answers = _Answers(current)
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
            made = await answer(body, receive)
        except Gone:
            return
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
    """What each hot route does with a body, by the predictor that serves when it comes.

    Args:
        current: what scores now.
    """

    def __init__(self, current: Current) -> None:
        self._current = current
        self._read_predict = msgspec.json.Decoder(PredictBody).decode
        self._read_rank = msgspec.json.Decoder(RankBody).decode
        self._read_events = msgspec.json.Decoder(EventsBody).decode
        self._turns = Turns()
        self._recording = ThreadPoolExecutor(1, "recording")

    async def predict(self, body: bytes, receive: Receive) -> bytes:
        """Score impressions."""
        read = self._read_predict(body)
        predictor = self._taken(read.impressions)
        scored = await self._turns.predict(predictor, read.impressions, receive)
        version = predictor.bundle.manifest.version
        return _encode(Predictions(scored.predictions, scored.ignored, version))

    async def rank(self, body: bytes, receive: Receive) -> bytes:
        """Rank the candidates of a request."""
        read = self._read_rank(body)
        predictor = self._taken(read.candidates)
        asked = (read.context, read.candidates, read.top)
        return _ranked(predictor, await self._turns.rank(predictor, *asked, receive))

    async def events(self, body: bytes, receive: Receive) -> bytes:
        """Count events: always on a thread, for a store waits for its disk.

        They are counted even if the caller goes: some send and do not wait.
        """
        read = self._read_events(body)
        predictor = self._taken(read.events)
        loop = asyncio.get_running_loop()
        return _encode(await loop.run_in_executor(self._recording, predictor.observe, read.events))

    def _taken(self, rows: Sequence[Raw]) -> Predictor:
        """Return the predictor that is to do it all."""
        predictor = self._current.predictor
        if len(rows) > predictor.bundle.config.serving.max_impressions:
            raise NotForUs
        return predictor


def _ranked(predictor: Predictor, made: Ranking) -> bytes:
    ranked = [
        Ranked(p.request_id, p.item, p.probability, p.logit, p.missing, p.unseen, place)
        for place, p in zip(made.order, made.predictions, strict=True)
    ]
    version = predictor.bundle.manifest.version
    return _encode(Rankings(made.request_id, ranked, made.ignored, version))


_encode = msgspec.json.Encoder().encode
_JSON = (b"content-type", b"application/json")
