"""What a bundle starts with is what each key's own events make, whichever keys share the work."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clickthrough import dealt
from clickthrough.features.columns import KeySet, SequenceSet
from clickthrough.features.history import build
from clickthrough.features.history.build import build_sequences, build_snapshots
from clickthrough.features.history.counters import state_layout
from clickthrough.features.history.keys import key_bytes
from clickthrough.features.history.oracle import Shown
from clickthrough.features.history.sequences import Click, SequenceHistory
from clickthrough.features.history.snapshot import Snapshot
from tests.features.history.logs import ASKED, FIELDS, US, Asked, Log, asked, logs

States = dict[bytes, bytes]


def keyed(
    name: str, fields: Sequence[str], events: Iterable[Shown]
) -> Iterator[tuple[bytes, Shown]]:
    """Yield events with their keys, those that have one."""
    for event in events:
        key = key_bytes(name, [event.fields[field] for field in fields])
        if key is not None:
            yield key, event


def counted(log: Log, key_set: KeySet, events: list[Shown]) -> States:
    """Return the state of each key, made of its own events alone."""
    layout = state_layout(key_set, log.counters)
    of_each: dict[bytes, dict[int, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
    for key, event in keyed(key_set.name, key_set.fields, events):
        sums = of_each[key][event.time // US]
        sums[0] += 1
        sums[1] += event.label or 0
    made = {}
    for key, ticks in of_each.items():
        at, counts = np.array([*ticks], np.float64), np.array([*ticks.values()], np.float64)
        states = layout.add(layout.empty(1), np.zeros(len(at), np.int64), at, counts)
        (made[key],) = layout.pack(states)
    return made


def clicked(log: Log, sequence: SequenceSet, clicks: list[Shown]) -> States:
    """Return the clicks of each key, packed."""
    history = SequenceHistory(sequence, log.schema, log.counters, Snapshot.of({}))
    of_each: dict[bytes, list[Click]] = defaultdict(list)
    for key, click in keyed(sequence.name, sequence.key, clicks):
        value = click.fields[sequence.field]
        if isinstance(value, int | str):
            of_each[key].append((click.time, value))
    return {key: history.pack(clicks) for key, clicks in of_each.items()}


def lawful(log: Log, asked: Asked) -> dict[str, States]:
    shown = [row.shown for row in log.rows if row.shown.label is not None]
    viewed = [Shown(view.time, view.fields, 1) for view in log.views]
    made = {}
    for key_set in asked.key_sets:
        made[key_set.name] = counted(log, key_set, viewed if key_set.of == "views" else shown)
    for sequence in asked.sequences:
        clicks = [event for event in shown if event.label == 1]
        if {*sequence.key, sequence.field} <= {"user", "item"}:
            clicks += log.seeds
        made[sequence.name] = clicked(log, sequence, viewed if sequence.of == "views" else clicks)
    return made


def built(log: Log, asked: Asked, folder: Path | None = None) -> dict[str, Snapshot]:
    plan, views = asked.plan(log.counters), log.views_frame().lazy()
    seeds = log.seeds_frame().lazy()
    return build_snapshots(log.frame().lazy(), seeds, plan, log.schema, views, folder)


def assert_same(one: Snapshot, other: Snapshot) -> None:
    for name in ("digests", "ends", "values"):
        a, b = getattr(one, name), getattr(other, name)
        assert a.dtype == b.dtype
        assert a.tobytes() == b.tobytes(), name


@settings(max_examples=25, deadline=None)
@given(
    log=logs(),
    asked=st.just(ASKED) | asked(),
    part=st.sampled_from([10, 1_000]),
    batch=st.sampled_from([1, 4, 1_000]),
)
def test_snapshots_hold_what_the_events_of_each_key_make(
    tmp_path_factory: pytest.TempPathFactory, log: Log, asked: Asked, part: int, batch: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dealt, "HELD", part)
        patch.setattr(build, "_BATCH", batch)
        found = built(log, asked, tmp_path_factory.getbasetemp())
    expected = lawful(log, asked)
    assert found.keys() == expected.keys()
    for name, states in expected.items():
        assert_same(found[name], Snapshot.of(states))


@settings(max_examples=60, deadline=None)
@given(
    times=st.lists(st.integers(0, 12 * US) | st.sampled_from([0, US, 5 * US]), max_size=40),
    length=st.integers(1, 4),
    delay=st.integers(0, 2),
    log=logs(kinds=dict.fromkeys(FIELDS, "int")),
)
def test_a_key_of_very_many_clicks_keeps_those_that_packing_would(
    times: list[int], length: int, delay: int, log: Log
) -> None:
    sequence = SequenceSet(("user",), "item", length)
    counters = log.counters.model_copy(update={"label_delay": delay * 60})
    history = SequenceHistory(sequence, log.schema, counters, Snapshot.of({}))
    clicks = [(time, place % 3) for place, time in enumerate(times)]
    frame = pl.DataFrame(
        {
            "user": [0] * len(times),
            "item": [value for _, value in clicks],
            "time": times,
            "label": [1] * len(times),
        },
        schema={"user": pl.Int64, "item": pl.Int64, "time": pl.Int64, "label": pl.Int8},
    )
    given: list[int] = []

    class Told(SequenceHistory):
        def pack(self, clicks: Iterable[Click]) -> bytes:
            taken = [*clicks]
            given.append(len(taken))
            return super().pack(taken)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "SequenceHistory", Told)
        found = build_sequences(frame.lazy(), None, sequence, log.schema, counters)
    key = key_bytes(sequence.name, [0]) or b""
    packed = history.pack(clicks) if clicks else None
    assert found.read([key]) == [packed]
    assert given == ([len(history.unpack(key, packed))] if clicks else [])
