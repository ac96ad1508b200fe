"""Events on their way to the recorder: together, bodies apart, after those who are scored."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, cast

import pytest

from clickthrough.errors import RequestError, StoreError
from clickthrough.features.rows import RawRow
from clickthrough.serving.admission import Refused
from clickthrough.serving.event_queue import EventQueue
from clickthrough.serving.predictor import Predictor
from clickthrough.streaming.recorder import Receipt

Row = dict[str, Any]
LARGE = 100_000
"""Bytes of a body that is recorded on the thread."""


class Recording:
    """Stands for a predictor that records, and remembers what came together."""

    def __init__(self) -> None:
        self.together: list[list[int]] = []
        self.go_on = threading.Event()
        self.go_on.set()
        self.scoring = self.is_soon = self.is_remote = False
        self.fault: Exception | None = None
        self.threads: list[bool] = []
        self.tidied = 0
        self.recorder = self

    def tidy(self, breathe: Callable[[], None]) -> None:
        self.tidied += 1

    def observe_each(
        self, bodies: Sequence[Sequence[Row]], breathe: Callable[[], None]
    ) -> list[Receipt | RequestError]:
        self.together.append([len(rows) for rows in bodies])
        self.threads.append(threading.current_thread() is not threading.main_thread())
        assert self.go_on.wait(30)
        breathe()
        if self.fault is not None:
            raise self.fault
        return [
            RequestError("row 0: wrong") if rows and rows[0].get("wrong") else Receipt(len(rows))
            for rows in bodies
        ]


@pytest.fixture
def recording() -> Recording:
    return Recording()


def run(recording: Recording, go: Callable[[EventQueue], Awaitable[Any]]) -> Any:  # noqa: ANN401
    queue = EventQueue(lambda: cast(Predictor, recording), lambda: recording.scoring)

    async def running() -> Any:  # noqa: ANN401
        return await asyncio.wait_for(go(queue), 30)

    return asyncio.run(running())


def sent(queue: EventQueue, rows: int, seconds: float = 5.0, **fields: Any) -> Awaitable[Receipt]:  # noqa: ANN401
    return asyncio.ensure_future(queue.record(lambda: [{**fields}] * rows, LARGE, seconds))


def test_bodies_that_wait_together_are_recorded_together(recording: Recording) -> None:
    recording.go_on.clear()

    async def go(queue: EventQueue) -> list[int]:
        asked = [sent(queue, 1)]
        await asyncio.sleep(0.01)
        asked += [sent(queue, rows) for rows in (2, 3, 509, 1)]
        await asyncio.sleep(0.01)
        recording.go_on.set()
        return [(await receipt).impressions for receipt in asked]

    assert run(recording, go) == [1, 2, 3, 509, 1]
    assert recording.together == [[1], [2, 3, 509], [1]]


def test_a_wrong_body_is_told_to_its_sender_alone(recording: Recording) -> None:
    def unreadable() -> list[RawRow]:
        raise RequestError("no rows")

    async def go(queue: EventQueue) -> list[Any]:
        every = [sent(queue, 1), sent(queue, 1, wrong=True), queue.record(unreadable, LARGE, 5.0)]
        return await asyncio.gather(*every, sent(queue, 2), return_exceptions=True)

    found = run(recording, go)
    assert [type(one) for one in found] == [Receipt, RequestError, RequestError, Receipt]


@pytest.mark.parametrize("fault", [StoreError("away"), StopIteration("odd"), MemoryError()])
def test_a_fault_is_told_to_all_and_the_next_are_recorded(
    recording: Recording, fault: Exception
) -> None:
    recording.fault = fault

    async def go(queue: EventQueue) -> list[Any]:
        found = await asyncio.gather(sent(queue, 1), sent(queue, 2), return_exceptions=True)
        recording.fault = None
        return [*found, await sent(queue, 1)]

    first, second, third = run(recording, go)
    assert type(first) is type(second)
    assert isinstance(first, Exception)
    assert third == Receipt(1)


def test_events_that_are_not_begun_with_in_time_are_refused(recording: Recording) -> None:
    recording.go_on.clear()

    async def go(queue: EventQueue) -> list[Any]:
        asked = [sent(queue, 1), sent(queue, 2, seconds=0.0), sent(queue, 3)]
        await asyncio.sleep(0.02)
        recording.go_on.set()
        return await asyncio.gather(*asked, return_exceptions=True)

    first, late, third = run(recording, go)
    assert (first, third) == (Receipt(1), Receipt(3))
    assert isinstance(late, Refused)
    assert "max_events_wait" in late.detail
    assert sum(map(sum, recording.together)) == 4


def test_events_of_who_stops_waiting_are_recorded_all_the_same(recording: Recording) -> None:
    recording.go_on.clear()

    async def go(queue: EventQueue) -> None:
        gone = asyncio.ensure_future(queue.record(lambda: [{}], LARGE, 5.0))
        await asyncio.sleep(0.01)
        gone.cancel()
        recording.go_on.set()
        await sent(queue, 2)

    run(recording, go)
    assert recording.together == [[1], [2]]


@pytest.fixture
def clock(recording: Recording, monkeypatch: pytest.MonkeyPatch) -> Iterator["Clock"]:
    made = Clock(recording)
    with monkeypatch.context() as patch:
        patch.setattr(time, "monotonic", lambda: made.now)
        patch.setattr(time, "perf_counter", lambda: made.now)
        patch.setattr(time, "thread_time", lambda: made.worked)
        patch.setattr(time, "sleep", made.sleep)
        yield made


class Clock:
    """A clock that goes on where somebody sleeps, until when others are scored."""

    def __init__(self, recording: Recording) -> None:
        self.now, self.worked, self.busy_until = 100.0, 0.0, 0.0
        self._recording = recording

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self._recording.scoring = self.now < self.busy_until


@pytest.mark.parametrize(
    ("worked", "busy", "paused"),
    [(0.001, 1e9, 0), (0.0015, 1e9, 0.01), (1.0, 1e9, 0.02), (1.0, 0.002, 0.002), (1.0, 0, 0)],
)
def test_scoring_goes_before_what_is_more_than_a_share_but_not_for_ever(
    recording: Recording, clock: Clock, worked: float, busy: float, paused: float
) -> None:
    queue = EventQueue(lambda: cast(Predictor, recording), lambda: recording.scoring)
    queue._breathe()
    recording.scoring, clock.busy_until = busy > 0, clock.now + busy
    clock.worked, began = clock.worked + worked, clock.now
    queue._breathe()
    assert clock.now - began == pytest.approx(paused, abs=0.001)


def test_a_few_events_are_recorded_at_once_while_their_share_lasts(
    recording: Recording, clock: Clock
) -> None:
    recording.is_soon = True

    async def go(queue: EventQueue) -> None:
        assert await queue.record(lambda: [{}], 100, 5.0) == Receipt(1)
        await queue.record(lambda: [{}] * 2, LARGE, 5.0)  # too many
        queue._few.spend(0.002)
        await queue.record(lambda: [{}] * 3, 100, 5.0)  # they had their share
        clock.now += 1.0
        recording.is_soon = False
        await queue.record(lambda: [{}] * 4, 100, 5.0)  # the store waits, or is to be tidied
        recording.is_soon = True
        assert await queue.record(lambda: [{}] * 5, 100, 5.0) == Receipt(5)
        with pytest.raises(RequestError, match="wrong"):
            await queue.record(lambda: [{"wrong": True}], 100, 5.0)

    run(recording, go)
    assert recording.threads == [False, True, True, True, False, False]
    assert recording.tidied == 3, "only the thread has the time"


def test_who_waits_is_not_overtaken(recording: Recording) -> None:
    recording.is_soon = True
    recording.go_on.clear()

    async def go(queue: EventQueue) -> None:
        first = sent(queue, 1)
        await asyncio.sleep(0.01)
        second = asyncio.ensure_future(queue.record(lambda: [{}] * 2, 100, 5.0))
        await asyncio.sleep(0.01)
        recording.go_on.set()
        await asyncio.gather(first, second)

    run(recording, go)
    assert recording.threads == [True, True]
