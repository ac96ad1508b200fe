"""Every implementation of history equals the law, for every impression of random logs.

Integers, ages, sequences and matches exactly; decayed counts and rates to 1e-9.
"""

import secrets
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from clickthrough.config.features import Counters
from clickthrough.features.columns import KeySet, SequenceSet
from clickthrough.features.engines import EngineName
from clickthrough.features.history.oracle import Shown, Value
from clickthrough.features.history.stage import HistoryStage
from clickthrough.schema import FieldType
from clickthrough.store import MemoryStore, SQLiteStore, Store, open_store
from tests.features.history.logs import (
    ASKED,
    TICK,
    US,
    Asked,
    Live,
    Log,
    Row,
    arrivals,
    ask_batch,
    ask_live,
    asked,
    assert_lawful,
    counters_of,
    joined,
    known_before,
    lawful,
    logs,
    snapshots_of,
    united,
)
from tests.lacking import need
from tests.odd import ODD

ENGINES = ["polars", "duckdb", pytest.param("spark", marks=pytest.mark.slow)]
"""Spark takes seconds to start, and most of a minute for many logs."""
MIXED: dict[str, FieldType] = {"user": "str", "item": "int", "context": "str"}
seeds = st.integers(0, 2**32)


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


def some_logs(count: int, online: bool = False) -> list[Log]:
    """Return random logs of one declaration, the same at every call."""
    found: list[Log] = []

    @settings(
        max_examples=count, deadline=None, derandomize=True, database=None, phases=[Phase.generate]
    )
    @given(log=logs(delay=1, kinds=MIXED, online=online))
    def collect(log: Log) -> None:
        found.append(log)

    collect()
    return found


def test_the_logs_ask_for_more_than_nothing() -> None:
    """Windows leave out, sequences are full, values match, decays are of every size."""
    said: dict[str, list[Any]] = {}
    for log in some_logs(120):
        for name, values in lawful(log, ASKED).items():
            said.setdefault(name, []).extend(values)
    for sequence in ASKED.sequences:
        sizes = Counter(said[sequence.size])
        assert min(sizes[size] for size in (None, *range(sequence.length + 1))) >= 3
        assert Counter(said[f"match {sequence.length} {sequence.name}"])[2] >= 10
    for key_set in ASKED.key_sets:
        totals = said[key_set.counts()[1]]
        for window, half_life, (_, clicks) in counters_of(key_set):
            pairs = zip(totals, said[clicks], strict=True)
            fewer = [pair for pair in pairs if pair[0] and 0 < pair[1] < pair[0]]
            assert len(fewer) >= 3 or not (window or half_life)


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
@settings(max_examples=40, deadline=None)
@given(log=logs(), asked=asked())
def test_a_batch_engine_equals_the_law(engine: EngineName, log: Log, asked: Asked) -> None:
    need(engine)
    with folder() as there:
        assert_lawful(ask_batch(log, asked, engine, there), log, asked)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_equals_the_law_on_many_logs_in_one(engine: EngineName, tmp_path: Path) -> None:
    need(engine)
    place = tmp_path / ODD
    place.mkdir()
    assert_lawful_in_one(engine, place)


@pytest.mark.parametrize(("chunk", "partition"), [(13, 40), (1_000_000, 100), (97, 1_000_000)])
def test_rows_are_divided_into_chunks_and_partitions_of_any_size(
    chunk: int, partition: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clickthrough.features.history.files.CHUNK", chunk)
    monkeypatch.setattr("clickthrough.features.history.chunked.PARTITION", partition)
    assert_lawful_in_one("polars", tmp_path)
    assert_lawful_beside_snapshots("polars", tmp_path)


def assert_lawful_in_one(engine: EngineName, tmp_path: Path) -> None:
    """Hold an engine to the law on many logs that are one."""
    parts = some_logs(120)
    columns = ask_batch(united(parts), ASKED, engine, tmp_path)
    start = 0
    for place, part in enumerate(parts):
        alone = united([*[Log([], [], part.kinds, part.delay)] * place, part])
        rows = slice(start, start + len(part.rows))
        assert_lawful({n: c[rows] for n, c in columns.items()}, alone, ASKED)
        start = rows.stop
    assert start == len(columns["time"]) > 500


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["polars", "duckdb"])
@settings(max_examples=60, deadline=None)
@given(log=logs(online=True), asked=asked(), seed=seeds)
def test_a_batch_engine_that_begins_with_a_snapshot_equals_the_law(
    engine: EngineName, log: Log, asked: Asked, seed: int
) -> None:
    need(engine)
    first = log.rows[np.random.default_rng(seed).integers(len(log.rows))]
    rest = [row for row in log.rows if row.request >= first.request]
    known = known_before(log, asked, first)
    with folder() as there:
        assert_lawful(ask_batch(log, asked, engine, there, rest, known), log, asked, rest)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_begins_with_snapshots_of_many_logs(engine: EngineName, tmp_path: Path) -> None:
    need(engine)
    assert_lawful_beside_snapshots(engine, tmp_path)


