"""Micro-batching: small bodies of impressions that wait are scored together, each as if alone.

What is soon done is done on the event loop, which takes less than a thread needs to wake up; what
takes longer is done on a thread, so that meanwhile health is answered, requests are refused and
what is soon done is done. Whoever has gone when the turn comes is passed over.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from clickthrough.features.rows import RawRow
from clickthrough.serving.predictor import Predictor
from clickthrough.serving.scorer import Scored

SMALL = 16
"""Bodies of so many rows are scored together with others."""
_MOST_ROWS = 64
"""Rows of small bodies scored before the event loop looks for others."""
LONGEST = 0.004
"""Seconds: what takes longer is done on a thread."""
A_REQUEST = 0.0001
"""Seconds that a request takes beside its rows: HTTP, decoding, encoding, as measured."""
_LOOKS, _LONGEST_LOOK = 3, 0.0005
"""How often the event loop looks for others before it scores those who came at once; and seconds,
after which it looks no more: under overload each look takes as long as refusing all who came."""
_WEIGHT = 1 / 16
"""Of the newest in the mean."""

Gone = Callable[[], bool]
"""Says whether the caller has gone."""
Answers = list[Any]
"""A result, or the exception that says why there is none, to each of some jobs."""


class CallerGone(Exception):  # noqa: N818 - no error
    """The caller has gone: nobody waits for an answer."""


@dataclass(eq=False, slots=True)
class _Job:
    """One body that waits: impressions that may be scored with others, or other work."""

    predictor: Predictor
    rows: int
    seconds: float
    gone: Gone
    answered: asyncio.Future[Any]
    impressions: Sequence[RawRow] | None = None
    work: Callable[[], bytes] | None = None

    @property
    def small(self) -> bool:
        return self.impressions is not None and self.rows <= SMALL


class MicroBatcher:
    """Those who wait to be scored.

    Attributes:
        waiting_seconds: about how long it takes to score all of them.
    """

    def __init__(self) -> None:
        self._waiting: deque[_Job] = deque()
        self._waiting_long: deque[_Job] = deque()
        self.waiting_seconds = 0.0
        self._came, self._since = 0, 0.0
        self._turning = self._on_thread = False
        # one process serves one core: two threads that score would only wait for each other
        self._thread = ThreadPoolExecutor(1, "scoring")

    @property
    def busy(self) -> bool:
        """Whether anybody waits, or is being scored."""
        return self._turning or self._on_thread

    def predict(
        self, predictor: Predictor, impressions: Sequence[RawRow], gone: Gone
    ) -> "asyncio.Future[Scored]":
        """Score impressions; see :meth:`Predictor.predict`.

        Raises:
            CallerGone: the caller went.
        """
        rows = len(impressions)
        seconds = A_REQUEST + rows * predictor.row_seconds
        answered = asyncio.get_running_loop().create_future()
        return self._join(_Job(predictor, rows, seconds, gone, answered, impressions))

    def run(
        self,
        predictor: Predictor,
        work: Callable[[], bytes],
        gone: Gone,
        rows: int = 0,
        seconds: float = A_REQUEST,
    ) -> "asyncio.Future[bytes]":
        """Do what else scores, such as ranking.

        Args:
            predictor: what scores.
            work: does it.
            gone: whether the caller has gone.
            rows: how many it scores, where that is known.
            seconds: about how long it takes beside these.

        Raises:
            CallerGone: the caller went.
        """
        seconds += rows * predictor.row_seconds
        answered = asyncio.get_running_loop().create_future()
        return self._join(_Job(predictor, rows, seconds, gone, answered, work=work))

    def _join(self, job: _Job) -> "asyncio.Future[Any]":
        self.waiting_seconds += job.seconds
        if job.seconds > LONGEST or job.predictor.is_remote:
            self._waiting_long.append(job)
            self._turn_on_thread()
            return job.answered
        self._waiting.append(job)
        self._came += 1
        if not self._turning:
            self._turning, self._since = True, time.perf_counter()
            asyncio.get_running_loop().call_soon(self._look, _LOOKS)
        return job.answered

    def _look(self, looks: int) -> None:
        """Take a turn once nobody else comes."""
        came, self._came = self._came, 0
        if came and looks and time.perf_counter() - self._since < _LONGEST_LOOK:
            asyncio.get_running_loop().call_soon(self._look, looks - 1)
        else:
            self._turn()

    def _turn(self) -> None:
        jobs = self._take(self._waiting)
        if not jobs:
            self._turning = False
            return
        self._answer(jobs, self._score(jobs))
        self._since = time.perf_counter()
        asyncio.get_running_loop().call_soon(self._look, _LOOKS)

    def _take(self, waiting: deque[_Job]) -> list[_Job]:
        """Return the first of those who wait and are there: one, or several that are small."""
        taken: list[_Job] = []
        rows, seconds = 0, 0.0
        while waiting:
            job = waiting[0]
            if taken and not (job.small and taken[0].small and job.predictor is taken[0].predictor):
                break
            rows, seconds = rows + job.rows, seconds + job.seconds
            if taken and (rows > _MOST_ROWS or seconds > LONGEST):
                break
            if self._is_there(waiting.popleft()):
                taken.append(job)
        return taken

    def _turn_on_thread(self) -> None:
        if self._on_thread:
            return
        jobs = self._take(self._waiting_long)
        if jobs:
            self._on_thread = True
            loop = asyncio.get_running_loop()
            scored = loop.run_in_executor(self._thread, self._score, jobs)
            scored.add_done_callback(partial(self._after_thread, jobs))

    def _after_thread(self, jobs: list[_Job], scored: asyncio.Future[Answers]) -> None:
        self._on_thread = False
        for job, answer in zip(jobs, scored.result(), strict=True):
            if self._is_there(job):
                self._answer([job], [answer])
        self._turn_on_thread()

    def _is_there(self, job: _Job) -> bool:
        """Say whether the caller is still there; if not, end what waits for the answer."""
        if job.gone():
            self._answer([job], [CallerGone()])
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
            self.waiting_seconds -= job.seconds
            give(job.answered, answer)


def give(answered: asyncio.Future[Any], answer: object) -> None:
    """Give who waits a result, or the exception that says why there is none."""
    if answered.done():  # its task was ended
        return
    if isinstance(answer, StopIteration):  # which a future cannot hold
        answer = RuntimeError(repr(answer))
    if isinstance(answer, Exception):
        answered.set_exception(answer)
    else:
        answered.set_result(answer)


def _scored(jobs: list[_Job]) -> Answers:
    first = jobs[0]
    if first.work is not None:
        return [first.work()]
    bodies = [job.impressions for job in jobs if job.impressions is not None]
    return list(first.predictor.predict_each(bodies))
