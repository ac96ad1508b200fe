"""The vectorized state of keys against a slow, obvious one."""

import math
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from clickthrough.features.history.state import StateLayout, add_events

KEYS = 3
HALF_LIVES = [0.1, 1.0, 6.0, 144.0, 4_032.5]


@dataclass
class ListOfEvents:
    """What a state is a summary of: every event of one key, kept."""

    events: list[tuple[int, int, int]] = field(default_factory=list)

    def read(self, tick: int, delay: int, half_lives: list[float]) -> list[float]:
        known = [event for event in self.events if event[0] < tick - delay]
        age = tick - min(event[0] for event in known) if known else math.nan
        found: list[float] = [age, sum(n for _, n, _ in known), sum(c for _, _, c in known)]
        for part in (1, 2):
            for half_life in half_lives:
                parts = (event[part] * 2 ** (-(tick - event[0]) / half_life) for event in known)
                found.append(math.fsum(parts))
        return found


@dataclass(frozen=True)
class Log:
    delay: int
    half_lives: list[float]
    batches: list[list[tuple[int, int, int, int]]]
    """Calls of add_events; an event is (key, tick, impressions, clicks)."""
    wait: int
    """Ticks from a key's newest event to the query."""


@st.composite
def logs(draw: st.DrawFn) -> Log:
    gaps = st.sampled_from([0, 0, 1, 1, 2, 3, 5, 40, 100_000])
    counts = st.tuples(st.integers(0, 50), st.integers(0, 50)).filter(any)
    steps = draw(
        st.lists(st.tuples(gaps, st.integers(0, KEYS - 1), counts), min_size=1, max_size=25)
    )
    tick, events = draw(st.integers(-10, 3_000_000)), []
    for gap, key, (impressions, clicks) in steps:
        tick += gap
        events.append((key, tick, impressions, clicks))
    if draw(st.booleans()):
        events = draw(st.permutations(events))
    cuts = sorted(draw(st.lists(st.integers(0, len(events)), max_size=4)))
    bounds = [0, *cuts, len(events)]
    return Log(
        delay=draw(st.integers(0, 3)),
        half_lives=draw(st.lists(st.sampled_from(HALF_LIVES), max_size=3)),
        batches=[events[a:b] for a, b in pairwise(bounds)],
        wait=draw(st.sampled_from([0, 1, 2, 3, 4, 5, 30, 10_000])),
    )


@settings(max_examples=250, deadline=None)
@given(log=logs())
def test_a_state_reads_what_a_list_of_all_events_reads(log: Log) -> None:
    layout = StateLayout(np.array(log.half_lives), log.delay)
    states = layout.empty(KEYS)
    slow = [ListOfEvents() for _ in range(KEYS)]
    for batch in log.batches:
        add(layout, states, batch)
        for key, *event in batch:
            slow[key].events.append((event[0], event[1], event[2]))
        newest = [max((e[0] for e in key.events), default=0) for key in slow]
        asked = np.array([tick + log.wait for tick in newest], np.float64)

        read = layout.read(states, asked)

        for key in range(KEYS):
            expected = slow[key].read(int(asked[key]), log.delay, log.half_lives)
            np.testing.assert_array_equal(read[key, :3], expected[:3])
            np.testing.assert_allclose(read[key, 3:], expected[3:], rtol=1e-9, atol=1e-300)


@settings(max_examples=60, deadline=None)
@given(log=logs())
def test_how_events_are_divided_into_calls_does_not_matter(log: Log) -> None:
    layout = StateLayout(np.array(log.half_lives), log.delay)
    once, one_by_one = layout.empty(KEYS), layout.empty(KEYS)
    events = [event for batch in log.batches for event in batch]
    add(layout, once, events)
    for event in events:
        add(layout, one_by_one, [event])
    asked = np.full(KEYS, max(event[1] for event in events) + log.wait, np.float64)
    np.testing.assert_allclose(
        layout.read(once, asked), layout.read(one_by_one, asked), rtol=1e-9, atol=1e-300
    )


@pytest.mark.parametrize("delay", [0, 1, 2, 3])
def test_a_query_one_tick_behind_the_newest_event_is_exact(delay: int) -> None:
    layout = StateLayout(np.array([2.0]), delay)
    states, slow = layout.empty(1), ListOfEvents()
    for tick in range(20):
        add(layout, states, [(0, tick, 1, tick % 2)])
        slow.events.append((tick, 1, tick % 2))
        expected = slow.read(tick - 1, delay, [2.0])
        np.testing.assert_allclose(read(layout, states, tick - 1)[0], expected)


@pytest.mark.parametrize("delay", [0, 1, 2, 3])
def test_an_event_is_seen_from_the_tick_after_its_delay_on(delay: int) -> None:
    layout = StateLayout(np.array([], np.float64), delay)
    states = layout.empty(1)
    add(layout, states, [(0, 100, 4, 1)])
    hidden = read(layout, states, 100 + delay)[0]
    seen = read(layout, states, 101 + delay)[0]
    np.testing.assert_array_equal(hidden, [math.nan, 0, 0])
    np.testing.assert_array_equal(seen, [delay + 1, 4, 1])


def test_a_key_never_seen_has_no_age_and_counts_of_zero() -> None:
    layout = StateLayout(np.array([1.0, 5.0]), 2)
    read = layout.read(layout.empty(2), np.array([0.0, 1e9]))
    np.testing.assert_array_equal(read, [[math.nan, 0, 0, 0, 0, 0, 0]] * 2)


def test_one_half_life_halves_a_decayed_count() -> None:
    layout = StateLayout(np.array([3.0]), 0)
    states = layout.empty(1)
    add(layout, states, [(0, 10, 8, 2)])
    np.testing.assert_allclose(read(layout, states, 13)[0, 3:], [4.0, 1.0])
    np.testing.assert_allclose(read(layout, states, 16)[0, 3:], [2.0, 0.5])


def test_counts_stay_exact_where_float32_would_round() -> None:
    layout = StateLayout(np.array([1.0]), 0)
    states = layout.empty(1)
    many = 2**40 + 1
    add(layout, states, [(0, 1, many, 1), (0, 2, many, 1), (0, 9, 1, 0)])
    np.testing.assert_array_equal(read(layout, states, 10)[0, 1:3], [2 * many + 1, 2])


def test_adding_no_events_changes_nothing() -> None:
    layout = StateLayout(np.array([1.0]), 1)
    states = layout.empty(2)
    add(layout, states, [(1, 5, 2, 1)])
    before = states.copy()
    add(layout, states, [])
    np.testing.assert_array_equal(states, before)


def test_events_of_one_key_leave_the_others_alone() -> None:
    layout = StateLayout(np.array([1.0]), 1)
    states = layout.empty(3)
    add(layout, states, [(1, tick, 1, 1) for tick in range(50)])
    np.testing.assert_array_equal(states[[0, 2]], layout.empty(2))
    assert read(layout, states, 60)[1, 1] == 50


def read(layout: StateLayout, states: NDArray[np.float64], tick: int) -> NDArray[np.float64]:
    return layout.read(states, np.full(len(states), tick, np.float64))


def add(
    layout: StateLayout,
    states: NDArray[np.float64],
    events: list[tuple[int, int, int, int]],
) -> None:
    table = np.array(events, np.int64).reshape(-1, 4)
    add_events(
        layout,
        states,
        table[:, 0],
        table[:, 1].astype(np.float64),
        table[:, 2:].astype(np.float64),
    )