def assert_lawful_beside_snapshots(engine: EngineName, tmp_path: Path) -> None:
    """Hold an engine to the law on logs that begin with what a bundle knew."""
    for place, log in enumerate(some_logs(3 if engine == "spark" else 25, online=True)):
        first = log.rows[len(log.rows) // 2]
        rest = [row for row in log.rows if row.request >= first.request]
        known = known_before(log, ASKED, first)
        found = ask_batch(log, ASKED, engine, tmp_path / str(place), rest, known)
        assert_lawful(found, log, ASKED, rest)


def test_the_check_sees_a_snapshot_that_is_left_out(tmp_path: Path) -> None:
    log = next(log for log in some_logs(25, online=True) if len(log.rows) > 20)
    first = log.rows[len(log.rows) // 2]
    rest = [row for row in log.rows if row.request >= first.request]
    with pytest.raises(AssertionError):
        assert_lawful(ask_batch(log, ASKED, "polars", tmp_path, rest), log, ASKED, rest)


@pytest.mark.parametrize("engine", ENGINES)
def test_fields_may_have_any_name(engine: EngineName, tmp_path: Path) -> None:
    need(engine)
    names = ("page.kind", 'Å "b')
    frame = pl.DataFrame({"row": [0, 1], "time": [0, US], "label": [1, 0]})
    frame = frame.with_columns(pl.lit(7, pl.Int64).alias(name) for name in names)
    frame.write_parquet(tmp_path / "impressions.parquet")
    stage = HistoryStage(
        tmp_path / "history", tmp_path / "impressions.parquet", Counters(tick=TICK), engine
    )
    columns = stage.columns((KeySet(names),), (SequenceSet(names[:1], names[1], 1),))
    found = pl.concat(columns, how="horizontal").collect()
    assert found.rows() == [(None, 0, 0, None, 0), (1, 1, 1, 7, 1)]


STORES: dict[str, Callable[[Path], Store]] = {
    "memory": lambda _: MemoryStore(),
    "sqlite": lambda folder: SQLiteStore(folder / "store.sqlite"),
}


@pytest.fixture(params=["memory", "sqlite", "redis"])
def store(request: pytest.FixtureRequest) -> str:
    """A kind of store; the server's, where it is one."""
    return str(request.getfixturevalue("redis_url") if request.param == "redis" else request.param)


@contextmanager
def opened(store: str) -> Iterator[Store]:
    if store.startswith("redis"):
        made = open_store(f"{store}&prefix={secrets.token_hex(8)}")
        yield made
        made.close()
        return
    with folder() as there:
        made = STORES[store](there)
        try:
            yield made
        finally:
            made.close()


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(log=logs(online=True), asked=asked(), seed=seeds)
def test_events_in_any_order_within_their_tick_equal_the_law(
    store: str, log: Log, asked: Asked, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    with opened(store) as there:
        live = Live(log, asked, there)
        found = ask_live(live, log.rows, arrivals(log.rows, rng, views=log.views), rng)
    assert_lawful(found, log, asked)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(log=logs(online=True), asked=asked(), seed=seeds)
def test_events_that_come_late_by_less_than_the_delay_equal_the_law(
    store: str, log: Log, asked: Asked, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    with opened(store) as there:
        live = Live(log, asked, there)
        arriving = arrivals(log.rows, rng, late=log.delay, views=log.views)
        found = ask_live(live, log.rows, arriving, rng)
    assert_lawful(found, log, asked)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(log=logs(online=True), asked=asked(), seed=seeds)
def test_events_that_are_sent_again_equal_the_law(
    store: str, log: Log, asked: Asked, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    with opened(store) as there:
        live = Live(log, asked, there)
        arriving = arrivals(log.rows, rng, late=log.delay, again=0.4, views=log.views)
        found = ask_live(live, log.rows, arriving, rng)
    assert_lawful(found, log, asked)


@settings(max_examples=80, deadline=None)
@given(log=logs(online=True), asked=asked(), seed=seeds)
def test_a_restart_between_any_two_ticks_equals_the_law(log: Log, asked: Asked, seed: int) -> None:
    rng = np.random.default_rng(seed)
    arriving = arrivals(log.rows, rng, late=log.delay, again=0.2, views=log.views)
    stop = log.rows[rng.integers(len(log.rows))].tick
    found = []
    with folder() as there:
        for before in (True, False):
            store = STORES["sqlite"](there)
            rows = [row for row in log.rows if (row.tick < stop) == before]
            events = {t: e for t, e in arriving.items() if (t < stop) == before}
            live = Live(log, asked, store)
            if rows:
                found.append(ask_live(live, rows, events, rng))
            for viewed in [] if rows else events.values():
                live.record(viewed)
            store.close()
    assert_lawful(joined(found), log, asked)


@settings(max_examples=120, deadline=None)
@given(log=logs(online=True), asked=asked(), seed=seeds)
def test_a_snapshot_of_the_first_rows_and_events_of_the_rest_equal_the_law(
    log: Log, asked: Asked, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    first = log.rows[rng.integers(len(log.rows))]
    known = [row for row in log.rows if row.request < first.request]
    rest = [row for row in log.rows if row.request >= first.request]
    viewed = [view for view in log.views if view.time < first.shown.time]
    to_come = [view for view in log.views if view.time >= first.shown.time]
    live = Live(log, asked, MemoryStore(), snapshots_of(log, asked, known, viewed))
    arriving = arrivals(rest, rng, late=log.delay, again=0.2, views=to_come)
    assert_lawful(ask_live(live, rest, arriving, rng), log, asked, rest)


@pytest.mark.parametrize("late", [1, 2])
def test_the_check_sees_an_event_that_comes_too_late(late: int) -> None:
    fields: dict[str, Value] = {"user": "1", "item": 2, "context": "3"}
    rows = [Row(i, Shown(i * US, fields, 1)) for i in range(3)]
    log = Log(rows, [], MIXED, delay=0)
    live = Live(log, ASKED, MemoryStore())
    arriving = {late: [{"type": "impression", "request": 0, "at": 0, **fields}]}
    with pytest.raises(AssertionError):
        assert_lawful(ask_live(live, rows, arriving, np.random.default_rng(0)), log, ASKED)
