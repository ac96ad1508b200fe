"""Workers that are killed at any moment: no trial is lost, counted twice or left running."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from optuna.trial import Trial, TrialState

from clickthrough.tuning.crew import Crew
from clickthrough.tuning.queue import AGAIN, Queue
from clickthrough.tuning.storage import open_study
from clickthrough.tuning.work import work
from tests.tuning.fake import objective, start
from tests.waiting import in_time

pytestmark = pytest.mark.slow

WITHIN = 20.0
"""Seconds within which a study goes on, on a busy machine too; Optuna would wait 30 for a lock."""


def opened(folder: Path, storage: str | None = None) -> Queue:
    return Queue(*open_study(folder, storage, ["minimize"], {}))


def check_whole(queue: Queue, folder: Path, wanted: int) -> None:
    """Check a study that was disturbed against what an undisturbed one comes to."""
    trials = queue.study.get_trials()
    states = Counter(trial.state for trial in trials)
    assert set(states) <= {TrialState.COMPLETE, TrialState.FAIL}
    assert states[TrialState.COMPLETE] == wanted
    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    assert sorted(trial.user_attrs["first"] for trial in complete) == list(range(wanted))
    repeated = [trial.user_attrs[AGAIN] for trial in trials if AGAIN in trial.user_attrs]
    failed = [trial.number for trial in trials if trial.state == TrialState.FAIL]
    assert sorted(repeated) == failed
    values = {trial.number: trial.value for trial in complete}
    told = [line.split() for line in (folder / "told.txt").read_text().splitlines()]
    for number, value in told:  # what a worker was told to be finished has stayed so
        assert values[int(number)] == float(value)


MOMENTS = [f"{how}:{n}" for n in (1, 3, 6, 8, 13) for how in ("torn", "locked", "written")]
MOMENTS += ["taken:1", "taken:2", "taken:1", "taken:3", "taken:2"]


def test_two_workers_killed_at_twenty_moments_leave_a_whole_study(tmp_path: Path) -> None:
    queue, left = opened(tmp_path), list(MOMENTS)
    random.Random(3).shuffle(left)  # noqa: S311

    def one() -> Any:  # noqa: ANN401
        return start(tmp_path, 12, left.pop() if left else "")

    with crew(lambda: Crew(queue, one, 2).run(12, {}, lambda done: None)):
        pass
    assert not left
    check_whole(queue, tmp_path, 12)


def test_a_torn_line_is_cut_and_a_lock_of_the_dead_holds_nobody_up(tmp_path: Path) -> None:
    queue = opened(tmp_path)
    queue.fill(2, {})
    for moment in ("torn:4", "locked:4", "torn:9"):
        assert start(tmp_path, 2, moment).wait(20) == -9
        before = time.monotonic()
        opened(tmp_path).fill(2, {})
        assert time.monotonic() - before < WITHIN
    assert start(tmp_path, 2).wait(20) == 0
    check_whole(opened(tmp_path), tmp_path, 2)


def running(queue: Queue) -> list[int]:
    trials = queue.study.get_trials(states=(TrialState.RUNNING,))
    return [trial.number for trial in trials if trial.intermediate_values]


@contextmanager
def crew(run: Callable[[], None]) -> Iterator[threading.Thread]:
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield thread
    thread.join(60)
    assert not thread.is_alive()


@pytest.mark.parametrize("victims", [1, 2])
def test_a_study_goes_on_within_seconds(tmp_path: Path, victims: int) -> None:
    check_recovery(tmp_path, victims, None)


def check_recovery(folder: Path, victims: int, storage: str | None) -> None:
    queue, started = opened(folder, storage), list[Any]()
    environment = {"FAKE_SECONDS": "1.0"} | ({"CTR_TUNE_STORAGE": storage} if storage else {})

    def one() -> Any:  # noqa: ANN401
        started.append(start(folder, 4, **environment))
        return started[-1]

    with crew(lambda: Crew(opened(folder, storage), one, 2).run(4, {}, lambda done: None)):
        in_time(lambda: len(running(queue)) == 2, WITHIN)
        known = set(running(queue))
        for victim in started[:victims]:
            victim.kill()
        in_time(lambda: len(set(running(queue)) - known) == victims, WITHIN)
    check_whole(queue, folder, 4)


def test_a_worker_that_was_taken_for_dead_is_refused(tmp_path: Path) -> None:
    queue, told = opened(tmp_path), list[int]()
    queue.fill(1, {})

    def slow(trial: Any) -> list[float]:  # noqa: ANN401
        if not told:
            told.append(trial.number)
            queue.guard.lives = lambda worker: False  # type: ignore[method-assign]
            Queue(queue.study, queue.guard).bury()
        return list(objective(trial))

    from optuna.samplers import RandomSampler

    work(queue, slow, RandomSampler, 1)
    states = [trial.state for trial in queue.study.get_trials()]
    assert states == [TrialState.FAIL, TrialState.COMPLETE]
    assert len(queue.done()) == 1


def test_a_trial_that_ends_its_workers_is_given_up(tmp_path: Path) -> None:
    queue = opened(tmp_path)
    for _ in range(6):
        queue.fill(1, {})
        with queue.guard.alone():
            if queue.study.get_trials(states=(TrialState.WAITING,)):
                queue.study.ask()
    assert len(queue.done()) == 1
    assert len(queue.study.get_trials()) == 5


def test_a_study_is_handed_out_to_the_number_that_is_asked_for(tmp_path: Path) -> None:
    from optuna.samplers import RandomSampler

    queue = opened(tmp_path)
    queue.fill(5, {"x": 0.25})
    work(queue, objective, RandomSampler, 2)
    assert len(queue.done()) == 2
    assert queue.study.get_trials()[0].params == {"x": 0.25}
    queue.fill(3, {})
    work(queue, objective, RandomSampler, 3)
    assert len(queue.done()) == 3


def test_nobody_sees_a_trial_that_is_taken_before_it_has_its_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue, another, held = opened(tmp_path), opened(tmp_path), list[bool]()
    queue.fill(1, {})
    set_user_attr = Trial.set_user_attr

    def looked_at(trial: Trial, key: str, value: Any) -> None:  # noqa: ANN401
        other = threading.Thread(target=another.bury, daemon=True)
        other.start()
        other.join(0.5)
        held.append(other.is_alive())
        set_user_attr(trial, key, value)

    monkeypatch.setattr(Trial, "set_user_attr", looked_at)
    assert queue.take(1, 1) is not None
    assert held == [True]


def test_a_dead_worker_s_trial_is_repeated_once_whoever_is_killed_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = opened(tmp_path)
    queue.fill(1, {})
    queue.take(1, 1)  # of a worker that does not live

    def killed(*told: object, **rest: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(queue.study, "tell", killed)
        queue.bury()
    queue.fill(1, {})
    states = [trial.state for trial in queue.study.get_trials()]
    assert states == [TrialState.FAIL, TrialState.WAITING]


def test_a_worker_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    queue = opened(tmp_path)
    queue.fill(1, {})
    worker = start(tmp_path, 1, FAKE_SECONDS="60")
    in_time(lambda: len(running(queue)) == 1, WITHIN)
    worker.stdin.close()  # as the kernel does where that process is killed
    worker.wait(WITHIN)
    queue.bury()
    states = [trial.state for trial in queue.study.get_trials()]
    assert states == [TrialState.FAIL, TrialState.WAITING]
