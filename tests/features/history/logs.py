"""Random logs for the law of history, what the law says of them, and who else is asked.

An *asker* gives the encoder's columns of every impression of a log; :func:`assert_lawful` holds
them to :class:`clickthrough.features.history.oracle.Law`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from hypothesis import strategies as st

from clickthrough.config.data import TimeFormat
from clickthrough.config.features import Counters, EventSource
from clickthrough.config.serving import Serving
from clickthrough.features.columns import KeySet, Measure, SequenceSet
from clickthrough.features.encoding.numeric import measure
from clickthrough.features.engines import EngineName
from clickthrough.features.history.build import build_snapshots
from clickthrough.features.history.known import Known
from clickthrough.features.history.online import online_histories
from clickthrough.features.history.oracle import Law, Shown, Value
from clickthrough.features.history.snapshot import Snapshot
from clickthrough.features.history.stage import HistoryStage
from clickthrough.features.history.ticks import tick_of
from clickthrough.features.plan import Plan
from clickthrough.features.rows import RowParser
from clickthrough.features.table import encoder_columns
from clickthrough.schema import MISSING_INT, Columns, FieldType, Schema
from clickthrough.store import Store
from clickthrough.streaming.recorder import Receipt, Recorder, Source

TICK = 60
SECOND = 1_000_000
US = TICK * SECOND
"""Microseconds of a tick."""
PRIOR = 0.3
FIELDS = ("user", "item", "context")

INTS = (0, -5, 2**40)
TEXTS = ("7", "\ufb00", "\U0001f600", "å b")
"""Two of them change places where texts are compared by UTF-16."""
_VALUES: dict[FieldType, tuple[Value, ...]] = {"int": INTS, "str": TEXTS}
HALF_LIVES = (30, 60, 100, 7_200)
WINDOWS = (60, 180, 600)
GAPS = (0, 1, US - 1, US, US, US + 1, 3 * US, 11 * US, 2_100 * 30 * SECOND, 2_100 * 7_200 * SECOND)
"""Microseconds: within a tick, to the next, beyond every window, more than 2,000 half-lives."""
STARTS = (-8 * US, 1_000_000_000 * SECOND)
"""Shortly before 1970, so that ticks are negative and positive; and in 2001."""


@dataclass(frozen=True)
class Row:
    """An impression of a request."""

    request: int
    shown: Shown

    @property
    def tick(self) -> int:
        return self.shown.time // US


@dataclass(frozen=True)
class Log:
    """A log in order of time, with what is given of its users' earlier clicks."""

    rows: list[Row]
    seeds: list[Shown]
    kinds: Mapping[str, FieldType]
    delay: int
    views: Sequence[Shown] = ()

    @property
    def counters(self) -> Counters:
        return Counters(tick=TICK, label_delay=self.delay * TICK)

    @property
    def schema(self) -> Schema:
        return Schema(
            roles={"label": "clicked", "request_id": "request", "time": "at"},
            fields={"request_id": "int", **self.kinds},
            time=TimeFormat(unit="us"),
            views=list(FIELDS),
        )

    def frame(self, rows: Iterable[Row] | None = None) -> pl.DataFrame:
        """Return rows as the table of impressions holds them; all by default."""
        chosen = self.rows if rows is None else rows
        columns = {"row": pl.Int64, "request_id": pl.Int64, "time": pl.Int64, "label": pl.Int8}
        made = [
            (place, row.request, row.shown.time, row.shown.label,
             *(row.shown.fields[name] for name in FIELDS))
            for place, row in enumerate(chosen)
        ]  # fmt: skip
        types = {name: _POLARS[self.kinds[name]] for name in FIELDS}
        return pl.DataFrame(made, schema={**columns, **types}, orient="row")

    def seeds_frame(self) -> pl.DataFrame:
        """Return the given history as a dataset holds it."""
        rows = [(s.fields["user"], s.time, s.fields["item"]) for s in self.seeds]
        types = {name: _POLARS[self.kinds[name]] for name in ("user", "item")}
        schema = {"user": types["user"], "time": pl.Int64(), "item": types["item"]}
        return pl.DataFrame(rows, schema=schema, orient="row")

    def views_frame(self, views: Iterable[Shown] | None = None) -> pl.DataFrame:
        """Return page views as a dataset holds them; all by default."""
        chosen = self.views if views is None else views
        rows = [(view.time, *(view.fields[name] for name in FIELDS)) for view in chosen]
        types = {name: _POLARS[self.kinds[name]] for name in FIELDS}
        return pl.DataFrame(rows, schema={"time": pl.Int64(), **types}, orient="row")


