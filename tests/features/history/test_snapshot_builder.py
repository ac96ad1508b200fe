"""Keys and values, batch by batch, become what one loop over all of them makes."""

from collections.abc import Sequence
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clickthrough.errors import DataError
from clickthrough.features.history import snapshot_builder
from clickthrough.features.history.snapshot import Snapshot
from clickthrough.features.history.snapshot_builder import Batch, SnapshotBuilder, Sorted, digest
from tests.small_files import no_larger_than

Pairs = list[tuple[bytes, bytes]]
values = st.binary(max_size=40) | st.integers(0, 5).map(lambda words: bytes(8 * words))
words = st.lists(st.binary(min_size=8, max_size=8), max_size=5).map(b"".join)
"""States of counters are whole words."""


def pairs_of(value: st.SearchStrategy[bytes]) -> st.SearchStrategy[Pairs]:
    pair = st.tuples(st.binary(max_size=8), value)
    return st.lists(pair, max_size=60, unique_by=lambda pair: pair[0])


def lawful(pairs: Pairs) -> Sorted:
    """Return what a snapshot holds, one key after another."""
    held = sorted((blake2b(key, digest_size=16).digest(), value) for key, value in pairs)
    ends, packed = [], b""
    for _, value in held:
        packed += value
        ends.append(len(packed))
    return Sorted(
        np.frombuffer(b"".join(own for own, _ in held), "S16"),
        np.array(ends, np.int64),
        np.frombuffer(packed, np.uint8),
    )


def built(batches: Sequence[Pairs], folder: Path | None) -> Sorted:
    builder = SnapshotBuilder(folder)
    for some in batches:
        builder.add(Batch.of([key for key, _ in some], [value for _, value in some]))
    return builder.sorted()


def assert_same(one: Sorted, other: Sorted) -> None:
    for name in Sorted._fields:
        a, b = getattr(one, name), getattr(other, name)
        assert a.dtype == b.dtype
        assert a.tobytes() == b.tobytes(), name


@pytest.mark.parametrize("kept_in", ["memory", "files"])
@settings(max_examples=150, deadline=None)
@given(
    pairs=pairs_of(values) | pairs_of(words),
    cuts=st.lists(st.integers(0, 60), max_size=3),
    at_once=st.sampled_from([1, 5, 1_000]),
    piece=st.sampled_from([1, 3, 1_000]),
)
def test_batches_become_what_one_loop_over_all_makes(
    tmp_path_factory: pytest.TempPathFactory,
    kept_in: str,
    pairs: Pairs,
    cuts: list[int],
    at_once: int,
    piece: int,
) -> None:
    folder = tmp_path_factory.getbasetemp() if kept_in == "files" else None
    ends = sorted(min(cut, len(pairs)) for cut in [0, *cuts, len(pairs)])
    batches = [pairs[start:end] for start, end in pairwise(ends)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(snapshot_builder, "_SLICE", at_once)
        patch.setattr(snapshot_builder, "_PIECE", piece)
        assert_same(built(batches, folder), lawful(pairs))


def test_digests_that_begin_alike_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    def alike(keys: Sequence[bytes]) -> np.ndarray[tuple[int], np.dtype[np.bytes_]]:
        return np.array([b"12345678" + key.rjust(8) for key in keys], "S16")

    monkeypatch.setattr(snapshot_builder, "digest", alike)
    found = built([[(b"c", b"3"), (b"a", b"1"), (b"d", b"44"), (b"b", b"2")]], None)
    assert found.values.tobytes() == b"12344"
    assert found.digests.tolist() == alike([b"a", b"b", b"c", b"d"]).tolist()


def test_what_is_made_is_mapped_and_leaves_no_file(tmp_path: Path) -> None:
    states = {bytes([i]): bytes(8 * i) for i in range(50)}
    snapshot = Snapshot.of_pairs(states.items(), tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert all(isinstance(array, np.memmap) for array in vars(snapshot).values())
    assert snapshot.read([*states]) == [*states.values()]
    snapshot.save(tmp_path, "item")
    held = Snapshot.of(states)
    held.save(tmp_path, "other")
    for one, other in zip(
        Snapshot.files(tmp_path, "item"), Snapshot.files(tmp_path, "other"), strict=True
    ):
        assert one.read_bytes() == other.read_bytes()


def test_digests_are_those_of_each_key() -> None:
    keys = [b"", b"a", b"x" * 300]
    expected = [blake2b(key, digest_size=16).digest() for key in keys]
    assert digest(keys).tobytes() == b"".join(expected)
    assert len(digest([])) == 0


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    builder = SnapshotBuilder(tmp_path)
    wanted = rf"{tmp_path}: cannot be written"
    with no_larger_than(1_000), pytest.raises(DataError, match=wanted):
        builder.add(Batch.of([b"key"], [bytes(10_000)]))
