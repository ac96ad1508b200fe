"""Scoring, one turn after another.

What is soon done is done on the event loop, which takes less than a thread needs to wake up; what
takes longer is done on a thread, so that meanwhile health is answered, requests are refused and
what is soon done is done. Small bodies that wait together are scored together, in little more than
the time of one, each as it would be alone to the last bit. Whoever has gone when the turn comes is
passed over.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.types import Receive

from clickthrough.features.rows import RawRow
from clickthrough.serving.gone import Gone, has_gone
from clickthrough.serving.predictor import Predictor, Ranking, Scored

SMALL = 16
"""Bodies of so many rows are scored together with others."""
_MOST_ROWS = 64
"""Rows of small bodies scored before the event loop looks for others."""
LONGEST = 0.004
"""Seconds: what takes longer is done on a thread."""
_LOOKS = 3
"""How often the event loop looks for others before it scores those who came at once."""
_WEIGHT = 1 / 16
"""Of the newest in the mean."""

Answers = list[Any]
"""A result, or the exception that says why there is none, to each of some jobs."""


@dataclass(eq=False, slots=True)
class _Job:
    """One body that waits to be scored: impressions, or what ranks candidates."""

    predictor: Predictor
    rows: int
    receive: Receive
    answered: asyncio.Future[Any]
    impressions: Sequence[RawRow] | None
    rank: Callable[[], Ranking] | None

    @property
    def small(self) -> bool:
        return self.impressions is not None and self.rows <= SMALL

    @property
    def seconds(self) -> float:
        """About how long it will take."""
        return self.rows * self.predictor.row_seconds


class Turns:
    """Those who wait to be scored."""

    def __init__(self) -> None:
        self._waiting: deque[_Job] = deque()
        self._waiting_long: deque[_Job] = deque()
        self._came = 0
        self._turning = False
        # one process serves one core: two threads that score would only wait for each other
        self._thread = ThreadPoolExecutor(1, "scoring")
        self._on_thread = False

    async def predict(
        self, predictor: Predictor, impressions: Sequence[RawRow], receive: Receive
    ) -> Scored:
        """Score impressions; see :meth:`Predictor.predict`.

        Raises:
            Gone: the caller went.
        """
        answered = asyncio.get_running_loop().create_future()
        self._join(_Job(predictor, len(impressions), receive, answered, impressions, None))
        scored: Scored = await answered
        return scored

    async def rank(
        self,
        predictor: Predictor,
        context: RawRow,
        candidates: Sequence[RawRow],
        top: int | None,
        receive: Receive,
    ) -> Ranking:
        """Rank candidates; see :meth:`Predictor.rank`.

        Raises:
            Gone: the caller went.
        """
        answered = asyncio.get_running_loop().create_future()
        work = partial(predictor.rank, context, candidates, top)
        self._join(_Job(predictor, len(candidates), receive, answered, None, work))
        ranking: Ranking = await answered
        return ranking

    def _join(self, job: _Job) -> None:
        if job.seconds > LONGEST:
            self._waiting_long.append(job)
            self._turn_on_thread()
            return
        self._waiting.append(job)
        self._came += 1
        if not self._turning:
            self._turning = True
            asyncio.get_running_loop().call_soon(self._look, _LOOKS)

    def _look(self, looks: int) -> None:
        """Take a turn once nobody else comes."""
        came, self._came = self._came, 0
        if came and looks:
            asyncio.get_running_loop().call_soon(self._look, looks - 1)
        else:
            self._turn()

    def _turn(self) -> None:
        jobs = self._take()
        if not jobs:
            self._turning = False
            return
        self._answer(jobs, self._score(jobs))
        asyncio.get_running_loop().call_soon(self._look, _LOOKS)

    def _take(self) -> list[_Job]:
        """Return the first of those who wait and are there: one, or several that are small."""
        taken: list[_Job] = []
        rows, seconds = 0, 0.0
        while self._waiting:
            job = self._waiting[0]
            if taken and not (job.small and taken[0].small and job.predictor is taken[0].predictor):
                break
            rows, seconds = rows + job.rows, seconds + job.seconds
            if taken and (rows > _MOST_ROWS or seconds > LONGEST):
                break
            if self._is_there(self._waiting.popleft()):
                taken.append(job)
        return taken

    def _turn_on_thread(self) -> None:
        while self._waiting_long and not self._on_thread:
            job = self._waiting_long.popleft()
            if self._is_there(job):
                self._on_thread = True
                loop = asyncio.get_running_loop()
                scored = loop.run_in_executor(self._thread, self._score, [job])
                scored.add_done_callback(partial(self._after_thread, job))

    def _after_thread(self, job: _Job, scored: asyncio.Future[Answers]) -> None:
        self._on_thread = False
        if self._is_there(job):
            self._answer([job], scored.result())
        self._turn_on_thread()

    def _is_there(self, job: _Job) -> bool:
        """Say whether the caller is still there; if not, end what waits for the answer."""
        if has_gone(job.receive):
            self._answer([job], [Gone()])
            return False
        return True

    def _score(self, jobs: list[_Job]) -> Answers:
        began = time.thread_time()  # on a thread, most of the rest is waiting for its turn
        try:
            answers = _scored(jobs)
        except Exception as error:  # whoever asked must hear of it
            answers = [error] * len(jobs)
        rows, seconds = sum(job.rows for job in jobs), time.thread_time() - began
        if rows > SMALL:  # of fewer it would tell what a call takes
            predictor = jobs[0].predictor
            predictor.row_seconds += (seconds / rows - predictor.row_seconds) * _WEIGHT
        return answers

    def _answer(self, jobs: list[_Job], answers: Answers) -> None:
        for job, answer in zip(jobs, answers, strict=True):
            if job.answered.done():  # its task was ended
                continue
            if isinstance(answer, Exception):
                job.answered.set_exception(answer)
            else:
                job.answered.set_result(answer)


def _scored(jobs: list[_Job]) -> Answers:
    (predictor, rank), bodies = (jobs[0].predictor, jobs[0].rank), [j.impressions for j in jobs]
    if rank is not None:
        return [rank()]
    return list(predictor.predict_each([body for body in bodies if body is not None]))
