"""Displays are drawn block by block, and do not depend on how many blocks came before."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickthrough.data.simulator.clock import END_MS, day_of
from clickthrough.data.simulator.displays import SIZES, _sizes, make_displays, spans
from clickthrough.data.simulator.exposure import Exposure
from clickthrough.data.simulator.users import users_of
from clickthrough.data.simulator.world import Block, World
from tests.data.simulator.conftest import SETTINGS


def test_a_block_computed_alone_is_the_same(blocks: list[Block], world: World) -> None:
    planned = spans(SETTINGS.impressions, SETTINGS.test_share)
    assert len(planned) == len(blocks) > 2
    total = sum(span.train[1] for span in planned)
    for place in (2, 0):
        exposure = Exposure(SETTINGS.seed, world.ads)
        alone = make_displays(SETTINGS.seed, planned[place], world.documents, exposure, total)
        shown = blocks[place].shown
        for name in ("id", "train", "time", "page", "size", "ads"):
            assert np.array_equal(getattr(alone, name), getattr(shown, name)), name
        assert np.array_equal(alone.users.uuid, shown.users.uuid)


@given(st.integers(1_000, 3_000_000), st.floats(0, 2))
def test_blocks_follow_each_other_without_gaps(impressions: int, test_share: float) -> None:
    planned = spans(impressions, test_share)
    train = test = start = 0
    for number, span in enumerate(planned):
        assert (span.number, span.start) == (number, start)
        assert (span.train[0], span.test[0]) == (train, test)
        train, test = train + span.train[1], test + span.test[1]
        start += span.train[1] + span.test[1]
    assert sum(span.rows for span in planned) == impressions
    assert test == round(train * test_share)


@given(st.integers(5, 400), st.floats(3, 8), st.integers(0, 9))
def test_sizes_sum_to_the_rows(displays: int, mean: float, seed: int) -> None:
    rows = round(displays * mean)
    made = _sizes(np.random.default_rng(seed), displays, rows)
    assert made.sum() == rows
    assert len(made) == displays
    assert made.min() >= SIZES[0]
    assert made.max() <= SIZES[-1]


def test_time_ascends_over_blocks_within_the_log(blocks: list[Block]) -> None:
    time = np.concatenate([block.shown.time for block in blocks])
    assert (np.diff(time) >= 0).all()
    assert time[0] >= 0
    assert time[-1] < END_MS


def test_ads_are_alive_and_no_display_repeats_a_landing_page(
    blocks: list[Block], world: World
) -> None:
    shown = blocks[-1].shown
    display = np.repeat(np.arange(len(shown.size)), shown.size)
    day = day_of(shown.time)[display]
    assert (world.ads.born[shown.ads] <= day).all()
    assert (world.ads.ends[shown.ads] > day).all()
    pairs = np.stack([display, world.ads.document[shown.ads]])
    assert np.unique(pairs, axis=1).shape == pairs.shape


def test_a_user_is_the_same_wherever_met(blocks: list[Block]) -> None:
    users = [block.shown.users for block in blocks]
    names = ("first", "uuid", "platform", "place", "interest", "warm")
    met = {name: np.concatenate([getattr(user, name) for user in users]) for name in names}
    _, first, again = np.unique(met["uuid"], return_index=True, return_inverse=True)
    assert len(first) < len(again) * 0.95
    for name, values in met.items():
        assert np.array_equal(values[first][again], values), name


def test_a_user_was_first_met_no_later_than_now() -> None:
    numbers = np.arange(5_000)
    users = users_of(numbers, seed=1)
    assert (users.first <= numbers).all()
    assert np.array_equal(users.first[users.first], users.first)
    assert len(numbers) / len(np.unique(users.first)) == pytest.approx(1.168, rel=0.05)


def test_page_views_lie_within_the_log_and_on_both_sides_of_displays(blocks: list[Block]) -> None:
    views = [block.views for block in blocks]
    time = np.concatenate([view.time for view in views])
    shown = np.concatenate([b.shown.time[b.views.display] for b in blocks])
    assert time.min() >= 0
    assert time.max() < END_MS
    # none are pushed together at the ends
    assert np.unique(time, return_counts=True)[1].max() < 5
    for side in (time < shown, time > shown):
        assert side.mean() > 0.25