_POLARS: dict[FieldType, pl.DataType] = {"int": pl.Int64(), "str": pl.String()}


@dataclass(frozen=True)
class Asked:
    """The sets whose columns are asked for."""

    key_sets: tuple[KeySet, ...]
    sequences: tuple[SequenceSet, ...]

    @property
    def measures(self) -> list[Measure]:
        """The rate of each counter, and matches of some lengths of each sequence."""
        made = []
        for key_set in self.key_sets:
            for _, _, names in counters_of(key_set):
                made.append(Measure(f"rate of {names[0]}", "rate", names))
        for s in self.sequences:
            for length in sorted({1, s.length}):
                inputs = (s.name, s.size, s.field)
                made.append(Measure(f"match {length} {s.name}", "match", inputs, "none", length))
        return made

    def plan(self, counters: Counters) -> Plan:
        return Plan(
            self.key_sets, self.sequences, tuple(self.measures), (), (), (), counters, "UTC"
        )


ASKED = Asked(
    (
        KeySet(("item",), (60, 600), (30, 7_200)),
        KeySet(("user", "context"), (180,), (100,)),
        KeySet(("user",), (180,), (100,), "views"),
    ),
    (
        SequenceSet(("user",), "item", 3),
        SequenceSet(("context",), "user", 5),
        SequenceSet(("user",), "context", 2, "views"),
    ),
)
"""A fixed choice, for where one run must do."""


def counters_of(key_set: KeySet) -> Iterator[tuple[int | None, int | None, tuple[str, str]]]:
    """Yield window, half-life (seconds) and columns of each counter."""
    yield None, None, key_set.counts()
    for window in key_set.windows:
        yield window, None, key_set.counts(window=window)
    for half_life in key_set.half_lives:
        yield None, half_life, key_set.counts(half_life=half_life)


# --- strategies


@st.composite
def logs(
    draw: st.DrawFn,
    delay: int | None = None,
    kinds: Mapping[str, FieldType] | None = None,
    online: bool = False,
) -> Log:
    """Draw a log.

    Args:
        draw: given by hypothesis.
        delay: ticks; 0 to 3 by default.
        kinds: types of the fields; int or str by default.
        online: whether the rows can be sent as events, which need an item, and the seeds lie
            before the log, as those of a bundle.
    """
    a_kind: st.SearchStrategy[FieldType] = st.sampled_from(("int", "str"))
    types = dict(kinds) if kinds else {name: draw(a_kind) for name in FIELDS}
    value = {name: st.sampled_from(_VALUES[types[name]]) for name in FIELDS}
    missing = {name: st.sampled_from((*_VALUES[types[name]] * 2, None)) for name in FIELDS}
    item = value["item"] if online else missing["item"]
    label = st.sampled_from([0, 1, 1, None])
    items = st.lists(st.tuples(item, label), min_size=1, max_size=3, unique_by=lambda i: i[0])
    request = st.tuples(st.sampled_from(GAPS), missing["user"], missing["context"], items)
    start = time = draw(st.sampled_from(STARTS)) + draw(st.integers(0, 3)) * US // 2
    rows = []
    least = draw(st.sampled_from([1, 8, 16]))
    requests = draw(st.lists(request, min_size=least, max_size=16))
    for number, (gap, user, context, shown) in enumerate(requests):
        time += gap
        for own, clicked in shown:
            fields = {"user": user, "item": own, "context": context}
            rows.append(Row(number, Shown(time, fields, clicked)))
    latest = start if online else time
    before = st.sampled_from([0, 0, 1, US, 5 * US, 5_000 * US])
    given = st.lists(st.tuples(before, missing["user"], missing["item"]), max_size=8)
    seeds = [Shown(latest - ago, {"user": u, "item": i}, 1) for ago, u, i in draw(given)]
    moments = st.sampled_from([row.shown.time for row in rows]) | st.integers(start, time + US)
    view = st.tuples(moments, *(missing[name] for name in FIELDS))
    viewed = draw(st.lists(view, max_size=12, unique=True))
    views = [Shown(at, dict(zip(FIELDS, own, strict=True))) for at, *own in viewed]
    ticks = draw(st.integers(0, 3)) if delay is None else delay
    return Log(rows, seeds, types, ticks, views)


