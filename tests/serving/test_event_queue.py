"""Events on their way to the recorder: together, bodies apart, after those who are scored."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, cast

import pytest

from clickthrough.errors import RequestError, StoreError
from clickthrough.features.rows import RawRow
from clickthrough.serving.admission import Refused
from clickthrough.serving.event_queue import EventQueue
from clickthrough.serving.predictor import Predictor
from clickthrough.streaming.recorder import Receipt

Row = dict[str, Any]


class Recording:
    """Stands for a predictor that records, and remembers what came together."""

    def __init__(self) -> None:
        self.together: list[list[int]] = []
        self.go_on = threading.Event()
        self.go_on.set()
        self.scoring = False
        self.fault: Exception | None = None

    def observe_each(
        self, bodies: Sequence[Sequence[Row]], breathe: Callable[[], None]
    ) -> list[Receipt | RequestError]:
        self.together.append([len(rows) for rows in bodies])
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
    return asyncio.ensure_future(queue.record(lambda: [{**fields}] * rows, size, seconds))


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
        every = [sent(queue, 1), sent(queue, 1, wrong=True), queue.record(unreadable, 5.0)]
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
        gone = asyncio.ensure_future(queue.record(lambda: [{}], 5.0))
        await asyncio.sleep(0.01)
        gone.cancel()
        recording.go_on.set()
        await sent(queue, 2)

    run(recording, go)
    assert recording.together == [[1], [2]]


def test_scoring_goes_before_but_not_for_ever(
    recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, busy_until = [0.0], [0.0]
    paused: list[float] = []

    def sleep(seconds: float) -> None:
        clock[0] += seconds
        paused.append(seconds)
        recording.scoring = clock[0] < busy_until[0]

    queue = EventQueue(lambda: cast(Predictor, recording), lambda: recording.scoring)
    breathe = partial(queue._breathe)
    with monkeypatch.context() as patch:
        patch.setattr(time, "monotonic", lambda: clock[0])
        patch.setattr(time, "sleep", sleep)
        for busy, expected in ((0.005, 0.005), (1e9, 0.02)):
            recording.scoring, clock[0], busy_until[0] = True, 0.0, busy
            breathe()
            assert clock[0] == pytest.approx(expected, abs=0.001)
        recording.scoring, clock[0] = False, 0.0
        paused.clear()
        breathe()
    assert not paused
