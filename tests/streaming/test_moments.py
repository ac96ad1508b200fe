"""Events are judged by their own moments, in whatever order they arrive."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clickthrough.errors import StoreError
from clickthrough.store import MemoryStore, SQLiteStore
from clickthrough.streaming.recorder import Receipt
from tests.streaming.test_recorder import Counting, T, clicked, moment, shown

WINDOW = 6_000
END = T + WINDOW / 600
"""The last tick at which a click of an impression at T counts."""
A_BIT = 0.001


@pytest.fixture(params=["memory", "sqlite"])
def counting(request: pytest.FixtureRequest, tmp_path: Path) -> Counting:
    store = MemoryStore() if request.param == "memory" else SQLiteStore(tmp_path / "s.sqlite")
    return Counting(store, window=WINDOW)


def micros(tick: float) -> int:
    return int(moment(tick) * 1_000_000)


@pytest.mark.parametrize("tick", [T, T + 3, END])
def test_a_click_within_the_window_counts(counting: Counting, tick: float) -> None:
    assert counting.record(shown(), clicked(tick=tick)) == Receipt(impressions=1, clicks=1)
    assert counting.counts(T + 1) == (1, 1)


@pytest.mark.parametrize(
    ("tick", "told"), [(T - A_BIT, Receipt(early=1)), (END + A_BIT, Receipt(late=1))]
)
def test_a_click_outside_the_window_changes_nothing(
    counting: Counting, tick: float, told: Receipt
) -> None:
    counting.record(shown())
    assert counting.record(clicked(tick=tick)) == told
    assert counting.record(clicked(tick=tick)) == told
    assert counting.counts(T + 1) == (1, 0)
    assert counting.record(clicked(tick=T + 2)) == Receipt(clicks=1)
    assert counting.counts(T + 1) == (1, 1)
    assert counting.record(clicked(tick=tick)) == told


def test_an_event_without_a_moment_is_of_now(counting: Counting) -> None:
    now = time.time() / 600
    assert counting.record(shown(tick=now - 1), clicked(ts=None)).clicks == 1
    assert counting.record(shown(2, tick=now - 50), clicked(2, ts=None)).late == 1
    assert counting.record(shown(3, tick=now + 1), clicked(3, ts=None)).clicks == 1  # its clock


@pytest.mark.parametrize("shown_at", [None, -1, 0.5, -50])
def test_a_click_without_a_moment_that_comes_first_counts_when_its_impression_comes(
    counting: Counting, shown_at: float | None
) -> None:
    now = time.time() / 600
    assert counting.record(clicked(ts=None)) == Receipt(waiting=1)
    assert counting.record(clicked(ts=None)) == Receipt(duplicates=1)
    later = shown(ts=None) if shown_at is None else shown(tick=now + shown_at)
    late = shown_at == -50
    assert counting.record(later) == Receipt(impressions=1, late=int(late), clicks=int(not late))
    again = counting.record(clicked(ts=None))
    assert again == Receipt(late=int(late), duplicates=int(not late))


def test_a_click_that_waited_is_judged_by_its_own_moment(counting: Counting) -> None:
    for request, tick in enumerate((T - A_BIT, T, END, END + A_BIT)):
        assert counting.record(clicked(request, tick)) == Receipt(waiting=1)
    told = [counting.record(shown(request)) for request in range(4)]
    assert told == [
        Receipt(impressions=1, early=1),
        Receipt(impressions=1, clicks=1),
        Receipt(impressions=1, clicks=1),
        Receipt(impressions=1, late=1),
    ]
    assert counting.counts(T + 1) == (4, 2)
    assert counting.record(clicked(0, T + 1)) == Receipt(clicks=1)
    assert counting.record(clicked(1, T + 1)) == Receipt(duplicates=1)


def test_of_several_clicks_that_wait_any_may_be_the_one_that_counts(counting: Counting) -> None:
    ticks = (END + 3, T - 2, T + 2, T - 1, T + 1)
    for tick in ticks:
        assert counting.record(clicked(tick=tick)) == Receipt(waiting=1)
    assert counting.record(clicked(tick=T - 2)) == Receipt(duplicates=1)
    told = Receipt(impressions=1, clicks=1, early=2, late=1, duplicates=1)
    assert counting.record(shown()) == told
    assert counting.counts(T + 1) == (1, 1)


def test_not_more_than_a_few_clicks_wait(counting: Counting) -> None:
    told = counting.record(*[clicked(tick=T + place / 100) for place in range(50)])
    assert told == Receipt(waiting=16, duplicates=34)
    assert counting.record(shown()).clicks == 1


SNAPSHOT = T + 5
NO_TEXT = msgspec.msgpack.encode([1, False, False, [[b"key", "?"]], []]).replace(b"?", b"\xff")


@pytest.fixture
def later(counting: Counting) -> Counting:
    return Counting(counting.store, window=WINDOW, until=micros(SNAPSHOT))


def test_an_event_older_than_the_snapshot_is_in_it(later: Counting) -> None:
    assert later.record(shown(tick=SNAPSHOT - A_BIT)) == Receipt(in_snapshot=1)
    assert later.record(shown(tick=SNAPSHOT - A_BIT)) == Receipt(duplicates=1)
    # its click is later than the snapshot, and is told so nevertheless
    assert later.record(clicked(tick=SNAPSHOT + 1)) == Receipt(in_snapshot=1)
    assert later.record(clicked(tick=SNAPSHOT + 10)) == Receipt(late=1)
    assert later.counts(SNAPSHOT + 1) == (0, 0)
    assert later.record(shown(2, tick=SNAPSHOT), clicked(2, tick=SNAPSHOT)).clicks == 1
    assert later.counts(SNAPSHOT + 1) == (1, 1)


def test_a_click_older_than_the_snapshot_does_not_wait(later: Counting) -> None:
    assert later.record(clicked(tick=SNAPSHOT - 1)) == Receipt(in_snapshot=1)
    assert later.record(clicked(tick=SNAPSHOT + 1)) == Receipt(waiting=1)
    told = later.record(shown(tick=SNAPSHOT - 1))
    assert told == Receipt(in_snapshot=2)
    assert later.counts(SNAPSHOT + 1) == (0, 0)


def test_an_impression_remembered_before_the_snapshot_was_made_is_clicked_as_ever(
    counting: Counting, later: Counting
) -> None:
    counting.record(shown(tick=T))
    assert later.record(clicked(tick=T + 1)) == Receipt(clicks=1)
    assert later.counts(T + 1) == (1, 1)
    assert later.record(shown(tick=T)) == Receipt(duplicates=1)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"x",
        b"\x90\x90",
        b"\x91\xa1a",
        b"\x91\xa1\xff",
        NO_TEXT,
        msgspec.msgpack.encode([1, 2]),
    ],
)
def test_a_damaged_memory_of_an_impression_is_named(counting: Counting, value: bytes) -> None:
    counting.record(shown())
    key = msgspec.msgpack.encode(["\0impression", "1", 7])
    assert counting.store.read([key]) != [None]
    counting.store.update(lambda tx: tx.write({key: value}))
    with pytest.raises(StoreError, match=r"impression.*is no impression"):
        counting.record(clicked())
    assert counting.counts(T + 1) == (1, 0)


# --- any order of arrival equals a plain model


@dataclass
class Model:
    """Receipts and counts of a single request's impression, in the plainest words."""

    until: int
    shown: int | None = None
    clicked: bool = False
    waiting: set[int] = field(default_factory=set)
    accepted: list[tuple[str, int]] = field(default_factory=list)

    def impression(self, at: int) -> list[str]:
        if self.shown is not None:
            return ["duplicates"]
        self.shown = at
        first = "in_snapshot" if at < self.until else "impressions"
        if first == "impressions":
            self.accepted.append(("impression", at))
        return [first, *(self.judge(moment) for moment in sorted(self.waiting))]

    def click(self, at: int) -> list[str]:
        if self.shown is not None:
            return [self.judge(at)]
        if at < self.until:
            return ["in_snapshot"]
        if at in self.waiting:
            return ["duplicates"]
        self.waiting.add(at)
        return ["waiting"]

    def judge(self, at: int) -> str:
        assert self.shown is not None
        if at < self.shown:
            return "early"
        if at > self.shown + WINDOW // 600:
            return "late"
        if self.shown < self.until:
            return "in_snapshot"
        if self.clicked:
            return "duplicates"
        self.clicked = True
        self.accepted.append(("click", at))
        return "clicks"


