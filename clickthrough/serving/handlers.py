"""The hot routes, and what each does with a body: bytes in, bytes out, one handler a route."""

from typing import Any

from clickthrough.features.rows import RawRow
from clickthrough.serving.answering import Answering, Impressions, encode, predictions
from clickthrough.serving.batcher import Gone, MicroBatcher
from clickthrough.serving.bodies import BodyReader
from clickthrough.serving.contract import (
    EventsBody,
    PredictBody,
    Predictions,
    RankBody,
    Rankings,
    Recorded,
)
from clickthrough.serving.event_queue import EventQueue
from clickthrough.serving.invocations import Invocations
from clickthrough.serving.observers import Observer
from clickthrough.serving.open_inference import OpenInference
from clickthrough.serving.own_fields import Sample
from clickthrough.serving.predictor import Predictor
from clickthrough.serving.reload import Current
from clickthrough.serving.routes import Route


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
        self._current, self._events, self._observer = current, events, observer
        self._answering = Answering(current, batcher, observer)
        self._predict = BodyReader(PredictBody, lambda body: body.impressions, "impressions")
        self._rank = BodyReader(RankBody, lambda body: body.candidates, "candidates")
        self._observe = BodyReader(EventsBody, lambda body: body.events, "events")

    def routes(self) -> list[Route]:
        """Return the table of routes."""
        return [
            Route("/predict", "scoring", PredictBody, (Predictions,), _impressions, self.predict),
            Route("/rank", "scoring", RankBody, (Rankings,), _candidates, self.rank),
            Route("/events", "events", EventsBody, (Recorded,), _events, self.events),
            Invocations(self._answering).route(),
            OpenInference(self._answering).route(),
        ]

    async def predict(self, body: bytes, gone: Gone) -> bytes:
        """Score impressions."""
        return await self._answering.answer("/predict", body, gone, self._impressions)

    async def rank(self, body: bytes, gone: Gone) -> bytes:
        """Rank the candidates of one request, best first."""
        return await self._answering.answer("/rank", body, gone, self._candidates)

    async def events(self, body: bytes, gone: Gone) -> bytes:
        """Count impressions and clicks; what scoring reads changes with the next tick."""
        settings = self._current.settings

        def read() -> list[RawRow]:
            nesting = self._current.predictor.nesting
            return [*self._observe.read(body, settings.max_impressions, nesting).events]

        receipt = await self._events.record(read, len(body), settings.max_events_wait)
        told = receipt.as_dict()
        self._observer.recorded(told)
        return encode(Recorded(**told, durability=self._current.predictor.store.durability))

    def _impressions(self, body: bytes, predictor: Predictor) -> Impressions:
        most = predictor.settings.max_impressions
        read = self._predict.read(body, most, predictor.nesting)
        return Impressions(read.impressions, predictions, read.explain)

    def _candidates(self, body: bytes, predictor: Predictor) -> RankBody:
        return self._rank.read(body, predictor.settings.max_impressions, predictor.nesting)


def _impressions(rows: Sample) -> dict[str, Any]:
    return {"impressions": [rows.impression]}


def _candidates(rows: Sample) -> dict[str, Any]:
    return {"context": rows.context, "candidates": [rows.candidate], "top": 1}


def _events(rows: Sample) -> dict[str, Any]:
    return {"events": [rows.event]}