@st.composite
def asked(draw: st.DrawFn) -> Asked:
    """Draw key sets with windows and half-lives, and sequences of 1 to 5 places."""
    keys = [("item",), ("user",), ("user", "item"), ("context",), ("context", "user", "item")]
    chosen = draw(st.lists(st.sampled_from(keys), min_size=1, max_size=2, unique=True))
    subset = {
        values: st.lists(st.sampled_from(values), max_size=3, unique=True).map(sorted).map(tuple)
        for values in (WINDOWS, HALF_LIVES)
    }
    ends = [
        (("user",), "item"), (("item",), "user"), (("user",), "context"), (("user",), "user"),
        (("context", "user"), "item"),
    ]  # fmt: skip
    source: st.SearchStrategy[EventSource] = st.sampled_from(("impressions", "views"))
    key_sets = [
        KeySet(key, draw(subset[WINDOWS]), draw(subset[HALF_LIVES]), draw(source)) for key in chosen
    ]
    pairs = draw(st.lists(st.sampled_from(ends), max_size=2, unique=True))
    made = [SequenceSet(key, field, draw(st.integers(1, 5)), draw(source)) for key, field in pairs]
    return Asked(tuple(key_sets), tuple(made))


def united(parts: Iterable[Log]) -> Log:
    """Join logs of one declaration, their values made distinct: none sees another's events."""
    rows: list[Row] = []
    seeds: list[Shown] = []
    views: list[Shown] = []
    for place, log in enumerate(parts):
        rows += [Row(1_000 * place + row.request, _apart(row.shown, place)) for row in log.rows]
        seeds += [_apart(seed, place) for seed in log.seeds]
        views += [_apart(view, place) for view in log.views]
        kinds, delay = log.kinds, log.delay
    return Log(rows, seeds, kinds, delay, views)


def _apart(shown: Shown, place: int) -> Shown:
    fields = {
        name: None if value is None
        else value + place * 2**42 if isinstance(value, int)
        else f"{place} {value}"
        for name, value in shown.fields.items()
    }  # fmt: skip
    return replace(shown, fields=fields)


# --- the law


def lawful(log: Log, asked: Asked, rows: Iterable[Row] | None = None) -> dict[str, list[Any]]:
    """Return what the law says of rows, by column and measure; all rows by default."""
    shown = [row.shown for row in (log.rows if rows is None else rows)]
    shown_law = Law([row.shown for row in log.rows], US, log.delay, views=log.views)
    seeded = replace(shown_law, seeds=log.seeds)
    said: dict[str, list[Any]] = {}
    for key_set in asked.key_sets:
        law = shown_law.of_views if key_set.of == "views" else shown_law
        said[key_set.age] = [law.age(one, key_set.fields) for one in shown]
        for window, half_life, (impressions, clicks) in counters_of(key_set):
            counts = [
                law.counter(
                    one,
                    key_set.fields,
                    window=None if window is None else window // TICK,
                    half_life=None if half_life is None else half_life / TICK,
                )
                for one in shown
            ]
            said[impressions] = [None if pair is None else pair[0] for pair in counts]
            said[clicks] = [None if pair is None else pair[1] for pair in counts]
            a = log.counters.smoothing
            said[f"rate of {impressions}"] = [law.rate(pair, PRIOR, a) for pair in counts]
    for s in asked.sequences:
        its = seeded if {*s.key, s.field} <= {"user", "item"} else shown_law
        its = its.of_views if s.of == "views" else its
        said[s.name] = [its.sequence(one, s.key, s.field, s.length) for one in shown]
        said[s.size] = [None if values is None else len(values) for values in said[s.name]]
        for n in {1, s.length}:
            said[f"match {n} {s.name}"] = [its.match(one, s.key, s.field, n) for one in shown]
    return said


