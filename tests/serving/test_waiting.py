"""More requests than can be answered: who waits, who is refused, who is not worked for."""

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from clickthrough.errors import RequestError
from clickthrough.serving.app import create_app
from clickthrough.serving.predictor import Predictor, Scored
from clickthrough.serving.turns import SMALL
from clickthrough.serving.waiting import LimitWait, Queue
from tests.serving.asking import Caller, caller

LARGE: dict[str, Any] = {"impressions": [{}] * (SMALL + 1)}


class Clock:
    """A clock that stands still unless told."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        patch.setattr(time, "perf_counter", lambda: self.now)


def busy(queue: Queue, clock: Clock, each: float) -> None:
    """Let a queue see many requests, each of which takes so long."""
    for _ in range(500):
        queue.enter()
        clock.now += each
        queue.leave()
        clock.now += 10.0  # nobody waits meanwhile


def admitted(queue: Queue, most: float) -> int:
    """Return how many a queue lets in at once."""
    for count in range(1_000):
        if queue.full(most):
            return count
        queue.enter()
    return 1_000


def take_the_burst(queue: Queue) -> int:
    """Use up what a burst is allowed; return how many it was."""
    count = 0
    while queue._of_burst():
        count += 1
    return count


def test_the_queue_is_as_long_as_the_wait_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    for each, most, expected in [
        (0.001, 0.0205, 21), (0.0001, 0.00505, 51), (0.5, 0.005, 6), (0.001, 0.0, 6),
    ]:  # fmt: skip
        queue = Queue()
        busy(queue, clock, each)
        take_the_burst(queue)
        assert admitted(queue, most) == expected


def test_requests_answered_together_count_by_their_share(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, queue = Clock(monkeypatch), Queue()
    for _ in range(500):
        for _ in range(10):
            queue.enter()
        clock.now += 0.010
        for _ in range(10):
            queue.leave()
    take_the_burst(queue)
    assert 18 <= admitted(queue, 0.02) <= 22  # one takes 1 ms


def test_a_burst_may_wait_longer_until_it_is_used_up(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, queue = Clock(monkeypatch), Queue()
    busy(queue, clock, 0.001)
    assert admitted(queue, 0.0202) == 41  # twice as long
    queue.waiting = 0
    assert take_the_burst(queue) == 64 - (41 - 21)
    assert admitted(queue, 0.0202) == 21
    queue.waiting = 0
    clock.now += 0.1
    assert take_the_burst(queue) == 5  # fifty a second
    clock.now += 100.0
    assert take_the_burst(queue) == 64


def test_refusals_do_not_make_answers_seem_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, queue = Clock(monkeypatch), Queue()
    for _ in range(500):
        for _ in range(10):
            queue.enter()
        clock.now += 0.010
        for _ in range(40):  # each takes a quarter of what an answer takes
            queue.refuse(0.25)
            clock.now += 0.00025
        for _ in range(10):
            queue.leave()
    take_the_burst(queue)
    assert 18 <= admitted(queue, 0.02) <= 22


def run_together(asked: list[Caller], most: float) -> tuple[list[int], int]:
    """Ask a busy application; return the statuses, and how many requests came to it."""

    async def go() -> tuple[list[int], int]:
        entered, go_on = 0, asyncio.Event()

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            nonlocal entered
            entered += 1
            await go_on.wait()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        limited = LimitWait(app, lambda: most)
        limited.queue._time = 1.0
        tasks = [asyncio.create_task(one.ask(limited)) for one in asked]
        await asyncio.sleep(0)
        refused = [one for one in asked if one.status is not None]
        assert all(one.status == 503 for one in refused)
        go_on.set()
        await asyncio.gather(*tasks)
        return [one.status or 0 for one in asked], entered

    return asyncio.run(go())


def test_who_would_wait_too_long_is_refused_before_the_body_is_read() -> None:
    asked = [Caller("/predict", b"{" * 10) for _ in range(20)]
    statuses, entered = run_together(asked, 5.0)
    assert statuses == [200] * 6 + [503] * 14
    assert entered == 6
    for one in asked[6:]:
        assert int(one.headers["retry-after"]) >= 1
        assert b"max_wait_ms" in one.answer
        assert not one._asked


def test_events_and_questions_of_health_do_not_wait_in_that_queue() -> None:
    asked = [Caller("/events", b"") for _ in range(20)]
    assert run_together(asked, 0.0) == ([200] * 20, 20)


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
        limits = predictor.bundle.config.serving
        patch.setitem(limits.__dict__, "max_in_flight", 64)


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


def test_health_and_reloading_are_answered_while_scoring_is_saturated(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Slow(app, monkeypatch)
    monkeypatch.setitem(app.state.current.limits.__dict__, "max_in_flight", 3)

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
