"""More requests than can be answered: who waits, who is refused, who is not worked for."""

import asyncio
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from clickthrough.config.serving import Serving
from clickthrough.errors import RequestError
from clickthrough.serving.admission import Admission, Kind, Refused
from clickthrough.serving.app import create_app
from clickthrough.serving.batcher import SMALL
from clickthrough.serving.predictor import Predictor, Scored
from tests.serving.asking import Caller, caller

BODIES: dict[str, Any] = {
    "/predict": {"impressions": []},
    "/rank": {"candidates": []},
    "/events": {"events": []},
}
LARGE: dict[str, Any] = {"impressions": [{}] * (SMALL + 1)}


class Clock:
    """A clock that stands still unless told."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        patch.setattr(time, "monotonic", lambda: self.now)


def made(each: float = 0.001, most_ms: float = 20.5, patience: int = 1, **limits: Any) -> Admission:  # noqa: ANN401
    """Return an admission for requests that take so many seconds each."""
    settings = Serving(max_wait_ms=most_ms, **{"max_in_flight": 1_000, **limits})
    admission = Admission(lambda: settings, lambda: admission.scoring * each, lambda: patience)
    return admission


def admitted(admission: Admission) -> tuple[int, str]:
    """Return how many are let in at once, and why no more."""
    with ExitStack() as places:
        for count in range(1_000):
            try:
                admission.enter("scoring")
            except Refused as refused:
                return count, refused.cause
            places.callback(admission.leave, "scoring")
    return 1_000, ""


def take_the_burst(admission: Admission) -> int:
    """Use up what a burst is allowed; return how many it was."""
    count = 0
    while admission._of_burst():
        count += 1
    return count


@pytest.mark.parametrize(
    ("each", "most_ms", "expected"),
    [(0.001, 20.5, 21), (0.0001, 5.05, 51), (0.5, 5, 6), (0.001, 0, 6)],
)
def test_as_many_are_let_in_as_the_wait_allows(
    monkeypatch: pytest.MonkeyPatch, each: float, most_ms: float, expected: int
) -> None:
    Clock(monkeypatch)
    admission = made(each, most_ms)
    take_the_burst(admission)
    assert admitted(admission) == (expected, "wait")
    assert admission.scoring == 0


def test_a_burst_may_wait_longer_until_it_is_used_up(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    admission = made()
    assert admitted(admission) == (42, "wait")  # twice as long
    assert take_the_burst(admission) == 64 - (42 - 21)
    assert admitted(admission) == (21, "wait")
    clock.now += 0.1
    assert take_the_burst(admission) == 5  # fifty a second
    clock.now += 100.0
    assert take_the_burst(admission) == 64


def test_during_a_reload_more_may_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch)
    admission = made(patience=3)
    take_the_burst(admission)
    assert admitted(admission) == (62, "wait")


def test_places_are_of_a_kind() -> None:
    admission = made(each=0, max_in_flight=10, max_events_in_flight=2)
    assert admitted(admission) == (10, "in_flight")
    kinds: list[Kind] = ["events", "events", "scoring"]
    for kind in kinds:
        admission.enter(kind)
    assert admission.in_flight() == {"scoring": 1, "events": 2}
    with pytest.raises(Refused, match="max_events_in_flight"):
        admission.enter("events")
    for kind in kinds:
        admission.leave(kind)
    assert admission.in_flight() == {"scoring": 0, "events": 0}


def test_bodies_in_parts_are_bounded_together() -> None:
    admission = made()
    with ExitStack() as reading:
        for _ in range(63):
            reading.enter_context(admission.reading())(1_000_000)
        with pytest.raises(Refused, match="in parts"), admission.reading() as take:
            take(1_000_000)
            take(1)
    with admission.reading() as take:
        take(64_000_000)


class Slow:
    """Stands for a predictor whose scoring waits for the test."""

    def __init__(self, app: FastAPI, patch: pytest.MonkeyPatch) -> None:
        self.begun: list[int] = []
        self.entered = threading.Semaphore(0)
        self.go_on = threading.Event()
        predictor: Predictor = app.state.current.predictor
        own = predictor.predict_each

        def predict_each(bodies: Any) -> list[Scored | RequestError]:  # noqa: ANN401
            self.begun += map(len, bodies)
            self.entered.release()
            assert self.go_on.wait(30)
            return own(bodies)

        patch.setattr(predictor, "predict_each", predict_each)
        patch.setattr(predictor, "row_seconds", 1.0)  # too slow for the event loop
        patch.setitem(predictor.settings.__dict__, "max_in_flight", 64)


@pytest.fixture
def app(bundle_path: Path) -> FastAPI:
    return create_app(bundle_path, "memory")


def test_nothing_is_scored_for_who_has_gone(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow(app, monkeypatch)

    async def go() -> None:
        first = caller("/predict", LARGE)
        begun = asyncio.create_task(first.ask(app))
        assert await asyncio.to_thread(slow.entered.acquire, timeout=30)
        leaving = [caller("/predict", LARGE) for _ in range(4)]
        staying = caller("/predict", {"impressions": [{}] * (SMALL + 2)})
        waiting = [asyncio.create_task(one.ask(app)) for one in [*leaving, staying]]
        await asyncio.sleep(0.01)
        for one in leaving:
            one.gone.set()
        slow.go_on.set()
        await asyncio.gather(begun, *waiting)
        assert [one.status for one in leaving] == [None] * 4
        assert (first.status, staying.status) == (200, 200)

    asyncio.run(go())
    assert slow.begun == [SMALL + 1, SMALL + 2]


def test_who_goes_while_being_scored_keeps_the_place_to_the_end(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Slow(app, monkeypatch)

    async def go() -> None:
        one = caller("/predict", LARGE)
        task = asyncio.create_task(one.ask(app))
        assert await asyncio.to_thread(slow.entered.acquire, timeout=30)
        one.gone.set()
        await asyncio.sleep(0.01)
        assert not task.done()
        slow.go_on.set()
        await task
        assert one.status is None

    asyncio.run(go())


def test_events_of_who_has_gone_are_counted(app: FastAPI) -> None:
    event = {"type": "impression", "display_id": "gone", "ad": 100}
    sent, again = (caller("/events", {"events": [event]}) for _ in range(2))
    sent.gone.set()

    async def go() -> None:
        await sent.ask(app)
        await again.ask(app)

    asyncio.run(go())
    assert b'"duplicates":1' in again.answer


def test_who_is_still_sending_holds_no_place(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("max_in_flight", "max_events_in_flight"):
        monkeypatch.setitem(app.state.current.settings.__dict__, name, 1)

    async def go() -> None:
        halves = [Caller(route, b'{"', whole=False) for route in BODIES for _ in range(20)]
        tasks = [asyncio.create_task(one.ask(app)) for one in halves]
        await asyncio.sleep(0)
        for route, body in BODIES.items():
            assert (await caller(route, body).ask(app)).status == 200
        for one in halves:
            one.gone.set()
        await asyncio.gather(*tasks)
        assert {one.status for one in halves} == {None}

    asyncio.run(go())


def test_a_body_that_does_not_come_is_ended(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.state.current.settings.__dict__, "body_seconds", 0.01)

    async def go() -> None:
        for route in BODIES:
            for beginning in (b"", b'{"'):
                one = await Caller(route, beginning, whole=False).ask(app)
                assert (one.status, one.headers["connection"]) == (408, "close")
                assert b"body_seconds" in one.answer

    asyncio.run(go())


def test_health_and_reloading_are_answered_while_scoring_is_saturated(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Slow(app, monkeypatch)
    monkeypatch.setitem(app.state.current.settings.__dict__, "max_in_flight", 3)

    async def go() -> None:
        asked = [caller("/predict", LARGE) for _ in range(3)]
        tasks = [asyncio.create_task(one.ask(app)) for one in asked]
        assert await asyncio.to_thread(slow.entered.acquire, timeout=30)
        refused = await caller("/predict", LARGE).ask(app)
        assert refused.status == 503
        assert (await caller("/model/reload", None).ask(app)).status == 403  # not 503
        live = caller("/health/live", None)
        await asyncio.wait_for(live.ask(_as_get(app)), 30)
        assert live.status == 200
        slow.go_on.set()
        await asyncio.gather(*tasks)
        assert [one.status for one in asked] == [200] * 3

    asyncio.run(go())


def _as_get(app: FastAPI) -> Any:  # noqa: ANN401
    async def asked(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "method": "GET"}, receive, send)

    return asked