arriving = st.lists(
    st.tuples(st.sampled_from(["impression", "click"]), st.integers(0, 2), st.integers(0, 25)),
    max_size=30,
)


@settings(max_examples=200, deadline=None)
@given(arriving=arriving, until=st.integers(0, 12), sizes=st.lists(st.integers(1, 6), min_size=30))
def test_events_in_any_order_are_told_and_counted_as_the_model_says(
    arriving: list[tuple[str, int, int]], until: int, sizes: list[int]
) -> None:
    counting = Counting(MemoryStore(), window=WINDOW, until=micros(T + until))
    models = [Model(until) for _ in range(3)]
    expected, told = Receipt(), Receipt()
    for kind, request, at in arriving:
        for what in getattr(models[request], kind)(at):
            setattr(expected, what, getattr(expected, what) + 1)
    bodies = [
        (shown if kind == "impression" else clicked)(request, T + at)
        for kind, request, at in arriving
    ]
    while bodies:
        size = sizes.pop()
        receipt, bodies = counting.record(*bodies[:size]), bodies[size:]
        for what, count in receipt.as_dict().items():
            setattr(told, what, getattr(told, what) + count)
    assert told == expected

    # told once more in order of time, what was accepted comes to the same
    again = Counting(MemoryStore(), window=WINDOW)
    accepted = [(at, kind, r) for r, model in enumerate(models) for kind, at in model.accepted]
    made: list[dict[str, Any]] = []
    for at, kind, request in sorted(accepted, key=lambda one: (one[0], one[1] == "click")):
        made.append((shown if kind == "impression" else clicked)(request, T + at))
    again.record(*made)
    for tick in range(T, T + 28):
        assert counting.counts(tick) == again.counts(tick)
        assert counting.pair_counts(tick) == again.pair_counts(tick)
    assert again.counts(T + 27)[1] == told.clicks
