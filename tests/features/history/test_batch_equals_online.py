"""One law, three ways: the batch frame, the online store and the snapshot of a bundle."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby

import narwhals as nw
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from clickthrough.config.features import Counters
from clickthrough.features.history.batch import with_history
from clickthrough.features.history.build import build_snapshot
from clickthrough.features.history.online import KeyHistory, key_bytes
from clickthrough.features.history.snapshot import Snapshot
from clickthrough.features.plan import KeySet
from clickthrough.features.rows import Value
from clickthrough.store import MemoryStore

TICK = 600
SECOND = 1_000_000
START = 1_684_800_000 * SECOND
HALF_LIVES = (60, 600, 1_000, 7_200)
KEY_SETS = [
    KeySet(("item",), HALF_LIVES),
    KeySet(("user",)),
    KeySet(("user", "item"), (600, 86_400)),
]
GAPS = [0, 0, 1, 599, 600, 601, 1_800, 86_400, 2_100 * 600, 2_100 * 7_200]
"""Seconds; the longest ones are more than 2,000 half-lives."""


@dataclass(frozen=True)
class Row:
    time: int
    item: int | None
    user: str | None
    label: int | None

    @property
    def tick(self) -> int:
        return self.time // (TICK * SECOND)


@dataclass(frozen=True)
class Log:
    rows: list[Row]
    delay: int

    @property
    def counters(self) -> Counters:
        return Counters(tick=TICK, label_delay=self.delay * TICK)

    @property
    def frame(self) -> pl.LazyFrame:
        columns = {
            "row": pl.Int64,
            "time": pl.Int64,
            "item": pl.Int64,
            "user": pl.String,
            "label": pl.Int8,
        }
        rows = [(i, r.time, r.item, r.user, r.label) for i, r in enumerate(self.rows)]
        return pl.LazyFrame(rows, schema=columns, orient="row")


@st.composite
def logs(draw: st.DrawFn) -> Log:
    items = st.sampled_from([-5, 0, 7, 2**40, None])
    users = st.sampled_from(["a", "å", "7", None])
    labels = st.sampled_from([0, 0, 1, None])
    steps = st.lists(
        st.tuples(st.sampled_from(GAPS), items, users, labels), min_size=1, max_size=30
    )
    time, rows = START + draw(st.integers(0, 2 * TICK)) * SECOND, []
    for gap, item, user, label in draw(steps):
        time += gap * SECOND
        rows.append(Row(time, item, user, label))
    return Log(rows, draw(st.integers(0, 3)))


class Online:
    """The live side of one key set."""

    def __init__(self, key_set: KeySet, counters: Counters, start: Snapshot | None = None) -> None:
        empty = Snapshot(np.empty(0, "S16"), np.empty((0, 0)))
        self.store = MemoryStore()
        self.history = KeyHistory(key_set, counters, start or empty)

    def read(self, row: Row) -> NDArray[np.float64]:
        values: dict[str, list[Value]] = {"item": [row.item], "user": [row.user]}
        found = self.history.read(self.store, values, np.array([row.tick]))
        return np.array([column[0] for column in found.values()])

    def add(self, events: list[tuple[Row, int, int]]) -> None:
        """Count (row, impressions, clicks)."""
        counts: dict[tuple[bytes, int], tuple[int, int]] = {}
        for row, impressions, clicks in events:
            fields: dict[str, Value] = {"item": row.item, "user": row.user}
            parts = [fields[name] for name in self.history.key_set.fields]
            key = key_bytes(self.history.key_set.name, parts)
            if key is not None:
                n, c = counts.get((key, row.tick), (0, 0))
                counts[key, row.tick] = n + impressions, c + clicks
        if counts:
            with self.store.transaction() as tx:
                self.history.add(tx, counts)


Feed = Callable[[Online, list[Row], int], NDArray[np.float64]]


def tick_by_tick(online: Online, rows: list[Row], _: int) -> NDArray[np.float64]:
    """Read all queries of a tick, then count its events."""
    read = []
    for _, group in groupby(rows, key=lambda row: row.tick):
        together = list(group)
        read += [online.read(row) for row in together]
        online.add([(row, 1, row.label) for row in together if row.label is not None])
    return np.array(read)


def row_by_row(online: Online, rows: list[Row], _: int) -> NDArray[np.float64]:
    """Count each row at once, so that later queries of its tick find it in the store."""
    read = []
    for row in rows:
        read.append(online.read(row))
        if row.label is not None:
            online.add([(row, 1, row.label)])
    return np.array(read)


def clicks_at_the_end_of_the_delay(
    online: Online, rows: list[Row], delay: int
) -> NDArray[np.float64]:
    """Count impressions at once and each click as late as it may come."""
    read, waiting = [], list[Row]()
    for row in rows:
        due = [click for click in waiting if click.tick + delay < row.tick]
        waiting = [click for click in waiting if click.tick + delay >= row.tick]
        online.add([(click, 0, 1) for click in due])
        read.append(online.read(row))
        if row.label is not None:
            online.add([(row, 1, 0)])
        if row.label == 1:
            waiting.append(row)
    return np.array(read)


def batch(log: Log, key_set: KeySet) -> NDArray[np.float64]:
    columns = KeyHistory(key_set, log.counters, Snapshot.empty(0)).columns()
    frame = nw.from_native(log.frame)
    made = with_history(frame, frame, [key_set], log.counters).to_native().sort("row").collect()
    assert made.height == len(log.rows)
    return as_array(made, columns)


def as_array(made: pl.DataFrame, columns: list[str]) -> NDArray[np.float64]:
    found: NDArray[np.float64]
    found = made.select(pl.col(columns).cast(pl.Float64).fill_null(np.nan)).to_numpy()
    return found


def assert_same(found: NDArray[np.float64], expected: NDArray[np.float64]) -> None:
    """Counts and ages exactly, decays to 1e-9; the batch side drops remains below 2^-512."""
    np.testing.assert_array_equal(found[:, :3], expected[:, :3])
    np.testing.assert_allclose(found[:, 3:], expected[:, 3:], rtol=1e-9, atol=1e-140)


@pytest.mark.parametrize("key_set", KEY_SETS, ids=lambda key_set: str(key_set.name))
@pytest.mark.parametrize("feed", [tick_by_tick, row_by_row, clicks_at_the_end_of_the_delay])
@settings(max_examples=35, deadline=None)
@given(log=logs())
def test_batch_history_equals_what_the_live_path_reads(
    key_set: KeySet, feed: Feed, log: Log
) -> None:
    online = Online(key_set, log.counters)
    assert_same(feed(online, log.rows, log.delay), batch(log, key_set))


@pytest.mark.parametrize("key_set", KEY_SETS, ids=lambda key_set: str(key_set.name))
@settings(max_examples=35, deadline=None)
@given(log=logs(), data=st.data())
def test_a_live_path_that_starts_from_a_snapshot_equals_batch_over_everything(
    key_set: KeySet, log: Log, data: st.DataObject
) -> None:
    cut = data.draw(st.sampled_from(log.rows)).tick
    before = log.frame.filter(pl.col("time") < cut * TICK * SECOND)
    later = [row for row in log.rows if row.tick >= cut]
    online = Online(key_set, log.counters, build_snapshot(before, key_set, log.counters))

    read = row_by_row(online, later, log.delay)

    assert_same(read, batch(log, key_set)[-len(later) :])


@pytest.mark.parametrize("key_set", KEY_SETS, ids=lambda key_set: str(key_set.name))
@settings(max_examples=35, deadline=None)
@given(log=logs(), wait=st.sampled_from([0, 1, 2, 4, 5_000]))
def test_a_snapshot_of_a_log_reads_as_the_store_that_saw_the_log(
    key_set: KeySet, log: Log, wait: int
) -> None:
    fed = Online(key_set, log.counters)
    row_by_row(fed, log.rows, log.delay)
    built = Online(key_set, log.counters, build_snapshot(log.frame, key_set, log.counters))
    last = log.rows[-1].time + wait * TICK * SECOND
    asked = [Row(last, row.item, row.user, None) for row in log.rows]
    asked.append(Row(last, 123_456, "never seen", None))

    expected = np.array([fed.read(row) for row in asked])

    assert_same(np.array([built.read(row) for row in asked]), expected)


def test_a_small_log_has_the_history_that_one_can_count_by_hand() -> None:
    minute = 60 * SECOND
    rows = [
        Row(START, 7, "a", 1),
        Row(START + 5 * minute, 7, "b", 0),  # the same tick: sees nothing
        Row(START + 10 * minute, 7, "a", None),  # sees both; its label is unknown
        Row(START + 25 * minute, 7, None, 0),
        Row(START + 45 * minute, None, "a", 0),
    ]
    item = batch(Log(rows, delay=0), KeySet(("item",), (600,)))
    nan = np.nan
    expected = [
        [nan, 0, 0, 0, 0],
        [nan, 0, 0, 0, 0],
        [1, 2, 1, 1, 0.5],
        [2, 2, 1, 0.5, 0.25],
        [nan, nan, nan, nan, nan],
    ]
    np.testing.assert_allclose(item, expected)
    user_item = batch(Log(rows, delay=0), KeySet(("user", "item")))
    np.testing.assert_array_equal(
        user_item, [[nan, 0, 0], [nan, 0, 0], [1, 1, 1], [nan] * 3, [nan] * 3]
    )


def test_several_key_sets_together_equal_each_alone() -> None:
    rows = [
        Row(START + i * 400 * SECOND, [7, None, 9][i % 3], "ab"[i % 2], i % 2) for i in range(20)
    ]
    log = Log(rows, delay=1)
    frame = nw.from_native(log.frame)
    made = with_history(frame, frame, KEY_SETS, log.counters).to_native().sort("row").collect()
    for key_set in KEY_SETS:
        columns = KeyHistory(key_set, log.counters, Snapshot.empty(0)).columns()
        assert_same(as_array(made, columns), batch(log, key_set))


def test_counters_are_whole_numbers_in_the_batch_frame() -> None:
    frame = nw.from_native(Log([Row(START, 7, "a", 1)], delay=0).frame)
    made = with_history(frame, frame, [KEY_SETS[0]], Counters(tick=TICK)).to_native()
    schema = made.collect_schema()
    assert schema["item.impressions"] == pl.Int64
    assert schema["item.clicks"] == pl.Int64
    assert schema["item.impressions@10m"] == pl.Float64


def test_events_of_other_rows_count_as_given_and_queries_alone_count_nothing() -> None:
    asked = Log([Row(START + 3 * TICK * SECOND, 7, "a", 1)] * 2, delay=0).frame
    events = Log([Row(START, 7, "b", 1), Row(START, 8, "b", 1)], delay=0).frame
    key_set = KeySet(("item",))
    made = with_history(
        nw.from_native(asked), nw.from_native(events), [key_set], Counters(tick=TICK)
    )
    found = made.to_native().collect()
    assert found.select("item.impressions", "item.clicks", "item.age").rows() == [(1, 1, 3)] * 2


def test_a_number_and_the_text_of_its_digits_are_different_keys() -> None:
    assert key_bytes("item", [7]) != key_bytes("item", ["7"])
    assert key_bytes("user+item", ["a", "bc"]) != key_bytes("user+item", ["ab", "c"])
    assert key_bytes("item", [7]) != key_bytes("user", [7])


@pytest.mark.parametrize("parts", [[None], ["a", None], [None, 3]])
def test_a_key_with_a_missing_part_is_no_key(parts: list[str | int | None]) -> None:
    assert key_bytes("key", parts) is None


def test_zero_and_false_like_values_are_keys() -> None:
    assert key_bytes("item", [0]) is not None
