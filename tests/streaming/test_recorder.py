import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from clickthrough.config.features import Counters
from clickthrough.config.serving import Serving
from clickthrough.errors import RequestError
from clickthrough.features.columns import KeySet
from clickthrough.features.history.counters import CounterHistory, state_layout
from clickthrough.features.history.keys import key_bytes
from clickthrough.features.history.snapshot import Snapshot
from clickthrough.features.rows import RowParser, Value
from clickthrough.schema import Schema
from clickthrough.store import MemoryStore, SQLiteStore, Store
from clickthrough.streaming.key_sets import BEFORE_ALL
from clickthrough.streaming.recorder import Receipt, Recorder, Source

ROOT = Path(__file__).resolve().parents[2]  # that of conftest costs another process seconds

SCHEMA = Schema(
    roles={"label": "clicked", "request_id": "display", "time": "ts", "user": "who", "item": "ad"},
    fields={"request_id": "int", "user": "str", "item": "int"},
)
COUNTERS = Counters(tick=600)
T = 2_840_000
"""A tick, in 2024."""
ITEM, PAIR = KeySet(("item",)), KeySet(("user", "item"), half_lives=(3_600,))
NOTHING = Snapshot.of({})


class Counting:
    """A recorder, and what its counters say."""

    def __init__(
        self,
        store: Store,
        window: int = 86_400,
        known: Snapshot = NOTHING,
        until: int = BEFORE_ALL,
        **limits: int,
    ) -> None:
        self.store = store
        self.histories = [
            CounterHistory(ITEM, SCHEMA, COUNTERS, known),
            CounterHistory(PAIR, SCHEMA, COUNTERS, NOTHING),
        ]
        parser = RowParser(SCHEMA, ["user", "item"])
        settings = Serving.model_validate({"attribution_window": window, **limits})
        self.recorder = Recorder([Source(parser, self.histories, until)], store, settings)

    def record(self, *events: dict[str, Any]) -> Receipt:
        return self.recorder.record(events)

    def counts(self, tick: int, item: int = 7, user: str = "ann") -> tuple[int, int]:
        """Return impressions and clicks of an item as of a tick; a pair's must agree."""
        values: dict[str, list[Value]] = {"item": [item], "user": [user]}
        ticks = np.array([tick])
        of_item = self.histories[0].read(self.store, values, ticks)
        return int(of_item["item:impressions"][0]), int(of_item["item:clicks"][0])

    def pair_counts(self, tick: int, item: int = 7, user: str = "ann") -> tuple[int, int]:
        values: dict[str, list[Value]] = {"item": [item], "user": [user]}
        found = self.histories[1].read(self.store, values, np.array([tick]))
        return int(found["user+item:impressions"][0]), int(found["user+item:clicks"][0])


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
    return Counting(SQLiteStore(tmp_path / "store.sqlite"))


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
    assert found["user+item:clicks@1h"][0] == pytest.approx(0.25, rel=1e-12)
    assert found["user+item:impressions@1h"][0] == pytest.approx(0.75, rel=1e-12)


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
    ({"type": "purchase", "display": 1, "ad": 7}, "field 'type'"),
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
    first = Counting(SQLiteStore(path))
    first.record(shown(), shown(request=2), clicked(request=2))
    first.store.close()
    second = Counting(SQLiteStore(path))
    assert second.counts(T + 1) == (2, 1)
    assert second.record(shown()) == Receipt(duplicates=1)
    assert second.record(clicked()) == Receipt(clicks=1)
    assert second.counts(T + 1) == (2, 2)


def test_a_restart_with_a_memory_store_forgets() -> None:
    first = Counting(MemoryStore())
    first.record(shown())
    assert Counting(MemoryStore()).counts(T + 1) == (0, 0)
    assert first.counts(T + 1) == (1, 0)


BATCHES, USERS, ITEMS = 200, 5, 8


