import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clickthrough.config.features import Counters
from clickthrough.config.serving import Serving
from clickthrough.errors import RequestError
from clickthrough.features.history.online import KeyHistory
from clickthrough.features.history.snapshot import Snapshot
from clickthrough.features.plan import KeySet
from clickthrough.features.rows import RowParser, Value
from clickthrough.schema import Schema
from clickthrough.store import MemoryStore, SQLiteStore, Store
from clickthrough.streaming.recorder import Receipt, Recorder

SCHEMA = Schema(
    roles={"label": "clicked", "request_id": "display", "time": "ts", "user": "who", "item": "ad"},
    fields={"request_id": "int", "user": "str", "item": "int"},
)
COUNTERS = Counters(tick=600)
T = 2_840_000
"""A tick, in 2024."""


class Counting:
    """A recorder, and what its counters say."""

    def __init__(self, store: Store, window: int = 86_400) -> None:
        keys = [KeySet(("item",)), KeySet(("user", "item"), (3_600,))]
        empty = Snapshot.empty
        self.store = store
        self.histories = [KeyHistory(k, COUNTERS, empty(0)) for k in keys]
        parser = RowParser(SCHEMA, ["user", "item"])
        settings = Serving(attribution_window=window)
        self.recorder = Recorder(parser, self.histories, store, settings, COUNTERS.tick)

    def record(self, *events: dict[str, Any]) -> Receipt:
        return self.recorder.record(events)

    def counts(self, tick: int, item: int = 7, user: str = "ann") -> tuple[int, int]:
        """Return impressions and clicks of an item as of a tick; a pair's must agree."""
        values: dict[str, list[Value]] = {"item": [item], "user": [user]}
        ticks = np.array([tick])
        of_item = self.histories[0].read(self.store, values, ticks)
        return int(of_item["item.impressions"][0]), int(of_item["item.clicks"][0])

    def pair_counts(self, tick: int, item: int = 7, user: str = "ann") -> tuple[int, int]:
        values: dict[str, list[Value]] = {"item": [item], "user": [user]}
        found = self.histories[1].read(self.store, values, np.array([tick]))
        return int(found["user+item.impressions"][0]), int(found["user+item.clicks"][0])


def moment(tick: float) -> float:
    return tick * 600


def shown(request: int = 1, tick: float = T, **fields: object) -> dict[str, Any]:
    return {"type": "impression", "display": request, "ts": moment(tick), "who": "ann", "ad": 7,
            **fields}  # fmt: skip


def clicked(request: int = 1, tick: float = T, **fields: object) -> dict[str, Any]:
    return {"type": "click", "display": request, "ts": moment(tick), "ad": 7, **fields}


@pytest.fixture(params=["memory", "sqlite"])
def counting(request: pytest.FixtureRequest, tmp_path: Path) -> Counting:
    if request.param == "memory":
        return Counting(MemoryStore())
    return Counting(SQLiteStore(tmp_path / "store.sqlite", "d"))


def test_an_impression_and_its_click_count_from_the_next_tick(counting: Counting) -> None:
    receipt = counting.record(shown(), clicked())
    assert receipt == Receipt(impressions=1, clicks=1)
    assert counting.counts(T) == (0, 0)
    assert counting.counts(T + 1) == (1, 1)
    assert counting.pair_counts(T + 1) == (1, 1)
    assert counting.pair_counts(T + 1, user="bob") == (0, 0)


def test_a_click_counts_at_the_tick_of_its_impression(counting: Counting) -> None:
    counting.record(shown())
    assert counting.record(clicked(tick=T + 5)) == Receipt(clicks=1)
    assert counting.counts(T + 1) == (1, 1)
    assert counting.counts(T) == (0, 0)


def test_a_click_decays_from_its_impression_on(counting: Counting) -> None:
    counting.record(shown())
    counting.record(shown(request=2, tick=T + 6))
    counting.record(clicked(tick=T + 11.5))
    values: dict[str, list[Value]] = {"item": [7], "user": ["ann"]}
    found = counting.histories[1].read(counting.store, values, np.array([T + 12]))
    assert found["user+item.clicks@1h"][0] == pytest.approx(0.25, rel=1e-12)
    assert found["user+item.impressions@1h"][0] == pytest.approx(0.75, rel=1e-12)


def test_events_that_are_sent_again_change_nothing(counting: Counting) -> None:
    events = (shown(), shown(ad=8), clicked())
    assert counting.record(*events) == Receipt(impressions=2, clicks=1)
    assert counting.record(*events) == Receipt(duplicates=3)
    assert counting.record(shown(tick=T + 3), clicked(tick=T + 3)) == Receipt(duplicates=2)
    assert counting.counts(T + 9) == (1, 1)


def test_duplicates_within_a_batch_change_nothing(counting: Counting) -> None:
    receipt = counting.record(shown(), shown(), clicked(), clicked())
    assert receipt == Receipt(impressions=1, clicks=1, duplicates=2)
    assert counting.counts(T + 1) == (1, 1)


def test_the_same_item_in_another_request_is_another_impression(counting: Counting) -> None:
    assert counting.record(shown(request=1), shown(request=2)).impressions == 2
    assert counting.counts(T + 1) == (2, 0)


