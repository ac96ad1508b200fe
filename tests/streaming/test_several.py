"""Bundles whose counters differ in one store: each answers as if it were alone."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clickthrough.config.load import parse_config
from clickthrough.config.serving import Serving
from clickthrough.data.open import open_dataset
from clickthrough.errors import RequestError
from clickthrough.features.history.base import History
from clickthrough.features.history.snapshot import Snapshot
from clickthrough.schema import Columns, FieldType
from clickthrough.store import MemoryStore, SQLiteStore, Store
from clickthrough.streaming.recorder import Receipt, Recorder
from tests.logs import make_log, make_values, write_log
from tests.streaming.bundles import Bundle, Change, Log, Raw


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Log:
    folder = tmp_path_factory.mktemp("log")
    write_log(folder, make_log(requests=300))
    values = make_values(folder)
    values["features"].append({"kind": "sequence", "key": "user", "field": "item", "length": 4})
    dataset = open_dataset(parse_config(values, "test").data)
    frame = dataset.impressions().collect()
    until = frame["time"][frame.height // 2]
    return Log(values, dataset.schema, frame, int(until))


def same(_: dict[str, Any]) -> None:
    pass


def other_half_lives(values: dict[str, Any]) -> None:
    values["features"][5]["half_lives"] = ["3h"]


def other_keys(values: dict[str, Any]) -> None:
    values["features"][6]["key"] = ["user", "platform"]
    values["features"][8]["length"] = 7


def other_ticks(values: dict[str, Any]) -> None:
    values["counters"] = {"tick": "5m", "label_delay": "10m"}


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    made = MemoryStore() if request.param == "memory" else SQLiteStore(tmp_path / "s.sqlite")
    yield made
    made.close()


def record(store: Store, events: Raw, *bundles: Bundle) -> Receipt:
    """Tell of events in several bodies; return all receipts in one."""
    recorder, told = Recorder([b.source for b in bundles], store, Serving()), Receipt()
    for start in range(0, len(events), 150):
        for name, count in recorder.record(events[start : start + 150]).as_dict().items():
            setattr(told, name, getattr(told, name) + count)
    return told


def assert_same(found: Columns, expected: Columns, *, exactly: bool = True) -> None:
    """Compare columns; sums of decayed counts may differ in their last bits by their order."""
    assert found.keys() == expected.keys()
    for name, values in found.items():
        if exactly or "@" not in name:
            np.testing.assert_array_equal(values, expected[name], err_msg=name)
        else:
            np.testing.assert_allclose(
                values.astype(np.float64), expected[name].astype(np.float64), rtol=1e-9
            )


CHANGES: list[tuple[Change, dict[str, FieldType], int]] = [
    (same, {}, 4),
    (other_half_lives, {}, 3),
    (other_keys, {}, 2),
    (other_ticks, {}, 0),
    (same, {"item": "str"}, 1),
]
"""What differs, and how many of four sets are shared nevertheless."""


@pytest.mark.parametrize(("change", "types", "shared"), CHANGES)
def test_each_of_two_bundles_answers_as_if_alone(
    log: Log, store: Store, change: Change, types: dict[str, FieldType], shared: int
) -> None:
    one, other = log.bundle(same), log.bundle(change, None, **types)
    digests = [{history.digest for history in b.histories} for b in (one, other)]
    assert len(digests[0] & digests[1]) == shared
    told = record(store, log.events, one, other)
    assert told.impressions == len(log.rows)
    assert told.impressions + told.clicks == len(log.events)
    for bundle in (one, other):
        alone = MemoryStore()
        assert record(alone, log.events, bundle) == told
        expected = bundle.answers(alone, log.rows)
        assert_same(bundle.answers(store, log.rows), expected)
        untold = bundle.answers(MemoryStore(), log.rows)
        assert any(not np.array_equal(expected[name], untold[name]) for name in untold)


def test_bundles_that_serve_one_after_another_do_not_disturb_each_other(
    log: Log, store: Store
) -> None:
    one, other = log.bundle(same), log.bundle(other_ticks)
    half = len(log.events) // 2
    first, second, alone = log.events[:half], log.events[half:], MemoryStore()
    record(store, first, one)
    record(store, second, other)
    record(alone, first, one)
    assert_same(one.answers(store, log.rows), one.answers(alone, log.rows))


def test_a_click_counts_for_what_its_impression_was_shown_for_and_is_still_read(
    log: Log, store: Store
) -> None:
    one, other = log.bundle(same), log.bundle(other_keys)
    shown = [event for event in log.events if event["type"] == "impression"]
    clicks = [event for event in log.events if event["type"] == "click"]
    told = record(store, shown, one)
    assert record(store, clicks, other).clicks == len(clicks)
    assert told.impressions == len(shown)
    shared = {h.digest for h in one.histories} & {h.digest for h in other.histories}
    whole, unclicked, untold = MemoryStore(), MemoryStore(), MemoryStore()
    record(whole, log.events, one)
    record(unclicked, shown, one)
    for bundle, otherwise in ((one, unclicked), (other, untold)):
        for history in bundle.histories:
            alone = replace_histories(bundle, history)
            expected = whole if history.digest in shared else otherwise
            found = alone.answers(store, log.rows)
            assert_same(found, alone.answers(expected, log.rows), exactly=False)


def replace_histories(bundle: Bundle, history: History) -> Bundle:
    """Return a bundle of one of its histories."""
    made = replace(bundle)
    made.__dict__["histories"] = [history]
    return made


def test_of_a_shared_key_set_the_newest_snapshot_is_counted_on(log: Log, store: Store) -> None:
    times = log.frame["time"]
    newer = log.bundle(other_half_lives, int(times[3 * log.frame.height // 4]))
    # a snapshot that holds what no older one does tells which of them is counted on
    newer = replace(newer, snapshots=dict.fromkeys(newer.snapshots, Snapshot.of({})))
    older = log.bundle(same)
    told = record(store, log.events, older, newer)
    assert told.in_snapshot == 0  # each of them counts at least for what the older one has alone
    alone = MemoryStore()
    behind = record(alone, log.events, newer)
    assert 0 < behind.in_snapshot < len(log.events) == sum(behind.as_dict().values())
    assert_same(newer.answers(store, log.rows), newer.answers(alone, log.rows))
    # and what the older one has alone is as if nobody else were there
    apart = MemoryStore()
    record(apart, log.events, older)
    (own,) = [h for h in older.histories if h.digest not in {h.digest for h in newer.histories}]
    only = replace_histories(older, own)
    assert_same(only.answers(store, log.rows), only.answers(apart, log.rows))


def test_each_bundle_reads_fields_by_its_own_names(log: Log, store: Store) -> None:
    one, other = log.bundle(same), log.bundle(lambda v: v["features"][6].update(half_lives=["3h"]))
    roles = {**other.schema.roles, "user": "member"}
    other = replace(other, schema=other.schema.model_copy(update={"roles": roles}))
    members = [{**event, "member": "m" + event["uuid"][:2]} for event in log.events]
    record(store, members, one, other)
    (own,) = {h.digest: h for h in other.histories}.keys() - {h.digest for h in one.histories}
    (history,) = [h for h in other.histories if h.digest == own]
    alone, rows = MemoryStore(), [{**row, "member": "m" + row["uuid"][:2]} for row in log.rows]
    record(alone, members, other)
    only = replace_histories(other, history)
    assert_same(only.answers(store, rows), only.answers(alone, rows))
    assert_same(one.answers(store, log.rows), one.answers(record_alone(log, one), log.rows))


def record_alone(log: Log, bundle: Bundle) -> Store:
    """Return a store that one bundle's events alone were told to."""
    store = MemoryStore()
    record(store, log.events, bundle)
    return store


def test_a_field_that_one_bundle_cannot_read_is_refused(log: Log, store: Store) -> None:
    one, other = log.bundle(same), log.bundle(same, item="str")
    numbers = log.bundle(same, user="int")
    record(store, log.events[:1], one, other)
    recorder = Recorder([one.source, numbers.source], store, Serving())
    with pytest.raises(RequestError, match="row 0: field 'uuid': expected a whole number"):
        recorder.record(log.events[:1])
