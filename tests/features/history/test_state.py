"""The packed state of keys against a slow, obvious one: a list of all events."""

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from clickthrough.features.history.few import add_few, read_few
from clickthrough.features.history.state import StateLayout, States, UnsoundStateError

KEYS = 3
HALF_LIVES = [0.1, 0.5, 1.0, 6.0, 4_032.5]
WINDOWS = [1, 3, 10, 144]
pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")
Floats = NDArray[np.float64]


class Event(NamedTuple):
    key: int
    tick: int
    impressions: int
    clicks: int


class Log(NamedTuple):
    layout: StateLayout
    batches: list[list[Event]]
    """Calls of ``add``."""

    @property
    def events(self) -> list[Event]:
        return [event for batch in self.batches for event in batch]

    def newest(self) -> int:
        return max(event.tick for event in self.events)


def layout_of(
    windows: list[int] | None = None, half_lives: list[float] | None = None, delay: int = 0
) -> StateLayout:
    return StateLayout(
        np.array(windows or [], np.int64), np.array(half_lives or [], np.float64), delay
    )


def add(layout: StateLayout, states: States, events: list[Event]) -> States:
    table = np.array(events, np.int64).reshape(-1, 4)
    counts = table[:, 2:].astype(np.float64)
    return layout.add(states, table[:, 0], table[:, 1].astype(np.float64), counts)


def after(log: Log) -> States:
    states = log.layout.empty(KEYS)
    for batch in log.batches:
        states = add(log.layout, states, batch)
    return states


def read(layout: StateLayout, states: States, tick: int) -> Floats:
    return layout.read(states, np.full(len(states), tick, np.float64))


def slowly(layout: StateLayout, events: list[Event], tick: int) -> list[list[float]]:
    """Read what each key knows from the list of all its events."""
    found = []
    for key in range(KEYS):
        known = [e for e in events if e.key == key and e.tick < tick - layout.delay]
        row: list[float] = [tick - min(e.tick for e in known) if known else math.nan]
        row += [sum(e.impressions for e in known), sum(e.clicks for e in known)]
        for window in layout.windows.tolist():
            inside = [e for e in known if e.tick >= tick - layout.delay - window]
            row += [sum(e.impressions for e in inside), sum(e.clicks for e in inside)]
        for h in layout.half_lives.tolist():
            row.append(math.fsum(e.impressions * 2 ** (-(tick - e.tick) / h) for e in known))
            row.append(math.fsum(e.clicks * 2 ** (-(tick - e.tick) / h) for e in known))
        found.append(row)
    return found


def assert_reads(layout: StateLayout, found: Floats, expected: list[list[float]]) -> None:
    """Ages and counts exactly, decays to 1e-9."""
    exact = 3 + 2 * len(layout.windows)
    wanted = np.array(expected)
    assert found.shape == wanted.shape
    np.testing.assert_array_equal(found[:, :exact], wanted[:, :exact])
    np.testing.assert_allclose(found[:, exact:], wanted[:, exact:], rtol=1e-9, atol=1e-300)


@st.composite
def logs(draw: st.DrawFn) -> Log:
    gaps = st.sampled_from([0, 0, 1, 1, 2, 3, 5, 40, 160, 100_000])
    counts = st.tuples(st.integers(0, 50), st.integers(0, 50)).filter(any)
    steps = st.lists(st.tuples(gaps, st.integers(0, KEYS - 1), counts), min_size=1, max_size=25)
    tick, events = draw(st.integers(-10, 3_000_000)), []
    for gap, key, (impressions, clicks) in draw(steps):
        tick += gap
        events.append(Event(key, tick, impressions, clicks))
    if draw(st.booleans()):
        events = draw(st.permutations(events))
    cuts = sorted(draw(st.lists(st.integers(0, len(events)), max_size=4)))
    layout = layout_of(
        sorted(draw(st.sets(st.sampled_from(WINDOWS), max_size=2))),
        sorted(draw(st.sets(st.sampled_from(HALF_LIVES), max_size=3))),
        draw(st.integers(0, 3)),
    )
    return Log(layout, [events[a:b] for a, b in pairwise([0, *cuts, len(events)])])


@settings(max_examples=250, deadline=None)
@given(log=logs(), wait=st.sampled_from([-1, 0, 1, 2, 3, 4, 5, 30, 144, 10_000]))
def test_a_state_reads_what_a_list_of_all_events_reads(log: Log, wait: int) -> None:
    """Events come in any order; the query may be one tick behind the newest of them."""
    states, told = log.layout.empty(KEYS), list[Event]()
    for batch in log.batches:
        states = add(log.layout, states, batch)
        told += batch
        tick = max((event.tick for event in told), default=0) + wait
        assert_reads(log.layout, read(log.layout, states, tick), slowly(log.layout, told, tick))


