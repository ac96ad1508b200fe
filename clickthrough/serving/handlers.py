"""What each hot route does with a body: bytes in, bytes out, one handler a route."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
from msgspec.structs import astuple

from clickthrough.features.rows import RawRow
from clickthrough.schema import FieldType
from clickthrough.serving.batcher import LONGEST, Gone, MicroBatcher
from clickthrough.serving.bodies import BodyReader
from clickthrough.serving.contract import (
    CountersMode,
    EventsBody,
    PredictBody,
    Predictions,
    RankBody,
    Ranked,
    Rankings,
    Recorded,
)
from clickthrough.serving.event_queue import EventQueue
from clickthrough.serving.observers import Observer
from clickthrough.serving.predictor import Predictor
from clickthrough.serving.reload import Current
from clickthrough.serving.scorer import Ranking, Scored

_LARGE = 65_536
"""Bytes: a larger body is decoded, scored and encoded on the thread; decoding 1 MB takes 16 ms."""
_A_BYTE = 6e-8
"""Seconds that a byte of a large body takes: a hundred candidates of 45 kB take 2.3 ms."""

_VALUES: dict[FieldType, Any] = {
    "int": 1, "float": 1.5, "str": "a", "bool": True, "ints": [1], "floats": [1.5], "strs": ["a"],
}  # fmt: skip

Handler = Callable[[bytes, Gone], Awaitable[bytes]]
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class Route:
    """A hot route: what it takes, what it answers, and what does it.

    Attributes:
        kind: which places and which size of body are its own.
        example: a body, for whoever asks in another way.
    """

    path: str
    kind: Literal["scoring", "events"]
    body: type
    answer: type
    example: dict[str, Any]
    handle: Handler

    @property
    def text(self) -> str:
        """What it does, in a line."""
        return (self.handle.__doc__ or "").strip()


class Handlers:
    """The handlers of the hot routes, by the predictor that serves when a body comes.

    Args:
        current: what scores now.
        batcher: where bodies wait to be scored.
        events: where events wait to be recorded.
        observer: told of what was recorded.
    """

    def __init__(
        self, current: Current, batcher: MicroBatcher, events: EventQueue, observer: Observer
    ) -> None:
        self._current, self._batcher, self._events = current, batcher, events
        self._observer = observer
        self._predict = BodyReader(PredictBody, lambda body: body.impressions, "impressions")
        self._rank = BodyReader(RankBody, lambda body: body.candidates, "candidates")
        self._observe = BodyReader(EventsBody, lambda body: body.events, "events")

    def routes(self) -> list[Route]:
        """Return the table of routes."""
        row, request = _example(self._current.predictor)
        rank = {"context": request, "candidates": [row], "top": 1}
        events = {"events": [{"type": "impression", **request, **row}]}
        return [
            Route("/predict", "scoring", PredictBody, Predictions, {"impressions": [row]},
                  self.predict),
            Route("/rank", "scoring", RankBody, Rankings, rank, self.rank),
            Route("/events", "events", EventsBody, Recorded, events, self.events),
        ]  # fmt: skip

    async def predict(self, body: bytes, gone: Gone) -> bytes:
        """Score impressions."""
        predictor = self._current.predictor

        def read() -> Sequence[RawRow]:
            return self._predict.read(body, predictor.settings.max_impressions).impressions

        if len(body) <= _LARGE:
            return self._scored(predictor, await self._batcher.predict(predictor, read(), gone))
        return await self._run_large(
            body, predictor, lambda: self._scored(predictor, predictor.predict(read())), gone
        )

    async def rank(self, body: bytes, gone: Gone) -> bytes:
        """Rank the candidates of one request, best first."""
        predictor = self._current.predictor

        def read() -> RankBody:
            return self._rank.read(body, predictor.settings.max_impressions)

        if len(body) > _LARGE:
            return await self._run_large(
                body, predictor, lambda: self._ranked(predictor, read()), gone
            )
        asked = read()
        rows = len(asked.candidates)
        return await self._batcher.run(
            predictor, lambda: self._ranked(predictor, asked), gone, rows
        )

    async def _run_large(
        self, body: bytes, predictor: Predictor, work: Callable[[], bytes], gone: Gone
    ) -> bytes:
        """Do on the thread all that a large body asks, its decoding included."""
        seconds = max(len(body) * _A_BYTE, 2 * LONGEST)
        return await self._batcher.run(predictor, work, gone, seconds=seconds)

    async def events(self, body: bytes, gone: Gone) -> bytes:
        """Count impressions and clicks; what scoring reads changes with the next tick."""
        settings = self._current.settings

        def read() -> list[RawRow]:
            return [*self._observe.read(body, settings.max_impressions).events]

        receipt = await self._events.record(read, len(body), settings.max_events_wait)
        told = receipt.as_dict()
        self._observer.recorded(told)
        return _encode(Recorded(**told, durability=self._current.predictor.store.durability))

    def _scored(self, predictor: Predictor, scored: Scored) -> bytes:
        version, mode = predictor.scorer.version, self._mode("/predict", scored.frozen)
        return _encode(Predictions(scored.predictions, scored.ignored, version, mode))

    def _ranked(self, predictor: Predictor, asked: RankBody) -> bytes:
        ranking: Ranking = predictor.rank(asked.context, asked.candidates, asked.top)
        ranked = [
            Ranked(*(*astuple(prediction), place))
            for place, prediction in zip(ranking.order, ranking.predictions, strict=True)
        ]
        version, mode = predictor.scorer.version, self._mode("/rank", ranking.frozen)
        return _encode(Rankings(ranking.request_id, ranked, ranking.ignored, version, mode))

    def _mode(self, route: str, frozen: bool) -> CountersMode:
        """Return what an answer says of its counters; tell of those made without the store."""
        if frozen:
            self._observer.frozen(route)
        return "frozen" if frozen else "live"


def _example(predictor: Predictor) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return some fields of an impression, and what names its request, as the log calls them."""
    schema, fields = predictor.bundle.schema, predictor.bundle.plan.fields
    chosen = sorted(fields, key=lambda name: name not in ("item", "user"))[:4]
    row = {schema.input_name(name): _VALUES[schema.fields[name]] for name in chosen}
    return row, {schema.input_name("request_id"): "r1"}
