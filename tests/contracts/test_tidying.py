"""Stores forget what is old a slice at a time, and let readers in meanwhile."""

import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clickthrough.store import SQLiteStore, Store, memory, open_store, sqlite
from clickthrough.store.base import Transaction
from clickthrough.store.redis import tidying

Lives = dict[bytes, tuple[int, int] | None]
"""When each value changed and expires; None for never."""
lives_of_keys = st.dictionaries(
    st.binary(max_size=3),
    st.none() | st.tuples(st.integers(0, 6), st.integers(0, 6)),
    max_size=25,
)


@pytest.fixture(params=["memory", "sqlite", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    where = {"memory": "memory", "sqlite": str(tmp_path / "s.sqlite")}.get(request.param)
    made = open_store(where or request.getfixturevalue("redis_url"))
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (memory, sqlite, tidying):
        monkeypatch.setattr(module, "_SLICE", 4)


def filled(store: Store, lives: Lives) -> None:
    """Let a store hold these values and no others."""

    def change(tx: Transaction) -> None:
        for key, life in lives.items():
            changed, expires = life or (0, None)
            tx.write({key: b"1"}, expires=expires, changed=changed)

    store.update(change)


def held(store: Store, lives: Lives) -> set[bytes]:
    found = store.read(list(lives))
    return {key for key, value in zip(lives, found, strict=True) if value is not None}


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(lives=lives_of_keys, before=st.integers(0, 7))
def test_expiring_in_slices_forgets_what_expires_before(
    store: Store, lives: Lives, before: int
) -> None:
    store.expire(100)
    filled(store, lives)
    old = {key for key, life in lives.items() if life and life[1] < before}
    assert store.expire(before) == len(old)
    assert held(store, lives) == set(lives) - old


@pytest.fixture(params=["memory", "sqlite", "redis"])
def fresh_store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], Store]:
    """Makes stores that hold nothing."""
    if request.param == "redis":
        url = request.getfixturevalue("redis_url")
        return lambda: open_store(f"{url}&prefix={secrets.token_hex(8)}")
    if request.param == "memory":
        return lambda: open_store("memory")
    return lambda: open_store(tmp_path_factory.mktemp("trim") / "s.sqlite")


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(lives=lives_of_keys, data=st.data())
def test_trimming_in_slices_forgets_what_changed_first(
    fresh_store: Callable[[], Store], lives: Lives, data: st.DataObject
) -> None:
    fresh = fresh_store()
    filled(fresh, lives)
    most = data.draw(st.integers(0, len(lives) + 1))
    order = sorted(life for life in lives.values() if life)
    excess = min(len(order), max(0, len(lives) - most))
    assert fresh.trim(most) == excess
    kept = held(fresh, lives)
    assert fresh.count() == len(kept) == len(lives) - excess
    # of those that are alike, any may have gone
    assert sorted(life for key, life in lives.items() if key in kept and life) == order[excess:]
    assert kept >= {key for key, life in lives.items() if life is None}
    fresh.close()


@pytest.mark.parametrize("method", ["expire", "trim"])
def test_readers_and_writers_are_let_in_between_slices(store: Store, method: str) -> None:
    lives: Lives = {bytes([i]): (1, 1) for i in range(40)}
    filled(store, {**lives, b"kept": (9, 99)})
    seen: list[int] = []
    with ThreadPoolExecutor(1) as pool:

        def breathe() -> None:
            seen.append(len(pool.submit(held, store, lives).result(timeout=30)))

        forget = store.expire if method == "expire" else store.trim
        assert forget(50 if method == "expire" else 1, breathe) == 40
    assert len(set(seen)) > 5
    assert seen == sorted(seen, reverse=True)
    assert seen[-1] == 0
    assert store.read([b"kept"]) == [b"1"]


def test_what_is_written_between_slices_is_kept(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "s.sqlite")
    lives: Lives = {bytes([i]): (1, 1) for i in range(40)}
    filled(store, lives)
    last: Lives = {bytes([39]): (9, 99)}
    assert store.expire(50, lambda: filled(store, last)) == 39
    assert held(store, lives) == set(last)
    assert store.count() == 1
    store.close()