@settings(max_examples=80, deadline=None)
@given(log=logs(), wait=st.integers(0, 5), data=st.data())
def test_the_order_and_the_division_of_events_do_not_matter(
    log: Log, wait: int, data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(log.events))
    one_by_one = after(Log(log.layout, [[event] for event in shuffled]))
    at_once = after(Log(log.layout, [log.events]))
    tick = log.newest() + wait
    expected = read(log.layout, at_once, tick).tolist()
    assert_reads(log.layout, read(log.layout, one_by_one, tick), expected)


@settings(max_examples=80, deadline=None)
@given(log=logs())
def test_packing_and_unpacking_loses_nothing(log: Log) -> None:
    states = after(log)
    packed = log.layout.pack(states)
    again = log.layout.unpack(packed)
    np.testing.assert_array_equal(again.header, states.header)
    np.testing.assert_array_equal(again.rows, states.rows)
    np.testing.assert_array_equal(again.entries, states.entries)
    assert log.layout.pack(again) == packed


@settings(max_examples=80, deadline=None)
@given(log=logs(), places=st.lists(st.integers(0, KEYS - 1), max_size=6))
def test_taking_states_takes_each_with_its_entries(log: Log, places: list[int]) -> None:
    states = after(log)
    taken = states.take(np.array(places, np.int64))
    assert len(taken) == len(places)
    packed = log.layout.pack(states)
    assert log.layout.pack(taken) == [packed[place] for place in places]


@settings(max_examples=60, deadline=None)
@given(log=logs())
def test_old_entries_are_settled_and_recent_ones_are_kept(log: Log) -> None:
    states = after(log)
    newest = np.full(KEYS, -np.inf)
    for event in log.events:
        newest[event.key] = max(newest[event.key], event.tick)
    ages = newest[states.rows] - states.entries[:, 0]
    assert (ages < log.layout.span).all()
    assert len(states.rows) <= KEYS * log.layout.span


@pytest.mark.parametrize("delay", [0, 1, 2, 3])
def test_a_query_one_tick_behind_the_newest_event_is_exact(delay: int) -> None:
    layout = layout_of([1, 4], [2.0], delay)
    states, told = layout.empty(KEYS), list[Event]()
    for tick in range(20):
        told.append(Event(0, tick, 1, tick % 2))
        states = add(layout, states, told[-1:])
        expected = slowly(layout, told, tick - 1)
        assert_reads(layout, read(layout, states, tick - 1), expected)


@pytest.mark.parametrize("delay", [0, 1, 2, 3])
def test_an_event_is_seen_from_the_tick_after_its_delay_on(delay: int) -> None:
    layout = layout_of(delay=delay)
    states = add(layout, layout.empty(1), [Event(0, 100, 4, 1)])
    np.testing.assert_array_equal(read(layout, states, 100 + delay), [[math.nan, 0, 0]])
    np.testing.assert_array_equal(read(layout, states, 101 + delay), [[delay + 1, 4, 1]])


@pytest.mark.parametrize("delay", [0, 2])
def test_an_event_leaves_a_window_when_it_has_passed(delay: int) -> None:
    layout = layout_of([3], delay=delay)
    states = add(layout, layout.empty(1), [Event(0, 100, 4, 1)])
    inside = [read(layout, states, 100 + delay + wait)[0, 3:].tolist() for wait in range(6)]
    assert inside == [[0, 0], [4, 1], [4, 1], [4, 1], [0, 0], [0, 0]]


@pytest.mark.parametrize("late", [1, 50, 5_000])
def test_a_late_event_counts_as_if_it_had_come_in_time(late: int) -> None:
    layout = layout_of([2], [10.0, 1_000.0], 1)
    told = [Event(0, 10_000, 3, 1), Event(0, 10_020, 1, 1), Event(0, 10_020 - late, 2, 2)]
    states = layout.empty(KEYS)
    for event in told:
        states = add(layout, states, [event])
    assert_reads(layout, read(layout, states, 10_025), slowly(layout, told, 10_025))


@pytest.mark.parametrize("gap", [1_100, 10**6, 10**12])
def test_thousands_of_half_lives_neither_overflow_nor_warn(gap: int) -> None:
    layout = layout_of([1], [0.5, 1.0])
    told = [Event(0, 0, 5, 5), Event(0, gap, 2, 1), Event(0, 2 * gap, 1, 0)]
    states = layout.empty(KEYS)
    for event in told:
        states = add(layout, states, [event])
    for tick in (2 * gap, 2 * gap + 1, 3 * gap):
        assert_reads(layout, read(layout, states, tick), slowly(layout, told, tick))


