"""A table in parts: every row in one of them, those of the same key together."""

from pathlib import Path

import polars as pl
import pytest

from clickthrough import dealt as module
from clickthrough.cleanup import clear_left
from clickthrough.dealt import DEALT, dealt, dealt_out
from tests.odd import ODD

ROWS = pl.DataFrame(
    {"a": [place % 17 for place in range(400)], "b": ["x", "y"] * 200, "n": range(400)}
)


@pytest.mark.parametrize("most", [30, 399, 400])
def test_rows_of_a_key_share_a_part(
    tmp_path: Path, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HELD", most)
    parts = [part.collect() for part in dealt(ROWS.lazy(), ["a", "b"], tmp_path)]
    assert (len(parts) == 1) == (most == 400)
    assert pl.concat(parts).sort("n").equals(ROWS)
    keys = pl.concat([part.select("a", "b").unique() for part in parts])
    assert keys.is_unique().all()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("files", [2, 3])
def test_parts_that_are_still_long_are_dealt_again(
    tmp_path: Path, files: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HELD", 20)
    monkeypatch.setattr(module, "MOST_FILES", files)
    parts = [part.collect() for part in dealt(ROWS.lazy(), ["a", "b"], tmp_path)]
    assert len(parts) > files
    assert pl.concat(parts).sort("n").equals(ROWS)
    keys = pl.concat([part.select("a", "b").unique() for part in parts])
    assert keys.is_unique().all()
    assert list(tmp_path.iterdir()) == []


def test_rows_of_one_key_are_one_part_however_many_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HELD", 1)
    for part in dealt(ROWS.lazy().with_columns(a=1), ["a"], tmp_path):
        assert part.collect().height == ROWS.height
        assert len(list(tmp_path.iterdir())) == 1  # it was not dealt out again for nothing


def test_each_part_goes_before_the_next_comes(tmp_path: Path) -> None:
    folder, left = tmp_path / ODD, list[int]()
    folder.mkdir()
    for part in dealt_out(ROWS.lazy(), pl.col("a") % 5, folder):
        assert (part.collect()["a"] % 5).n_unique() == 1
        (own,) = folder.iterdir()
        left.append(len(list(own.iterdir())))
    assert left == [5, 4, 3, 2, 1]


def test_without_a_folder_all_rows_are_one_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HELD", 10)
    (part,) = dealt(ROWS.lazy(), ["a"], None)
    assert part.collect().equals(ROWS)


def test_no_rows_are_one_part(tmp_path: Path) -> None:
    (part,) = dealt(ROWS.head(0).lazy(), ["a"], tmp_path)
    assert part.collect().height == 0


def test_whoever_stops_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HELD", 10)
    parts = dealt(ROWS.lazy(), ["a"], tmp_path)
    next(parts)
    assert len(list(tmp_path.iterdir())) == 1
    parts.close()
    assert list(tmp_path.iterdir()) == []


def test_what_is_in_use_is_not_cleared_and_what_a_killed_process_left_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HELD", 10)
    left = tmp_path / f"{DEALT}abcdefgh"
    (left / "part").mkdir(parents=True)
    parts = dealt(ROWS.lazy(), ["a"], tmp_path)
    next(parts)
    clear_left(tmp_path, DEALT)
    assert not left.exists()
    assert sum(part.collect().height for part in parts) < ROWS.height
    assert list(tmp_path.iterdir()) == []
