"""Watching sees what is bad, at once, and says where it could tell little."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.ci.answers import Answers
from deploy.ci.errors import PipelineError
from deploy.ci.metrics import Counts
from deploy.ci.service import Service
from deploy.ci.watch import Instance, Limits, OfUrl, Record, judge, watch
from tests.deploy.ci.stand import Mood, Stand, callers, standing
from tests.deploy.ci.verbs import Done, ci, refused
from tests.serving.hostile.servers import serving


def _seen(ok: int = 0, bad: int = 0, refused_: int = 0, started: float = 1.0) -> Counts:
    answers = Counter({("/rank", "200"): ok, ("/rank", "500"): bad, ("/rank", "503"): refused_})
    return Counts(+answers, Counter(), started)


def _one(counts: Counts | None, ready: bool = True, restarts: int = 0) -> dict[str, Instance]:
    return {"a": Instance(counts, ready, restarts)}


def _record(*looks: Mapping[str, Instance]) -> Record:
    record = Record()
    for look in looks:
        record.add(look)
    return record


def test_what_was_counted_before_is_left_out() -> None:
    assert judge(_record(_one(_seen(10, bad=10)), _one(_seen(500, bad=10))), Limits()) == []


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        (_seen(98, bad=2), "errors: 2 of 100 answers, at most 1.0% may be"),
        (_seen(10, bad=2), "errors: 2 of 12 answers"),
        (_seen(900, refused_=60), "refusals (503): 60 of 960 answers"),
    ],
)
def test_too_many_are_named(counts: Counts, told: str) -> None:
    (found,) = judge(_record(_one(_seen()), _one(counts)), Limits())
    assert found.startswith(told)


@pytest.mark.parametrize("counts", [_seen(99, bad=1), _seen(0, bad=1), _seen(9_500, refused_=400)])
def test_a_few_are_not(counts: Counts) -> None:
    assert judge(_record(_one(_seen()), _one(counts)), Limits()) == []


def test_a_pod_that_comes_later_counts_whole_and_one_that_goes_is_kept() -> None:
    looks = ({"a": Instance(_seen(5), True)},
             {"a": Instance(_seen(9), True), "b": Instance(_seen(7), True)},
             {"b": Instance(_seen(8), True)})  # fmt: skip
    assert _record(*looks).total.count() == 4 + 8


def test_a_look_at_which_one_says_nothing_counts_nothing_twice() -> None:
    record = _record(_one(_seen(500, bad=90)), _one(None), _one(_seen(505, bad=90)))
    assert judge(record, Limits()) == []
    assert record.total.count() == 5


@pytest.mark.parametrize(("started", "count"), [(50.0, 2), (150.0, 102)])
def test_who_is_seen_later_counts_from_its_start_if_that_was_watched(
    started: float, count: int
) -> None:
    record = Record(began=100.0)
    for look in ({}, _one(None), _one(_seen(bad=100, started=started)),
                 _one(_seen(2, bad=100, started=started))):  # fmt: skip
        record.add(look)
    assert record.total.count() == count
    assert bool(judge(record, Limits())) == (count > 2)


def test_a_restart_while_one_says_nothing_is_counted_once() -> None:
    for restarts in (0, 1):
        looks = (_one(_seen(5)), _one(None, restarts=restarts),
                 _one(_seen(1, started=2.0), restarts=restarts))  # fmt: skip
        assert judge(_record(*looks), Limits()) == ["restarts: 1, at most 0"]


def test_a_store_that_is_away_in_two_looks_one_after_another_is_bad() -> None:
    good, away = _one(_seen()), _one(Counts(started=1.0, away=True))
    assert judge(_record(good, away, good, away), Limits()) == []
    assert judge(_record(good, away, away), Limits()) == ["the store is away for: a"]
    assert judge(_record(away, _one(None), away), Limits()) == ["the store is away for: a"]


def test_many_other_answers_do_not_hide_errors_of_scoring() -> None:
    answers = Counter({("/events", "200"): 100_000, ("/rank", "200"): 150, ("/rank", "500"): 50})
    record = _record(_one(_seen()), _one(Counts(answers, Counter(), 1.0)))
    told = "errors: 50 of 200 answers of scoring, at most 1.0% may be"
    assert judge(record, Limits()) == [told]


def test_a_process_that_began_anew_is_a_restart() -> None:
    record = _record(_one(_seen(5)), _one(_seen(1, started=2.0)))
    assert judge(record, Limits()) == ["restarts: 1, at most 0"]
    assert record.total.count() == 1
    assert judge(record, Limits(restarts=1)) == []


def test_a_restart_that_the_cluster_counts_is_one_though_it_says_nothing() -> None:
    record = _record(_one(_seen(5)), _one(None, ready=True, restarts=2))
    assert judge(record, Limits()) == ["restarts: 2, at most 0"]


def test_who_was_ready_must_be_so_in_one_of_two_looks() -> None:
    good, away = _one(_seen()), _one(None, ready=False)
    assert judge(_record(good, away, good, away), Limits()) == []
    assert judge(_record(good, away, away), Limits()) == ["not ready any more: a"]
    assert judge(_record(away, away), Limits()) == []  # one that is being started
    assert judge(_record(good, {}, {}), Limits()) == ["not ready any more: all"]


def test_a_look_that_shows_nobody_once_is_nothing_and_counts_nothing_twice() -> None:
    record = _record(_one(_seen(5)), {}, _one(_seen(9)), {}, _one(_seen(9)))
    assert judge(record, Limits()) == []
    assert record.total.count() == 4


@pytest.mark.parametrize("look", [{}, _one(None), _one(_seen(), ready=False)])
def test_who_sees_nobody_says_so(look: dict[str, Instance]) -> None:
    assert judge(_record(look, look), Limits()) == []
    (found,) = judge(_record(look, look, look), Limits())
    assert found == "nobody is ready and says how it is, in 3 looks"


class _Many:
    """Hundreds of answers a look, some of them slow."""

    def __init__(self, slow: int) -> None:
        self._slow, self._looks = slow, 0

    def look(self) -> Mapping[str, Instance]:
        self._looks += 1
        many, fast = 300 * self._looks, (300 - self._slow) * self._looks
        seconds = Counter({("/rank", 0.1): fast, ("/rank", 2.0): many, ("/rank", 9.0): many})
        return _one(Counts(Counter({("/rank", "200"): many}), seconds, 1.0))


def test_slow_answers_end_it() -> None:
    with pytest.raises(PipelineError, match=r"latency: p99 [12]\.\d+ s, at most 0\.25 s"):
        watch(_Many(slow=30), Limits(), 60, 0.01)
    assert "p99 99 ms" in watch(_Many(slow=0), Limits(), 0.05, 0.02)


def test_of_few_answers_latency_is_not_judged_and_it_says_so() -> None:
    said = watch(OfNobody(), Limits(), 0.05, 0.01)
    assert "fewer than 100: that says little, and latency was not judged" in said


class OfNobody:
    """Nobody asks."""

    def look(self) -> Mapping[str, Instance]:
        return _one(_seen())


def test_a_difference_of_known_answers_ends_it() -> None:
    told: Iterator[list[str]] = iter([[], [], ["/rank, row 0: differs"]])
    with pytest.raises(PipelineError, match="row 0: differs"):
        watch(OfNobody(), Limits(), 60, 0.01, lambda: next(told))


@pytest.mark.parametrize(("own", "few"), [(0, False), (300, True)])
def test_known_requests_are_sent_at_each_look_and_are_not_those_of_others(
    own: int, few: bool
) -> None:
    calls: list[int] = []
    source = _Many(slow=0)
    said = watch(source, Limits(), 0.05, 0.01, lambda: calls.append(1) or [], own)  # type: ignore[func-returns-value]
    assert len(calls) == source._looks - 1
    assert ("few others asked" in said) == few


def test_a_url_that_does_not_answer_is_not_ready() -> None:
    (seen,) = OfUrl(Service("http://127.0.0.1:1")).look().values()
    assert seen == Instance(None, ready=False)


def _watch(stand: Stand, answers: Path, *more: object) -> Done:
    where = ("--url", stand.url, "--answers", answers, "--interval", 0.1)
    return ci("watch", *where, "--minutes", 0.1, *more)


@contextmanager
def _turning(answers: Answers, mood: Mood, after: int = 8) -> Iterator[Stand]:
    with standing(answers) as made:
        made.turns = (after, mood)
        yield made


@pytest.mark.parametrize(
    ("mood", "told"),
    [("wrong", "row 0: "), ("errors", "/predict: 500"), ("unready", "not ready any more: http://")],
)
def test_a_service_that_turns_bad_is_seen(
    mood: Mood, told: str, answers: Answers, answers_file: Path
) -> None:
    with _turning(answers, mood) as stand:
        done = _watch(stand, answers_file)
    assert done.status == 1, done
    assert told in done.said
    assert "s of watching" in done.said


@pytest.mark.parametrize(
    ("mood", "told"),
    [("slow", "latency: p99 0."), ("errors", "errors: |/predict: 500"), ("refusing", "503")],
)
def test_so_is_one_that_others_ask(
    mood: Mood, told: str, answers: Answers, answers_file: Path
) -> None:
    with _turning(answers, mood, after=100) as stand, callers(stand):
        done = _watch(stand, answers_file, "--max-p99", 0.05)
    assert done.status == 1, done
    assert any(each in done.said for each in told.split("|"))


def test_the_real_service_is_good(bundle_path: Path, answers_file: Path, tmp_path: Path) -> None:
    with serving("serve", bundle_path, tmp_path) as made:
        done = ci("watch", "--url", f"http://127.0.0.1:{made.port}", "--answers", answers_file,
                  "--interval", 0.2, "--minutes", 0.05)  # fmt: skip
    assert done.status == 0, done
    assert "known requests were sent" in done.said


@pytest.mark.parametrize("more", [("--minutes", 0), ("--max-errors", 2), ("--max-restarts", 0.5)])
def test_what_cannot_be_watched_is_refused(more: tuple[object, ...], answers_file: Path) -> None:
    said = refused("watch", "--url", "http://a", "--answers", answers_file, *more)
    assert str(more[0]) in said
