"""Bodies that are scored, whatever they are written in: read, scored or ranked, answered.

Every route that scores has its own way to read a body and to write an answer; what is between is
the same.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec
from msgspec.structs import asdict

from clickthrough.features.rows import RawRow
from clickthrough.serving.batcher import A_REQUEST, LONGEST, Gone, MicroBatcher
from clickthrough.serving.contract import CountersMode, Predictions, RankBody, Ranked, Rankings
from clickthrough.serving.observers import Observer
from clickthrough.serving.predictor import Predictor
from clickthrough.serving.reload import Current
from clickthrough.serving.scorer import Ranking, Scored


class Pace(NamedTuple):
    """How long bodies of a form take.

    Attributes:
        large: bytes; a larger body is decoded, scored and encoded on the thread.
        a_byte: seconds that a byte of such a body takes.
    """

    large: int
    a_byte: float


_OF_JSON = Pace(65_536, 6e-8)
"""Decoding 1 MB takes 16 ms, a hundred candidates of 45 kB take 2.3 ms in all."""

encode = msgspec.json.Encoder().encode
Write = Callable[[Predictor, Scored, CountersMode], bytes]
"""Makes an answer of what was scored."""


class Impressions(NamedTuple):
    """Impressions that are to be scored, and how they are answered."""

    rows: Sequence[RawRow]
    write: Write
    explain: int | None = None


Read = Callable[[bytes, Predictor], Impressions | RankBody]
"""Reads a body, under the limits of the predictor that answers it."""


class Answering:
    """Scores bodies by the predictor that serves when they come.

    Args:
        current: what scores now.
        batcher: where bodies wait to be scored.
        observer: told of answers that were made without the store.
    """

    def __init__(self, current: Current, batcher: MicroBatcher, observer: Observer) -> None:
        self._current, self._batcher, self._observer = current, batcher, observer

    async def answer(
        self, route: str, body: bytes, gone: Gone, read: Read, pace: Pace = _OF_JSON
    ) -> bytes:
        """Answer a body.

        Args:
            route: what metrics call it.
            body: as it came.
            gone: whether the caller has gone.
            read: reads it.
            pace: how long bodies of its form take.

        Raises:
            WrongBody: it cannot be read.
            RequestError: an impression is malformed, or there are too many.
        """
        predictor = self._current.predictor
        if len(body) > pace.large:
            seconds = max(len(body) * pace.a_byte, 2 * LONGEST)

            def work() -> bytes:
                return self._at_once(route, predictor, read(body, predictor))

            return await self._batcher.run(predictor, work, gone, seconds=seconds)
        asked = read(body, predictor)
        if isinstance(asked, RankBody) or asked.explain is not None:
            rows, seconds = _cost(asked, predictor)
            return await self._batcher.run(
                predictor, lambda: self._at_once(route, predictor, asked), gone, rows, seconds
            )
        scored = await self._batcher.predict(predictor, asked.rows, gone)
        return asked.write(predictor, scored, self._mode(route, scored.frozen))

    def _at_once(self, route: str, predictor: Predictor, asked: Impressions | RankBody) -> bytes:
        """Score what was read, and write the answer."""
        if isinstance(asked, RankBody):
            ranking = predictor.rank(asked.context, asked.candidates, asked.top, asked.explain)
            version = predictor.scorer.version
            return rankings(ranking, version, self._mode(route, ranking.frozen))
        scored = predictor.predict(asked.rows, asked.explain)
        return asked.write(predictor, scored, self._mode(route, scored.frozen))

    def _mode(self, route: str, frozen: bool) -> CountersMode:
        """Return what an answer says of its counters; tell of those made without the store."""
        if frozen:
            self._observer.frozen(route)
        return "frozen" if frozen else "live"


def _cost(asked: Impressions | RankBody, predictor: Predictor) -> tuple[int, float]:
    """Return how many rows are scored, and about how many seconds it takes beside these."""
    ranks = isinstance(asked, RankBody)
    rows = len(asked.candidates if isinstance(asked, RankBody) else asked.rows)
    if asked.explain is None:
        return rows, A_REQUEST
    told = min(rows, (asked.top if isinstance(asked, RankBody) else None) or rows)
    told = min(told, predictor.settings.max_explained) * (2 if ranks else 1)
    return rows, A_REQUEST + told * predictor.explained_seconds


def predictions(predictor: Predictor, scored: Scored, mode: CountersMode) -> bytes:
    """Write predictions as ``/predict`` answers them."""
    version = predictor.scorer.version
    return encode(Predictions(scored.predictions, scored.ignored, version, mode))


def rankings(ranking: Ranking, version: str, mode: CountersMode) -> bytes:
    """Write a ranking as ``/rank`` answers it."""
    ranked = [
        Ranked(**asdict(prediction), candidate=place)
        for place, prediction in zip(ranking.order, ranking.predictions, strict=True)
    ]
    return encode(Rankings(ranking.request_id, ranked, ranking.ignored, version, mode))
