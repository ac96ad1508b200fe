"""What a store holds may be damaged: the key is named, nothing else breaks."""

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
import pytest

from clickthrough.config.features import Counters
from clickthrough.errors import StoreError
from clickthrough.features.columns import KeySet, SequenceSet
from clickthrough.features.history.base import Changes
from clickthrough.features.history.counters import CounterHistory
from clickthrough.features.history.online import Histories
from clickthrough.features.history.sequences import SequenceHistory
from clickthrough.features.history.snapshot import Snapshot
from clickthrough.features.rows import Value
from clickthrough.schema import Schema
from clickthrough.store import MemoryStore
from clickthrough.store.base import Transaction
from tests.features.history.keyed import keys_of

SCHEMA = Schema(roles={}, fields={"user": "str", "item": "int", "page": "str"})
COUNTERS, NOTHING = Counters(tick=600), Snapshot.of({})
ITEM = CounterHistory(KeySet(("item",), half_lives=(3_600,)), SCHEMA, COUNTERS, NOTHING)
USER = CounterHistory(KeySet(("user",), half_lives=(7_200,)), SCHEMA, COUNTERS, NOTHING)
ITEMS = SequenceHistory(SequenceSet(("user",), "item", 5), SCHEMA, COUNTERS, NOTHING)
PAGES = SequenceHistory(SequenceSet(("user",), "page", 5), SCHEMA, COUNTERS, NOTHING)
CHANGES = Changes(np.array([0]), np.array([[1.0, 1.0]]))
HEADER = ITEM.layout.header_bytes
STATES = [b"", b"x", bytes(24), bytes(HEADER - 8), bytes(HEADER - 24), bytes(HEADER + 8),
          bytes(HEADER + 23), bytes(HEADER + 25)]  # fmt: skip


def holding(values: Mapping[bytes, bytes]) -> MemoryStore:
    store = MemoryStore()
    store.update(lambda tx: tx.write(values))
    return store


def rows(count: int) -> dict[str, list[Value]]:
    return {"item": [*range(count)], "user": ["ann"]}


@pytest.mark.parametrize("count", [3, 60])
@pytest.mark.parametrize("state", STATES)
def test_a_state_of_another_length_is_named(state: bytes, count: int) -> None:
    key = keys_of(ITEM, rows(count))[2]
    assert key is not None
    store, ticks = holding({key: state}), np.array([5])
    with pytest.raises(StoreError, match=rf"key set 'item'.*{len(state)} bytes.*item.*\\x02"):
        Histories([USER, ITEM]).read(store, rows(count), ticks)

    with pytest.raises(StoreError, match="key set 'item'"):
        store.update(lambda tx: ITEM.add(tx, [key], CHANGES, 9))
    users = [key for key in keys_of(USER, rows(1)) if key]
    store.update(lambda tx: USER.add(tx, users, CHANGES, 9))
    assert USER.read(store, rows(1), ticks)["user:impressions"].tolist() == [1]


def test_states_of_sound_lengths_are_read() -> None:
    for size in (HEADER, HEADER + 24, HEADER + 240):
        keys = [key for key in keys_of(ITEM, rows(60)) if key]
        store = holding(dict.fromkeys(keys, bytes(size)))
        assert ITEM.read(store, rows(60), np.array([5]))["item:impressions"].tolist() == [0] * 60


LISTS: list[Any] = [
    3, "text", [3], [[3]], [["a", 3]], [[3, 4, 5]], [[2**63, 4]], [[4, None]], [[4, 2.5]], {"a": 3},
]  # fmt: skip


@pytest.mark.parametrize("held", [*LISTS, [[4, "a"]], [[4, 2**63]]])
def test_a_list_of_other_things_is_named(held: object) -> None:
    refused(ITEMS, "user:last:item", msgspec.msgpack.encode(held))


@pytest.mark.parametrize("held", [*LISTS, [[4, 7]]])
def test_a_list_of_no_texts_is_named(held: object) -> None:
    refused(PAGES, "user:last:page", msgspec.msgpack.encode(held))


@pytest.mark.parametrize("state", [b"", b"\xc1", b"\x91", b"\x91\x92\x01\xa1\xff"])
def test_bytes_that_are_no_list_are_named(state: bytes) -> None:
    refused(PAGES, "user:last:page", state)


def refused(history: SequenceHistory, name: str, state: bytes) -> None:
    (key,) = keys_of(history, rows(1))
    assert key is not None
    store = holding({key: state})
    with pytest.raises(StoreError, match=f"sequence '{name}'.*ann"):
        Histories([history]).read(store, rows(1), np.array([5]))

    def change(tx: Transaction) -> None:
        history.add(tx, [(key, 3)], CHANGES, 9)

    with pytest.raises(StoreError, match=f"sequence '{name}'.*ann"):
        store.update(change)


def test_a_long_key_is_cut() -> None:
    values: dict[str, list[Value]] = {"user": ["x" * 10_000]}
    (key,) = keys_of(USER, values)
    with pytest.raises(StoreError) as raised:
        USER.read(holding({key or b"": b"x"}), values, np.array([5]))
    assert len(str(raised.value)) < 300
