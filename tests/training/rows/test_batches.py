from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickthrough.config.training import Training
from clickthrough.training.rows import batches
from clickthrough.training.rows.batches import batches_of, request_batches, shuffled, step_count
from tests.training.optim.test_loop import made_table

sizes = st.lists(st.integers(1, 9), min_size=1, max_size=40)


SEEDS = st.integers(0, 2**32)


@given(count=st.integers(1, 200), together=st.integers(1, 250), seed=SEEDS)
def test_groups_hold_every_number_once(count: int, together: int, seed: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "_BLOCK", 7)
        groups = list(shuffled(count, together, np.random.default_rng(seed)))
    assert sorted(np.concatenate(groups).tolist()) == list(range(count))
    assert max(map(len, groups)) <= together
    if count <= together:
        assert len(groups) == 1
    else:  # a group is whole blocks of neighbours, so that disk is read in runs
        block = min(7, together)
        assert all(len({n // block for n in g.tolist()}) <= together // block for g in groups)


def test_neighbours_are_parted_by_shuffling() -> None:
    rows = np.concatenate(list(shuffled(100_000, 20_000, np.random.default_rng(1))))
    assert np.abs(np.diff(rows)).min() >= 1
    assert (np.abs(np.diff(rows)) < 10).mean() < 0.01


@given(rows=st.integers(3, 300), size=st.integers(2, 50), seed=SEEDS)
def test_batches_of_rows_hold_every_row_once(rows: int, size: int, seed: int) -> None:
    table, settings = made_table(1, rows), Training(batch_size=size, least_steps=1)
    made = list(batches_of(table, settings, np.random.default_rng(seed)))
    assert sorted(np.concatenate([b.rows.numpy() for b in made]).tolist()) == list(range(rows))
    assert len(made) == step_count(table, settings)
    assert all(len(batch) == min(size, rows) for batch in made[:-1])


@given(share=st.floats(0.05, 0.95), seed=SEEDS)
def test_a_share_of_the_negatives_is_drawn_anew_each_epoch(share: float, seed: int) -> None:
    table, settings = made_table(1), Training(negatives=share, batch_size=64)
    rng = np.random.default_rng(seed)
    one, two = (
        np.concatenate([batch.rows.numpy() for batch in batches_of(table, settings, rng)])
        for _ in range(2)
    )
    positives = np.flatnonzero(table.labels)
    negatives = len(table) - len(positives)
    for rows in (one, two):
        assert len(set(rows.tolist())) == len(rows)
        assert set(positives.tolist()) <= set(rows.tolist())
        spread = 6 * np.sqrt(negatives * share * (1 - share))
        assert abs(len(rows) - len(positives) - share * negatives) < spread
    assert set(one.tolist()) != set(two.tolist())


@given(sizes=sizes, size=st.integers(1, 20), seed=st.integers(0, 2**32))
def test_request_batches_hold_every_request_once_and_whole(
    sizes: list[int], size: int, seed: int
) -> None:
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    seen = []
    order = np.random.default_rng(seed).permutation(len(sizes))
    for batch in request_batches(offsets, order, size):
        assert batch.request is not None
        rows, request = batch.rows.numpy(), batch.request.numpy()
        assert len(rows) <= size or request[-1] == 0
        for number in range(request[-1] + 1):
            own = rows[request == number]
            place = int(np.searchsorted(offsets, own[0], side="right")) - 1
            assert own.tolist() == list(range(offsets[place], offsets[place + 1]))
            seen.append(place)
    assert seen == order.tolist()


def test_another_seed_is_another_order() -> None:
    table, settings = made_table(1), Training(listwise=0.5)
    one, other = (
        [b.rows.tolist() for b in batches_of(table, settings, np.random.default_rng(seed))]
        for seed in (1, 2)
    )
    for made in (one, other):
        assert sorted(chain.from_iterable(made)) == list(range(len(table)))
    assert one != other
