"""The oracle sees what the log shows as of a display, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from clickthrough.data.simulator.clock import TICK_MS
from clickthrough.data.simulator.displays import READ_BY_INTEREST
from clickthrough.data.simulator.documents import THEME_SHARES, THEMES
from clickthrough.data.simulator.filtering import Filter, Rows
from clickthrough.data.simulator.law import INTEREST
from clickthrough.data.simulator.observable import (
    expected_interest,
    make_filter,
    observe,
    pages_read,
)
from clickthrough.data.simulator.world import Block, World, make_blocks
from tests.data.simulator.conftest import SETTINGS, train_rows


def forecasts(world: World, block: Block, clicked: NDArray[np.int8]) -> NDArray[np.float64]:
    known = np.zeros(len(clicked))
    return observe(make_filter(world.ads), block.shown, world.ads, known, clicked)


def test_a_click_changes_only_later_ticks(world: World, blocks: list[Block]) -> None:
    block = blocks[0]
    tick = np.repeat(block.shown.time // TICK_MS, block.shown.size)
    now = tick[len(tick) // 2]
    turned = block.clicked.copy()
    at = (tick == now) & train_rows(block)
    turned[at] = 1 - turned[at]
    before, after = forecasts(world, block, block.clicked), forecasts(world, block, turned)
    assert np.array_equal(before[tick <= now], after[tick <= now])
    assert not np.array_equal(before[tick > now], after[tick > now])


def test_clicks_of_test_displays_are_not_seen(world: World, blocks: list[Block]) -> None:
    block = blocks[0]
    hidden = ~train_rows(block)
    assert hidden.sum() > 1_000
    turned = np.where(hidden, 1 - block.clicked, block.clicked).astype(np.int8)
    assert np.array_equal(forecasts(world, block, block.clicked), forecasts(world, block, turned))


def test_views_of_the_same_or_a_later_tick_are_not_seen(world: World, blocks: list[Block]) -> None:
    block = blocks[0]
    start = block.shown.time[block.views.display] // TICK_MS * TICK_MS
    n = len(block.shown.size)
    own = np.zeros((n, THEMES), np.int64)
    own[np.arange(n), world.documents.theme[block.shown.page]] = 1
    now = pages_read(block.shown, replace(block.views, time=start), world.documents)
    assert np.array_equal(now, own)
    before = pages_read(block.shown, replace(block.views, time=start - 1), world.documents)
    assert before.sum() == n + len(start)


def test_page_views_do_not_follow_from_clicks(world: World, blocks: list[Block]) -> None:
    other = replace(world, effects=replace(world.effects, quality=-world.effects.quality))
    block = next(make_blocks(other, SETTINGS))
    assert not np.array_equal(block.clicked, blocks[0].clicked)
    for name in ("display", "page", "time", "source"):
        assert np.array_equal(getattr(block.views, name), getattr(blocks[0].views, name)), name


@given(st.lists(st.integers(0, THEMES - 1), max_size=6), st.integers(0, THEMES - 1))
def test_expected_interest_is_the_rule_of_bayes(read: list[int], theme: int) -> None:
    belief = THEME_SHARES.copy()
    for page in read:
        likely = (1 - READ_BY_INTEREST) * THEME_SHARES[page] + READ_BY_INTEREST * (
            np.arange(THEMES) == page
        )
        belief = belief * likely
    counts = np.bincount(read, minlength=THEMES)[None]
    made = expected_interest(counts, np.array([theme], np.int8), np.array([0]))
    assert made[0] == pytest.approx(INTEREST * belief[theme] / belief.sum())


def test_the_filter_finds_effects_that_many_clicks_show() -> None:
    rng = np.random.default_rng(1)
    wide, narrow = rng.normal(0, 0.8, 5), rng.normal(0, 0.4, 20)
    ads = rng.permuted(np.tile(np.arange(20), (40_000, 1)), axis=1)[:, :4]
    utility = wide[ads % 5] + narrow[ads]
    clicked = (utility + rng.gumbel(size=ads.shape)).argmax(1)[:, None] == np.arange(4)
    oracle = Filter([np.full(5, 0.8), np.full(20, 0.4)])
    rows = Rows(
        keys=((ads % 5).ravel(), ads.ravel()),
        offsets=np.arange(0, 160_001, 4),
        known=np.zeros(160_000),
        clicked=clicked.ravel().astype(np.int8),
        shown=np.ones(160_000, bool),
    )
    for tick in range(401):
        start = min(tick * 100, 39_900)
        oracle.forecast(tick, rows.part(start, start + 100))
    found = oracle.mean[0][np.arange(20) % 5] + oracle.mean[1]
    true = wide[np.arange(20) % 5] + narrow
    error = (found - found.mean()) - (true - true.mean())
    assert np.abs(error).max() < 0.15
    assert all((variance < 0.8**2).all() for variance in oracle.variance)


def test_a_tick_that_two_blocks_share_stays_hidden_to_itself() -> None:
    oracle = Filter([np.array([1.0, 1.0])])
    rows = Rows(
        keys=(np.array([0, 1]),),
        offsets=np.array([0, 2]),
        known=np.zeros(2),
        clicked=np.array([1, 0], np.int8),
        shown=np.ones(2, bool),
    )
    assert oracle.forecast(5, rows).tolist() == [0.5, 0.5]
    assert oracle.forecast(5, rows).tolist() == [0.5, 0.5]
    first, second = oracle.forecast(6, rows)
    assert first > 0.5 > second