def batches() -> list[list[dict[str, Any]]]:
    """Return events in the order in which a sender has them.

    Clicks come with, after and before their impressions, and some events are sent twice.
    """
    rng = np.random.default_rng(3)
    made: list[list[dict[str, Any]]] = [[] for _ in range(BATCHES)]
    for request in range(BATCHES):
        for item in rng.choice(ITEMS, 3, replace=False).tolist():
            tick = T + request / 10
            who = f"user {rng.integers(USERS)}"
            event = shown(request, tick, ad=item, who=who)
            made[request].append(event)
            if rng.random() < 0.4:
                place = int(np.clip(request + rng.integers(-3, 4), 0, BATCHES - 1))
                made[place].append(clicked(request, tick, ad=item))
            if rng.random() < 0.1:
                made[min(request + int(rng.integers(3)), BATCHES - 1)].append(event)
    return made


def record_all(store: str) -> None:
    """Record batches and say so of each; another process calls this, and is killed meanwhile."""
    counting = Counting(SQLiteStore(Path(store)))
    for number, batch in enumerate(batches()[:-1]):
        counting.record(*batch)
        print(number, flush=True)
    sys.stdin.read()  # the last one is never recorded, however late the end comes


def state(counting: Counting) -> dict[str, NDArray[np.generic]]:
    """Return every history column of every key, as of a few ticks."""
    rows = [(item, f"user {user}", tick) for item in range(ITEMS) for user in range(USERS)
            for tick in (T + 1, T + 11, T + 25, T + 40)]  # fmt: skip
    values: dict[str, list[Value]] = {
        "item": [item for item, _, _ in rows],
        "user": [user for _, user, _ in rows],
    }
    ticks = np.array([tick for _, _, tick in rows])
    found: dict[str, NDArray[np.generic]] = {}
    for history in counting.histories:
        found |= history.read(counting.store, values, ticks)
    return found


def same(one: dict[str, NDArray[np.generic]], other: dict[str, NDArray[np.generic]]) -> bool:
    return all(np.array_equal(one[name], other[name], equal_nan=True) for name in one | other)


@cache
def after(count: int) -> dict[str, NDArray[np.generic]]:
    """Return what a recorder that nobody disturbed comes to after some batches."""
    counting = Counting(MemoryStore())
    for batch in batches()[:count]:
        counting.record(*batch)
    return state(counting)


