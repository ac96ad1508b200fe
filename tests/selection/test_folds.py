"""Folds in order of time, clicks dealt out anew, and requests of every size alike."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from clickthrough.features.encoding.encoder import Encoded
from clickthrough.selection.folds import FOLDS, dealt, folds, levelled, newest
from clickthrough.training.rows.table import Table


def table_of(sizes: list[int], labels: list[int], weights: list[float] | None = None) -> Table:
    rows = sum(sizes)
    numeric = np.arange(rows, dtype=np.float32)[:, None]
    inputs = Encoded(
        np.zeros((rows, 0), np.int32), numeric, np.zeros((rows, 0), np.int32), numeric[:, :0]
    )
    given = None if weights is None else np.array(weights, np.float32)
    offsets = np.cumsum([0, *sizes])
    return Table(inputs, np.array(labels, np.int8), offsets, {"item": numeric[:, 0]}, given)


SIZES = st.lists(st.integers(1, 4), min_size=6, max_size=30)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    sizes = draw(SIZES)
    rows = sum(sizes)
    labels = draw(st.lists(st.integers(0, 1), min_size=rows, max_size=rows))
    weight = st.lists(st.floats(0.1, 4), min_size=rows, max_size=rows)
    return table_of(sizes, labels, draw(st.none() | weight))


@given(tables())
def test_a_fold_is_followed_by_the_requests_after_it(table: Table) -> None:
    made = list(folds(table))
    assert len(made) <= FOLDS
    rows = table.inputs.numeric[:, 0].tolist()
    for before, after in made:
        held = [*before.inputs.numeric[:, 0].tolist(), *after.inputs.numeric[:, 0].tolist()]
        assert held == rows[: len(held)]
        assert len(after.offsets) > 1
        assert len(before.offsets) > 1
        assert before.offsets[-1] == len(before) == len(before.rates["item"])
        assert 0 < before.labels.sum() < len(before)
    if made:
        assert len(made[-1][0]) + len(made[-1][1]) == len(table)


def test_a_fold_needs_clicks_before_it() -> None:
    late = table_of([2] * 12, [0, 0] * 6 + [1, 0] * 6)
    assert len(list(folds(late))) == 2
    assert len(list(folds(table_of([2] * 12, [1, 0] * 12)))) == FOLDS


@given(tables())
def test_some_requests_are_what_they_were(table: Table) -> None:
    made = table.requests(2, 5)
    start, end = table.offsets[2], table.offsets[5]
    assert (made.labels == table.labels[start:end]).all()
    assert (np.diff(made.offsets) == np.diff(table.offsets)[2:5]).all()
    if table.weights is not None:
        assert made.weights is not None
        assert (made.weights == table.weights[start:end]).all()


@given(tables(), st.integers(1, 200))
def test_the_newest_rows_are_whole_requests(table: Table, most: int) -> None:
    made = newest(table, most)
    assert made.labels.tolist() == table.labels[len(table) - len(made) :].tolist()
    assert len(made) <= max(most, int(np.diff(table.offsets)[-1]))
    if most >= len(table):
        assert len(made) == len(table)


def clicks_by_size(table: Table) -> dict[int, list[int]]:
    """Size -> the clicks of its requests, in order of their number."""
    sizes = np.diff(table.offsets)
    clicks = np.add.reduceat(table.labels.astype(int), table.offsets[:-1])
    return {size: sorted(clicks[sizes == size].tolist()) for size in set(sizes.tolist())}


@given(tables(), st.integers(0, 9))
def test_dealt_clicks_are_those_of_requests_of_the_same_size(table: Table, seed: int) -> None:
    made = dealt(table, seed, 2)
    assert clicks_by_size(made) == clicks_by_size(table)
    assert (dealt(table, seed, 2).labels == made.labels).all()
    assert made.inputs is table.inputs


def test_dealt_clicks_stay_at_about_their_time() -> None:
    table = table_of([2] * 1_000, [0, 0] * 500 + [1, 0] * 500)
    labels = dealt(table, 1, 10).labels
    assert not labels[:1_000].any()
    assert labels[1_000:].sum() == 500


def test_dealt_clicks_say_nothing_of_requests_or_of_candidates() -> None:
    # the first candidate of every other request is clicked, and nothing else
    table = table_of([3] * 4_000, [1, 0, 0, 0, 0, 0] * 2_000)
    labels = dealt(table, 1).labels.reshape(-1, 3)
    assert abs(labels[::2].mean() - labels[1::2].mean()) < 0.02
    assert np.ptp(labels.mean(axis=0)) < 0.02


@given(tables())
def test_requests_of_every_size_are_clicked_alike(table: Table) -> None:
    made = levelled(table)
    assert made.weights is not None
    assert abs(made.weights.mean() - 1) < 1e-5
    sizes = np.diff(table.offsets).repeat(np.diff(table.offsets))
    rates = []
    for size in set(sizes.tolist()):
        own = sizes == size
        if 0 < table.labels[own].sum() < own.sum():
            clicked = made.weights[own] * table.labels[own]
            rates.append(clicked.sum() / made.weights[own].sum())
    if 0 < table.labels.sum() < len(table) and rates:
        np.testing.assert_allclose(rates, rates[0], rtol=1e-4)