def test_a_key_never_seen_has_no_age_and_counts_of_zero() -> None:
    layout = layout_of([7], [1.0, 5.0], 2)
    unknown = [math.nan, *[0] * 8]
    for states in (layout.empty(2), layout.unpack([None, None])):
        found = layout.read(states, np.array([0.0, 1e9]))
        np.testing.assert_array_equal(found, [unknown] * 2)


def test_one_half_life_halves_a_decayed_count() -> None:
    layout = layout_of(half_lives=[3.0])
    states = add(layout, layout.empty(1), [Event(0, 10, 8, 2)])
    np.testing.assert_allclose(read(layout, states, 13)[0, 3:], [4.0, 1.0])
    np.testing.assert_allclose(read(layout, states, 16)[0, 3:], [2.0, 0.5])


def test_counts_stay_exact_where_float32_would_round() -> None:
    layout, many = layout_of(), 2**40 + 1
    told = [Event(0, 1, many, 1), Event(0, 2, many, 1), Event(0, 9, 1, 0)]
    states = add(layout, layout.empty(1), told)
    np.testing.assert_array_equal(read(layout, states, 10)[0, 1:3], [2 * many + 1, 2])


def test_adding_returns_new_states_and_leaves_the_old_ones() -> None:
    layout = layout_of(half_lives=[1.0], delay=1)
    before = add(layout, layout.empty(2), [Event(1, 5, 2, 1)])
    packed = layout.pack(before)
    add(layout, before, [Event(1, 900, 2, 1), Event(0, 5, 1, 1)])
    assert layout.pack(before) == packed
    assert layout.pack(add(layout, before, [])) == packed


def test_no_states_are_packed_unpacked_and_read() -> None:
    layout = layout_of([2], [1.0])
    assert layout.pack(layout.empty(0)) == []
    assert len(layout.unpack([])) == 0
    assert layout.read(layout.empty(0), np.empty(0)).shape == (0, 7)


def packed_states(layout: StateLayout, logs: list[list[tuple[int, int]]]) -> list[bytes | None]:
    packed: list[bytes | None] = []
    for events in logs:
        states = layout.empty(1)
        for moment, clicked in events:
            one = np.array([[1.0, float(clicked)]])
            states = layout.add(states, np.zeros(1, np.int64), np.array([float(moment)]), one)
        packed.append(layout.pack(states)[0] if events else None)
    return packed


LAYOUTS = st.builds(
    lambda windows, half_lives, delay: StateLayout(
        np.array(windows, np.int64), np.array(half_lives, np.float64), delay
    ),
    st.lists(st.integers(1, 30), max_size=2, unique=True),
    st.lists(st.floats(0.5, 50), max_size=2),
    st.integers(0, 3),
)
STATES = st.lists(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 1)), max_size=25), min_size=1, max_size=6
)


@settings(deadline=None)
@given(
    logs=STATES,
    layout=LAYOUTS,
    tick=st.integers(0, 60),
)
def test_a_state_read_alone_is_the_same_to_the_last_bit(
    logs: list[list[tuple[int, int]]],
    layout: StateLayout,
    tick: int,
) -> None:
    packed = packed_states(layout, logs)
    together = layout.read(layout.unpack(packed), np.full(len(packed), float(tick)))
    alone = read_few([(layout, state or b"", float(tick)) for state in packed])
    np.testing.assert_array_equal(np.array(alone), together)


@settings(deadline=None)
@given(
    logs=STATES,
    layout=LAYOUTS,
    events=st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 45), st.integers(0, 1), st.integers(0, 2)),
        max_size=12,
    ),
)
def test_a_state_changed_alone_is_the_same_to_the_last_bit(
    logs: list[list[tuple[int, int]]],
    layout: StateLayout,
    events: list[tuple[int, int, int, int]],
) -> None:
    packed = packed_states(layout, logs)
    of_each = [(row % len(packed), float(t), float(i), float(c)) for row, t, i, c in events]
    table = np.array(of_each).reshape(-1, 4)
    before = layout.unpack(packed)
    together = layout.add(before, table[:, 0].astype(np.int64), table[:, 1], table[:, 2:])
    assert add_few(layout, packed, of_each) == layout.pack(together)


def test_bytes_that_are_no_state_are_not_changed() -> None:
    layout = StateLayout(np.array([], np.int64), np.array([2.0]), 0)
    for wrong in (b"", b"x", layout.blank[:-8], layout.blank + b"\0" * 8):
        with pytest.raises(UnsoundStateError):
            add_few(layout, [wrong], [(0, 1.0, 1.0, 0.0)])