def told(columns: Columns, log: Log, asked: Asked) -> dict[str, list[Any]]:
    """Return an asker's columns as :func:`lawful` does; measures by the encoder."""
    made: dict[str, list[Any]] = {
        name: _listed(columns[name]) for key_set in asked.key_sets for name in key_set.columns()
    }
    for s in asked.sequences:
        made[s.size] = _listed(columns[s.size])
        made[s.name] = [
            _sequence(row, size, log.kinds[s.field])
            for row, size in zip(columns[s.name].tolist(), made[s.size], strict=True)
        ]
    rows = len(columns["time"])
    for what in asked.measures:
        offsets = np.array([0, rows])
        values = measure(what, PRIOR, log.counters.smoothing, columns, offsets)
        made[what.name] = _listed(values)
    return made


def _listed(values: np.ndarray[Any, Any]) -> list[float | None]:
    return [None if value != value else value for value in values.tolist()]  # noqa: PLR0124


def _sequence(row: list[Any], size: float | None, kind: FieldType) -> list[Value] | None:
    """Return the values of a sequence; the places after them must be empty."""
    there = 0 if size is None else int(size)
    empty: object = b"" if kind == "str" else MISSING_INT
    assert row[there:] == [empty] * (len(row) - there)
    if size is None:
        return None
    return [value.decode() if isinstance(value, bytes) else value for value in row[:there]]


def assert_lawful(
    columns: Columns, log: Log, asked: Asked, rows: Iterable[Row] | None = None
) -> None:
    """Hold an asker's columns to the law: decays and rates to 1e-9, all else exactly."""
    expected, found = lawful(log, asked, rows), told(columns, log, asked)
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        if "@" in name or name.startswith("rate"):
            one, other = np.array(found[name], np.float64), np.array(values, np.float64)
            np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12, err_msg=name)
        else:
            assert found[name] == values, name


# --- who else is asked


def ask_batch(
    log: Log,
    asked: Asked,
    engine: EngineName,
    folder: Path,
    rows: list[Row] | None = None,
    known: Known | None = None,
) -> Columns:
    """Write a log, or some rows of it, and ask an engine of the batch side."""
    folder.mkdir(parents=True, exist_ok=True)
    impressions, seeds = folder / "impressions.parquet", folder / "history.parquet"
    views = folder / "views.parquet"
    log.views_frame().write_parquet(views)
    log.frame(rows).write_parquet(impressions)
    log.seeds_frame().write_parquet(seeds)
    stage = HistoryStage(
        folder / "history", impressions, log.counters, engine, seeds, views, known=known
    )
    columns = stage.columns(asked.key_sets, asked.sequences)
    for key_set, made in zip(asked.key_sets, columns, strict=False):
        types = {n: pl.Float64 if "@" in n else pl.Int64 for n in key_set.columns()}
        assert made.collect_schema() == types
    frame = pl.concat([log.frame(rows).lazy(), *columns], how="horizontal").collect()
    assert frame.height == len(log.rows if rows is None else rows)
    return encoder_columns(frame, asked.plan(log.counters), log.schema)


