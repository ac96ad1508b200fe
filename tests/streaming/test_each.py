"""The events of several callers at once, a slice at a time."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from clickthrough.errors import RequestError, StoreError
from clickthrough.store import MemoryStore, SQLiteStore, Store
from clickthrough.streaming.recorder import Receipt
from tests.streaming.test_recorder import Counting, T, clicked, same, shown, state


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    made = MemoryStore() if request.param == "memory" else SQLiteStore(tmp_path / "s.sqlite")
    yield made
    made.close()


def test_each_body_has_its_own_receipt(store: Store) -> None:
    counting = Counting(store)
    bodies = [[shown(1)], [], [shown(2), clicked(1)], [shown(1), clicked(2), clicked(3)]]
    assert counting.recorder.record_each(bodies) == [
        Receipt(impressions=1),
        Receipt(),
        Receipt(impressions=1, clicks=1),
        Receipt(clicks=1, duplicates=1, waiting=1),
    ]
    assert counting.counts(T + 1) == (2, 2)
    assert counting.recorder.record_each([]) == []


@pytest.mark.parametrize("place", [0, 70, 199])
def test_a_malformed_body_is_refused_alone_and_as_a_whole(store: Store, place: int) -> None:
    for wrong in ({"type": "click", "display": 1, "ad": "seven"}, "no object"):
        counting = Counting(MemoryStore())
        body: list[Any] = [shown(100 + i) for i in range(200)]
        body[place] = wrong
        answers = counting.recorder.record_each([[shown(1)], body, [shown(2)]])
        assert answers[::2] == [Receipt(impressions=1)] * 2
        assert isinstance(answers[1], RequestError)
        assert f"row {place}:" in str(answers[1])
        assert counting.counts(T + 1) == (2, 0)


def many(count: int) -> list[dict[str, Any]]:
    """Return impressions of some users and items, every third of them with its click."""
    made = []
    for number in range(count):
        about = {"request": number, "tick": T + number / 900, "ad": number % 8}
        made.append(shown(**about, who=f"user {number % 5}"))  # type: ignore[arg-type]
        if number % 3 == 0:
            made.append(clicked(**about))  # type: ignore[arg-type]
    return made


def test_bodies_told_at_once_come_to_the_same_as_one_after_another(store: Store) -> None:
    events = many(900)
    bodies = [events[start : start + 130] for start in range(0, len(events), 130)]
    at_once, apart = Counting(store), Counting(MemoryStore())
    told = at_once.recorder.record_each(bodies)
    assert told == [apart.record(*body) for body in bodies]
    assert same(state(at_once), state(apart))


def test_others_read_whenever_a_slice_ends_and_see_all_or_nothing(store: Store) -> None:
    counting, seen = Counting(store), []
    with ThreadPoolExecutor(1) as pool:

        def breathe() -> None:
            seen.append(pool.submit(counting.counts, T + 9, 3).result(timeout=30))
            seen.append(counting.counts(T + 9, 3))

        (told,) = counting.recorder.record_each([many(2_000)], breathe)
    assert told == Receipt(impressions=2_000, clicks=667)
    # 42 slices of rows, 11 of events, and one and more of each key set
    assert len(seen) > 2 * (42 + 11 + 2)
    assert set(seen) == {(0, 0)}
    assert counting.counts(T + 9, 3) == (250, 84)


def test_many_keys_are_updated_in_slices(store: Store) -> None:
    counting, events = Counting(store), [shown(i, ad=i) for i in range(2_000)]
    places: list[int] = []
    counting.recorder.record_each([events], lambda: places.append(len(places)))
    rows, steps, keys = 2_000 / 64, 2_000 / 256, 2 * 2_000 / 512
    assert len(places) >= int(rows + steps + keys)
    assert counting.counts(T + 1, item=1_999) == (1, 0)


def test_others_are_let_in_while_the_store_is_tidied(monkeypatch: pytest.MonkeyPatch) -> None:
    counting, seen = Counting(MemoryStore(), most_keys=100), []
    counting.record(*[shown(i, ad=i) for i in range(3_000)])
    monkeypatch.setattr("clickthrough.streaming.recorder._TIDY_EVERY", 1)
    monkeypatch.setattr("clickthrough.streaming.recorder._TIDY_SHARE", 0.0)
    (told,) = counting.recorder.record_each([[shown(9_999)]])
    assert told == Receipt(impressions=1)
    assert counting.recorder.is_due
    counting.recorder.tidy(lambda: seen.append(counting.store.count()))
    assert not counting.recorder.is_due
    assert len(set(seen)) > 5
    assert counting.store.count() == 100


def test_a_store_that_cannot_be_tidied_has_counted_the_events(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    counting = Counting(MemoryStore())
    monkeypatch.setattr("clickthrough.streaming.recorder._TIDY_EVERY", 1)

    def fail(*_: object) -> int:
        raise StoreError("the disk is full")

    monkeypatch.setattr(counting.store, "expire", fail)
    assert counting.record(shown()) == Receipt(impressions=1)
    assert "could not be tidied: the disk is full" in caplog.text
