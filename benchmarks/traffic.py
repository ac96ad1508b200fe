"""What the benchmarks of serving ask: of the synthetic bundle, or of anybody's log."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, cycle, islice
from typing import Any

from exchange import Request, raw_request
from load import capacity, in_turn
from served_bundle import START, Requests

SCORING, EVENTS = 0, 1
"""Kinds of requests."""
LIKELY, FED = 200, 4_000
_ID = 9_876_543_210
_FIRST = 1_000_000_000
_CLICKED = 10
Raw = dict[str, Any]


def encoded(body: object) -> bytes:
    """Return a body as compact JSON."""
    return json.dumps(body, separators=(",", ":")).encode()


def predict_bodies(rows: Sequence[Raw]) -> list[Request]:
    """Return requests of /predict, each of one row."""
    return [raw_request("/predict", encoded({"impressions": [row]})) for row in rows]


def rank_bodies(requests: Sequence[tuple[Raw, list[Raw]]]) -> list[Request]:
    """Return requests of /rank."""
    return [
        raw_request("/rank", encoded({"context": context, "candidates": candidates}))
        for context, candidates in requests
    ]


def scoring(rows: int) -> list[Request]:
    """Return requests to score so many rows: /predict of one row, or /rank of candidates."""
    made = Requests(seed=rows)
    if rows == 1:
        return predict_bodies([made.impression() for _ in range(LIKELY)])
    return rank_bodies([made.request(rows) for _ in range(LIKELY)])


class Events:
    """Events without end, none of them twice: impressions, each tenth followed by its click.

    Args:
        rows: whose fields the impressions have, in turn, ``request_id`` and ``time`` among them.
        item: what the log calls it.
    """

    def __init__(self, rows: Sequence[Raw], item: str = "item") -> None:
        self._made = self._without_end(rows, item)

    def body(self, events: int) -> bytes:
        """Return a body of the next events."""
        return b'{"events":[' + b",".join(islice(self._made, events)) + b"]}"

    def request(self, events: int) -> Request:
        """Return a request of the next events."""
        return raw_request("/events", self.body(events), EVENTS)

    def _without_end(self, rows: Sequence[Raw], item: str) -> Iterator[bytes]:
        templates = []
        for row in rows:
            named = {"request_id": str(_ID) if isinstance(row["request_id"], str) else _ID}
            click = {"type": "click", "time": row["time"], item: row[item], **named}
            templates.append((encoded({"type": "impression", **row, **named}), encoded(click)))
        held = str(_ID).encode()
        for number, (shown, clicked) in zip(count(), cycle(templates), strict=False):
            own = b"%d" % (_FIRST + number)
            yield shown.replace(held, own)
            if number % _CLICKED == 0:
                yield clicked.replace(held, own)


def synthetic_events() -> Events:
    """Return events of the synthetic bundle, of the moment at which its requests come."""
    made = Requests(seed=9, skew=3.0)
    rows = [{**made.impression(), "time": START + 86_400 + place // 20} for place in range(2_000)]
    return Events(rows)


@dataclass(frozen=True)
class Mix:
    """Scoring with events: a body of events after so many requests.

    Attributes:
        events: in each body; after nine requests for each of them.
    """

    asked: Sequence[Request]
    told: Events
    events: int

    def __iter__(self) -> Iterator[Request]:
        asked = in_turn(self.asked)
        while True:
            yield from islice(asked, 9 * self.events)
            yield self.told.request(self.events)


def feed(port: int) -> None:
    """Count events before the load."""
    events = Requests(seed=8, skew=3.0).events(FED)
    for start in range(0, len(events), 1_000):
        body = encoded({"events": events[start : start + 1_000]})
        told = capacity(port, [raw_request("/events", body)], 10, 1, most=1)
        assert told.asked[0].ok, told.asked[0].answer