def test_a_click_before_its_impression_waits_for_it(counting: Counting) -> None:
    assert counting.record(clicked(tick=T + 2)) == Receipt(waiting=1)
    assert counting.counts(T + 9) == (0, 0)
    assert counting.record(clicked(tick=T + 2)) == Receipt(duplicates=1)
    assert counting.record(shown()) == Receipt(impressions=1, clicks=1)
    assert counting.counts(T + 1) == (1, 1)
    assert counting.record(clicked(tick=T + 2)) == Receipt(duplicates=1)


def test_a_click_before_its_impression_in_one_batch(counting: Counting) -> None:
    assert counting.record(clicked(), shown()) == Receipt(impressions=1, clicks=1, waiting=1)
    assert counting.counts(T + 1) == (1, 1)


def test_ids_may_be_numbers_or_texts(counting: Counting) -> None:
    counting.record(shown(display="1", ad="7"))
    assert counting.record(clicked(display=1, ad=7.0)) == Receipt(clicks=1)


def test_events_may_use_the_names_of_roles(counting: Counting) -> None:
    event = {"type": "impression", "request_id": 1, "time": moment(T), "user": "ann", "item": 7}
    counting.record(event)
    assert counting.record(clicked()) == Receipt(clicks=1)
    assert counting.pair_counts(T + 1) == (1, 1)


def test_a_missing_user_counts_for_the_item_alone(counting: Counting) -> None:
    counting.record(shown(who=None))
    assert counting.counts(T + 1) == (1, 0)
    assert counting.pair_counts(T + 1) == (0, 0)


MALFORMED: list[tuple[Any, str]] = [
    ({"type": "view", "display": 1, "ad": 7}, "field 'type'"),
    ({"display": 1, "ad": 7}, "field 'type'"),
    ({"type": ["click"], "display": 1, "ad": 7}, "field 'type'"),
    ({"type": "impression", "ad": 7}, "field 'display'"),
    ({"type": "click", "display": 1.5, "ad": 7}, "field 'display'"),
    ({"type": "click", "display": 1}, "field 'ad'"),
    ({"type": "click", "display": 1, "ad": "seven"}, "field 'ad'"),
    ({"type": "impression", "display": 1, "ad": 7, "who": 1.5}, "field 'who'"),
    ({"type": "impression", "display": 1, "ad": 7, "ts": "soon"}, "field 'ts'"),
    ("click", "expected an object"),
]


@pytest.mark.parametrize(("event", "message"), MALFORMED)
def test_a_malformed_event_is_named_and_nothing_of_its_batch_is_recorded(
    counting: Counting, event: dict[str, Any], message: str
) -> None:
    with pytest.raises(RequestError, match=rf"row 1.*{message}"):
        counting.record(shown(), event, clicked())
    assert counting.counts(T + 9) == (0, 0)
    assert counting.record(shown(), clicked()) == Receipt(impressions=1, clicks=1)


def test_events_from_the_future_are_refused(counting: Counting) -> None:
    now = time.time() / 600
    with pytest.raises(RequestError, match=r"row 0: field 'ts'|row 0: field 'time'"):
        counting.record(shown(tick=now + 12))
    assert counting.record(shown(tick=now)).impressions == 1


def test_an_event_without_a_time_is_of_now(counting: Counting) -> None:
    before = int(time.time() // 600)
    counting.record(shown(ts=None))
    after = int(time.time() // 600)
    assert counting.counts(before) == (0, 0)
    assert counting.counts(after + 1) == (1, 0)


def test_no_events_are_no_events(counting: Counting) -> None:
    assert counting.record() == Receipt()


def test_an_impression_is_forgotten_after_its_window_and_its_counts_are_not() -> None:
    counting = Counting(MemoryStore(), window=6_000)
    counting.record(shown())
    counting.store.expire(int(moment(T + 10) * 1e6) + 1)
    assert counting.record(clicked(tick=T + 11)) == Receipt(waiting=1)
    assert counting.counts(T + 20) == (1, 0)


def test_an_impression_is_remembered_until_its_window_ends() -> None:
    counting = Counting(MemoryStore(), window=6_000)
    counting.record(shown())
    counting.store.expire(int(moment(T + 10) * 1e6))
    assert counting.record(clicked(tick=T + 10)) == Receipt(clicks=1)


def test_a_restart_with_an_sqlite_store_keeps_counts_and_impressions(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    first = Counting(SQLiteStore(path, "d"))
    first.record(shown(), shown(request=2), clicked(request=2))
    first.store.close()
    second = Counting(SQLiteStore(path, "d"))
    assert second.counts(T + 1) == (2, 1)
    assert second.record(shown()) == Receipt(duplicates=1)
    assert second.record(clicked()) == Receipt(clicks=1)
    assert second.counts(T + 1) == (2, 2)


def test_a_restart_with_a_memory_store_forgets() -> None:
    first = Counting(MemoryStore())
    first.record(shown())
    assert Counting(MemoryStore()).counts(T + 1) == (0, 0)
    assert first.counts(T + 1) == (1, 0)
