"""What a bundle knows of each key, as a store would hold it."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clickthrough.features.history.digests import DIGEST
from clickthrough.features.history.keys import key_bytes, read_layered
from clickthrough.features.history.snapshot import Snapshot
from clickthrough.store import MemoryStore

states_of_keys = st.dictionaries(st.binary(max_size=8), st.binary(max_size=40), max_size=30)


@settings(max_examples=100, deadline=None)
@given(states=states_of_keys, others=st.lists(st.binary(max_size=8), max_size=10), data=st.data())
def test_every_key_reads_its_own_value_and_others_none(
    states: dict[bytes, bytes], others: list[bytes], data: st.DataObject
) -> None:
    snapshot = Snapshot.of(states)
    asked = data.draw(st.permutations([*states, *others]))
    expected = [states.get(key) for key in asked]
    assert snapshot.read(asked) == expected
    assert snapshot.read(asked) == expected  # also of what it has at hand
    assert [value for key in asked for value in Snapshot.of(states).read([key])] == expected
    assert len(snapshot) == len(states)


def test_values_may_be_empty_and_end_in_zeros() -> None:
    states = {b"a": b"", b"b": b"\0\0", b"c": b"1\0", b"d": b""}
    assert Snapshot.of(states).read(list(states)) == list(states.values())


def test_an_empty_snapshot_knows_nothing() -> None:
    assert Snapshot.of({}).read([b"a", b""]) == [None, None]
    assert Snapshot.of({b"a": b"1"}).read([]) == []


@pytest.mark.parametrize("states", [{}, {b"a": b"123", b"b": b""}])
def test_a_saved_snapshot_is_mapped_as_it_was(tmp_path: Path, states: dict[bytes, bytes]) -> None:
    Snapshot.of(states).save(tmp_path, "item")
    loaded = Snapshot(*(np.load(path, "r") for path in Snapshot.files(tmp_path, "item")))
    assert loaded.read([b"b", b"c", b"a"]) == [states.get(key) for key in (b"b", b"c", b"a")]
    if states:
        assert isinstance(loaded.values, np.memmap)


def test_a_snapshot_does_not_depend_on_the_order_of_its_keys() -> None:
    states = {bytes([i]): bytes([i] * i) for i in range(20)}
    one, other = Snapshot.of(states), Snapshot.of(dict(reversed(states.items())))
    for a, b in zip(vars(one).values(), vars(other).values(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_store_goes_before_the_snapshot() -> None:
    store, snapshot = MemoryStore(), Snapshot.of({b"a": b"old", b"b": b"old"})
    digest = bytes(DIGEST)
    store.update(lambda tx: tx.write({digest + b"a": b"new", digest + b"c": b"new"}))
    keys = [digest + key for key in (b"d", b"c", b"b", b"a")]
    assert read_layered(store, snapshot, keys) == [None, b"new", b"old", b"new"]


def test_a_number_and_the_text_of_its_digits_are_different_keys() -> None:
    assert key_bytes("item", [7]) != key_bytes("item", ["7"])
    assert key_bytes("user+item", ["a", "bc"]) != key_bytes("user+item", ["ab", "c"])
    assert key_bytes("item", [7]) != key_bytes("user", [7])


@pytest.mark.parametrize("parts", [[None], ["a", None], [None, 3]])
def test_a_key_with_a_missing_part_is_no_key(parts: list[str | int | None]) -> None:
    assert key_bytes("key", parts) is None


def test_zero_is_a_key() -> None:
    assert key_bytes("item", [0]) is not None