@pytest.mark.parametrize("patience", [1, 60, 130])
def test_what_was_acknowledged_survives_a_kill_and_sending_all_again_repairs_the_rest(
    tmp_path: Path, patience: int
) -> None:
    path = tmp_path / "store.sqlite"
    code = "import sys; from tests.streaming.test_recorder import record_all; "
    process = subprocess.Popen(
        [sys.executable, "-c", f"{code} record_all(sys.argv[1])", str(path)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    acknowledged = [process.stdout.readline() for _ in range(patience)]
    process.kill()
    acknowledged += process.stdout.read().splitlines(keepends=True)
    assert process.wait() == -9
    whole = [int(line) for line in acknowledged if line.endswith("\n")]
    count, sent = len(whole), batches()
    assert whole == list(range(count))
    assert patience <= count < BATCHES

    counting = Counting(SQLiteStore(path))
    # the batch that was being recorded is there as a whole or not at all
    assert any(same(state(counting), after(most)) for most in (count, count + 1))
    for batch in sent[:count]:
        assert counting.record(*batch) == Receipt(duplicates=len(batch))
    for batch in sent:
        counting.record(*batch)
    assert same(state(counting), after(BATCHES))
    assert not same(state(counting), after(BATCHES - 1))
    counting.store.close()


def known_of(item: int, impressions: int, clicks: int, tick: int) -> Snapshot:
    """Return what a bundle would know of an item."""
    layout = state_layout(ITEM, COUNTERS)
    counts = np.array([[impressions, clicks]], np.float64)
    made = layout.add(layout.empty(1), np.array([0]), np.array([float(tick)]), counts)
    return Snapshot.of({key_bytes("item", [item]) or b"": layout.pack(made)[0]})


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "memory":
        return MemoryStore()
    return SQLiteStore(tmp_path / "store.sqlite")


def tidied(counting: Counting, tick: float) -> None:
    """Send an event of item 99 so often that the store is tidied afterwards."""
    counting.record(*[shown(99_999, tick, ad=99)] * 10_000)


def test_a_key_without_events_falls_back_to_the_bundle(store: Store) -> None:
    counting = Counting(store, known=known_of(7, 100, 10, T - 50), forget_after=6_000)
    assert counting.counts(T) == (100, 10)
    counting.record(shown(1), shown(1, ad=9), clicked(1), shown(2, T + 2, ad=8))
    counting.record(shown(3, T + 4, ad=8))
    tidied(counting, T + 12)
    assert counting.counts(T + 12) == (101, 11)  # its batch was of T + 2: not more than 6,000 s ago
    tidied(counting, T + 12.1)
    assert counting.counts(T + 20) == (100, 10)
    assert counting.counts(T + 20, item=9) == (0, 0)  # the bundle knows nothing of it
    assert counting.counts(T + 20, item=8) == (2, 0)
    assert counting.counts(T + 20, item=99) == (1, 0)
    assert counting.pair_counts(T + 20) == (0, 0)


def test_an_event_keeps_its_keys_from_being_forgotten(store: Store) -> None:
    counting = Counting(store, known=known_of(7, 100, 10, T - 50), forget_after=6_000)
    for request in range(4):
        counting.record(shown(request, T + 6 * request))
        tidied(counting, T + 6 * request)
    assert counting.counts(T + 99) == (104, 10)
    assert counting.pair_counts(T + 99) == (4, 0)


def test_a_key_that_was_forgotten_begins_again_from_the_bundle(store: Store) -> None:
    counting = Counting(store, known=known_of(7, 100, 10, T - 50), forget_after=6_000)
    counting.record(shown(1))
    tidied(counting, T + 30)
    counting.record(shown(3, T + 31), clicked(3, T + 31))
    assert counting.counts(T + 32) == (101, 11)


def test_of_too_many_keys_the_newest_stay_and_the_oldest_fall_back(store: Store) -> None:
    # an item and a pair each, and the impression shown last: seven values hold three items
    counting = Counting(store, window=0, known=known_of(7, 100, 10, T - 50), most_keys=7)
    for place, item in enumerate((7, 8, 9)):
        counting.record(shown(place, T + place, ad=item))
    assert counting.counts(T + 9, item=7) == (101, 10)
    tidied(counting, T + 4)
    assert counting.counts(T + 9, item=7) == (100, 10)
    assert counting.pair_counts(T + 9, item=7) == (0, 0)
    for item in (8, 9, 99):
        assert counting.counts(T + 9, item=item) == (1, 0)
        assert counting.pair_counts(T + 9, item=item) == (1, 0)


def test_nothing_is_forgotten_below_both_limits(store: Store) -> None:
    counting = Counting(store, known=known_of(7, 100, 10, T - 50), most_keys=100)
    for item in range(20):
        counting.record(shown(item, T + item, ad=item))
    tidied(counting, T + 90)
    assert counting.counts(T + 99) == (101, 10)
    assert all(counting.counts(T + 99, item=item) == (1, 0) for item in range(20) if item != 7)


def test_of_too_many_keys_an_impression_that_waits_for_its_click_is_not_the_first_to_go(
    store: Store,
) -> None:
    counting = Counting(store, known=known_of(7, 100, 10, T - 50), most_keys=9)
    for place, item in enumerate((7, 8, 9)):
        counting.record(shown(place, T + 100 * place, ad=item))
    tidied(counting, T + 201)
    assert counting.record(shown(2, T + 200, ad=9)) == Receipt(duplicates=1)
    assert counting.record(clicked(2, T + 202, ad=9)) == Receipt(clicks=1)
    assert counting.counts(T + 300, item=9) == (1, 1)
