"""Whose turn it is to be scored, and where."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from clickthrough.errors import RequestError
from clickthrough.serving.batcher import LONGEST, CallerGone, Gone, MicroBatcher
from clickthrough.serving.predictor import Predictor, Scored


class Watched:
    """A predictor that remembers which bodies it scored together, and where."""

    def __init__(self, bundle: Path, row_seconds: float = 0.0001) -> None:
        self._own = Predictor.load(bundle)
        self.row_seconds, self.is_remote = row_seconds, False
        self.together: list[list[int]] = []
        self.on_loop: list[bool] = []
        self.go_on = threading.Event()
        self.go_on.set()

    def predict_each(self, bodies: Sequence[Any]) -> list[Scored | RequestError]:
        self.together.append([len(body) for body in bodies])
        self.on_loop.append(threading.current_thread() is threading.main_thread())
        assert self.on_loop[-1] or self.go_on.wait(30)
        return self._own.predict_each(bodies)

    def rank(self, *given: Any) -> Any:  # noqa: ANN401
        self.together.append([-len(given[1])])
        self.on_loop.append(threading.current_thread() is threading.main_thread())
        return self._own.rank(*given)

    @property
    def predictor(self) -> Predictor:
        return cast(Predictor, self)


@pytest.fixture
def watched(bundle_path: Path) -> Watched:
    return Watched(bundle_path)


@pytest.fixture(autouse=True)
def slow_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a busy machine not cut short how others are looked for."""
    monkeypatch.setattr("clickthrough.serving.batcher._LONGEST_LOOK", 60.0)


def here() -> bool:
    return False


def gone() -> bool:
    return True


def asked(turns: MicroBatcher, watched: Watched, rows: int, gone: Gone = here) -> Awaitable[Any]:
    """Ask for impressions, or for candidates where the rows are negative."""
    if rows < 0:
        work = partial(watched.rank, {}, [{}] * -rows)
        return turns.run(watched.predictor, work, gone, -rows)
    return turns.predict(watched.predictor, [{}] * rows, gone)


def run(go: Callable[[MicroBatcher], Awaitable[Any]]) -> Any:  # noqa: ANN401
    async def running() -> Any:  # noqa: ANN401
        return await asyncio.wait_for(go(MicroBatcher()), 30)

    return asyncio.run(running())


def test_small_bodies_that_come_together_are_scored_together(watched: Watched) -> None:
    async def go(turns: MicroBatcher) -> None:
        found = await asyncio.gather(*(asked(turns, watched, rows) for rows in [1, 3, 0, 2]))
        assert [len(scored.predictions) for scored in found] == [1, 3, 0, 2]

    run(go)
    assert watched.together == [[1, 3, 0, 2]]
    assert watched.on_loop == [True]


def test_they_keep_their_order_and_are_not_too_many(watched: Watched) -> None:
    async def go(turns: MicroBatcher) -> None:
        sizes = [16, 16, 16, 16, 1, -2, 1, 17, 1, 1]
        await asyncio.gather(*(asked(turns, watched, rows) for rows in sizes))

    run(go)
    assert watched.together == [[16, 16], [16, 16, 1], [-2], [1], [17], [1, 1]]


def test_what_takes_long_is_done_on_a_thread_and_holds_up_nobody(watched: Watched) -> None:
    watched.go_on.clear()

    async def go(turns: MicroBatcher) -> None:
        long = [asyncio.ensure_future(asked(turns, watched, 50)) for _ in range(2)]
        await asyncio.sleep(0.01)
        for _ in range(3):
            await asked(turns, watched, 2)
        assert watched.together == [[50], [2], [2], [2]]
        assert not any(one.done() for one in long)
        watched.go_on.set()
        await asyncio.gather(*long)

    run(go)
    assert watched.together[-1] == [50]
    assert watched.on_loop == [False, True, True, True, False]


def test_how_long_rows_take_is_learned(watched: Watched) -> None:
    before = watched.row_seconds
    own = watched.predict_each

    def slowly(bodies: Sequence[Any]) -> list[Scored | RequestError]:
        until = time.thread_time() + 0.1
        while time.thread_time() < until:
            pass
        return own(bodies)

    watched.predict_each = slowly  # type: ignore[method-assign]

    async def go(turns: MicroBatcher) -> None:
        await asked(turns, watched, 1)  # tells what a call takes
        assert watched.row_seconds == before
        while watched.on_loop[-1]:
            await asked(turns, watched, 20)

    run(go)
    assert 0.0002 < watched.row_seconds < 0.01


def test_who_has_gone_is_passed_over(watched: Watched) -> None:
    async def go(turns: MicroBatcher) -> list[Any]:
        asks = [(1, here), (2, gone), (3, here), (50, gone), (4, gone)]
        every = (asked(turns, watched, rows, receive) for rows, receive in asks)
        return await asyncio.gather(*every, return_exceptions=True)

    found = run(go)
    assert watched.together == [[1, 3]]
    assert [type(one) for one in found] == [Scored, CallerGone, Scored, CallerGone, CallerGone]


def test_a_wrong_body_is_told_to_its_sender_alone(watched: Watched) -> None:
    async def go(turns: MicroBatcher) -> list[Any]:
        every = [
            turns.predict(watched.predictor, [{"ad": value}], here) for value in (100, "seven", 101)
        ]
        work = partial(watched.rank, {}, [{"ad": "eight"}])
        ranked = turns.run(watched.predictor, work, here, 1)
        return await asyncio.gather(*every, ranked, return_exceptions=True)

    found = run(go)
    assert [type(one) for one in found] == [Scored, RequestError, Scored, RequestError]
    assert "seven" in str(found[1])


def test_a_failure_is_told_to_all_and_the_next_are_scored(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise MemoryError

    async def go(turns: MicroBatcher) -> list[Any]:
        with monkeypatch.context() as patch:
            patch.setattr(watched, "predict_each", fail)
            every = [asked(turns, watched, rows) for rows in (1, 1, 50)]
            found = await asyncio.gather(*every, return_exceptions=True)
        return [*found, await asked(turns, watched, 1), await asked(turns, watched, 50)]

    types = [type(one) for one in run(go)]
    assert types == [MemoryError, MemoryError, MemoryError, Scored, Scored]


def test_what_takes_longer_is_worked_on_away_from_the_loop(watched: Watched) -> None:
    where: list[bool] = []

    def work() -> bytes:
        where.append(threading.current_thread() is threading.main_thread())
        return b"done"

    async def go(turns: MicroBatcher) -> bytes:
        return await turns.run(watched.predictor, work, here, seconds=2 * LONGEST)

    assert run(go) == b"done"
    assert where == [False]


def test_what_waits_is_foretold_and_nothing_is_left_of_it(watched: Watched) -> None:
    async def go(turns: MicroBatcher) -> list[float]:
        every = [asked(turns, watched, rows) for rows in (1, 10, 50, -5)]
        waiting = [turns.waiting_seconds]
        await asyncio.gather(*every)
        return [*waiting, turns.waiting_seconds, float(turns.busy)]

    waiting, after, busy = run(go)
    assert waiting == pytest.approx(66 * 0.0001 + 4 * 0.0001, rel=0.1)
    assert (round(after, 12), busy) == (0, 0)
