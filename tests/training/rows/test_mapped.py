"""Tables that are put together on disk are the tables that were given."""

from pathlib import Path

import numpy as np
import pytest

from clickthrough.errors import DataError
from clickthrough.features.encoding.encoder import Encoded
from clickthrough.mapped_array import MappedArray
from clickthrough.training.rows.mapped import TableWriter
from clickthrough.training.rows.table import Table
from tests.small_files import no_larger_than


def made_table(seed: int, requests: int, bags: int = 3) -> Table:
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 5, requests)
    rows = int(sizes.sum())
    inputs = Encoded(
        rng.integers(0, 9, (rows, 2), np.int32),
        rng.normal(size=(rows, 4)).astype(np.float32),
        rng.integers(0, 9, (rows, bags), np.int32),
        rng.random((rows, bags)).astype(np.float32),
    )
    rates = {"item": rng.random(rows).astype(np.float32), "rate of x": np.ones(rows, np.float32)}
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    return Table(inputs, rng.integers(0, 2, rows).astype(np.int8), offsets, rates)


@pytest.mark.parametrize("bags", [0, 3])
def test_parts_one_after_another_are_the_whole(tmp_path: Path, bags: int) -> None:
    parts = [made_table(seed, requests, bags) for seed, requests in ((1, 7), (2, 0), (3, 400))]
    writer = TableWriter(tmp_path)
    for part in parts:
        writer.add(part)
    found = writer.table()
    whole = Encoded.joined([part.inputs for part in parts])
    for name, array in whole.arrays().items():
        assert found.inputs.arrays()[name].dtype == array.dtype
        assert np.array_equal(found.inputs.arrays()[name], array)
    assert np.array_equal(found.labels, np.concatenate([part.labels for part in parts]))
    sizes = np.concatenate([np.diff(part.offsets) for part in parts])
    assert np.array_equal(np.diff(found.offsets), sizes)
    assert found.offsets[0] == 0
    assert found.offsets.dtype == np.int64
    for name in ("item", "rate of x"):
        assert np.array_equal(found.rates[name], np.concatenate([p.rates[name] for p in parts]))


def test_a_change_stays_in_memory_and_no_file_is_left(tmp_path: Path) -> None:
    array = MappedArray(tmp_path)
    array.add(np.arange(5))
    found = array.read()
    found[2] = 100
    assert array.read().tolist() == [0, 1, 2, 3, 4]
    assert list(tmp_path.iterdir()) == []


def test_rows_in_any_layout_are_kept(tmp_path: Path) -> None:
    array, rows = MappedArray(tmp_path), np.arange(24.0).reshape(4, 6)
    for given in (rows, rows[:, ::-1], np.asfortranarray(rows), rows[::2]):
        array.add(given)
    expected = np.concatenate([rows, rows[:, ::-1], rows, rows[::2]])
    assert np.array_equal(array.read(), expected)


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    array = MappedArray(tmp_path)
    wanted = rf"{tmp_path}: cannot be written"
    with no_larger_than(1_000), pytest.raises(DataError, match=wanted):
        array.add(np.zeros(10_000))


def test_rows_that_nobody_wrote_are_not_read(tmp_path: Path) -> None:
    array = MappedArray(tmp_path)
    array.add(np.arange(10))
    with pytest.raises(EOFError, match="40 bytes"):
        array.copied([slice(5, 15)])