class Live:
    """The live side: a recorder and the histories that it changes."""

    def __init__(
        self,
        log: Log,
        asked: Asked,
        store: Store,
        snapshots: Mapping[str, Snapshot] | None = None,
    ) -> None:
        plan = asked.plan(log.counters)
        if snapshots is None:
            snapshots = snapshots_of(log, asked, [])
        self._schema, self._plan, self._store = log.schema, plan, store
        self._parser = RowParser(log.schema, [*plan.fields, "item"])
        self._histories = online_histories(plan, log.schema, snapshots)
        self._recorder = Recorder([Source(self._parser, self._histories)], store, Serving())

    def record(self, events: list[dict[str, Any]]) -> Receipt:
        return self._recorder.record(events)

    def read(self, rows: list[Row]) -> Columns:
        """Return the encoder's columns of rows, as of their ticks."""
        parsed = self._parser.parse([raw(row) for row in rows], now=2**60)
        assert list(parsed.row_of) == list(range(len(rows)))
        columns = parsed.columns(self._schema, self._plan.list_lengths)
        ticks = tick_of(parsed.time, self._plan.counters.tick)
        for history in self._histories:
            columns.update(history.read(self._store, parsed.values, ticks))
        return columns


def raw(row: Row) -> dict[str, Any]:
    """Return an impression as a caller sends it."""
    return {"request": row.request, "at": row.shown.time, **row.shown.fields}


def snapshots_of(
    log: Log, asked: Asked, rows: list[Row], views: Iterable[Shown] = ()
) -> dict[str, Snapshot]:
    """Return what a bundle knows that was made when the log had some rows and views."""
    seeds, plan = log.seeds_frame().lazy(), asked.plan(log.counters)
    viewed = log.views_frame(views).lazy()
    return build_snapshots(log.frame(rows).lazy(), seeds, plan, log.schema, viewed)


def known_before(log: Log, asked: Asked, first: Row) -> Known:
    """Return what a bundle knows that was made when the log had all but a request and later ones.

    It holds the page views of before the request's moment.
    """
    until = first.shown.time
    rows = [row for row in log.rows if row.request < first.request]
    snapshots = snapshots_of(log, asked, rows, [v for v in log.views if v.time < until])
    return Known.of(asked.plan(log.counters), log.schema, snapshots, until, PRIOR)


def joined(parts: list[Columns]) -> Columns:
    """Return the rows of several parts, one after another."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


Events = dict[int, list[dict[str, Any]]]
"""What arrives, by tick."""


def arrivals(
    rows: list[Row],
    rng: np.random.Generator,
    late: int = 0,
    again: float = 0.0,
    views: Iterable[Shown] = (),
) -> Events:
    """Return the events of rows, and page views, in any order within a tick.

    Args:
        rows: impressions; those without a label are no events.
        rng: decides.
        late: most ticks by which an event may come late.
        again: the share of events that are sent again, some ticks later.
        views: page views.
    """
    arriving: Events = {}
    for view in views:
        at = view.time // US + int(rng.integers(late + 1))
        event = {"type": "view", "at": view.time, **view.fields}
        arriving.setdefault(at, []).append(event)
        while rng.random() < again:
            at += int(rng.integers(4))
            arriving.setdefault(at, []).append(event)
    for row in rows:
        if row.shown.label is None:
            continue
        kinds = ["impression", "click"] if row.shown.label == 1 else ["impression"]
        for kind in kinds:
            first = at = row.tick + int(rng.integers(late + 1))
            event = {"type": kind, **raw(row)}
            if kind == "click":
                # a click names its own moment, and counts at that of its impression
                event["at"] = max(row.shown.time, at * US) + int(rng.integers(3 * US))
            arriving.setdefault(at, []).append(event)
            while rng.random() < again:
                at += int(rng.integers(4))
                # a repetition may name the moment of its sending: what came first counts
                moment = event["at"] if at == first else at * US
                arriving.setdefault(at, []).append({**event, "at": moment})
    for events in arriving.values():
        rng.shuffle(events)
    return arriving


def ask_live(live: Live, rows: list[Row], arriving: Events, rng: np.random.Generator) -> Columns:
    """Go through a log tick by tick: what a tick sees cannot depend on what arrives in it."""
    parts: list[Columns] = []
    shown = {tick: list(group) for tick, group in groupby(rows, key=lambda row: row.tick)}
    for tick in sorted({*shown, *arriving}):
        events = arriving.get(tick, [])
        cut = int(rng.integers(len(events) + 1))
        live.record(events[:cut])
        if tick in shown:
            parts.append(live.read(shown[tick]))
        for event in events[cut:]:
            live.record([event])
    return joined(parts)
