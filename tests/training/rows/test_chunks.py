"""Chunks hold every row once, whole requests at a time; a sample is spread over its part."""

import numpy as np
import polars as pl
import pytest

from clickthrough.training.rows import chunks
from clickthrough.training.rows.chunks import Chunks


@pytest.fixture
def rows() -> pl.DataFrame:
    """Requests of one to five rows, most of them in the first part, some of two parts."""
    rng = np.random.default_rng(3)
    request = np.repeat(np.arange(2_000), rng.integers(1, 6, 2_000))
    part = np.minimum(request // 800, 2)
    part[rng.random(len(request)) < 0.01] = 2
    return pl.DataFrame({"row": np.arange(len(request)), "request_id": request, "part": part})


@pytest.fixture
def made(rows: pl.DataFrame, monkeypatch: pytest.MonkeyPatch) -> Chunks:
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 300)
    return Chunks.of(rows.lazy().drop("part"), rows.select("request_id", "part"))


def test_parts_are_divided_and_requests_are_not(rows: pl.DataFrame, made: Chunks) -> None:
    found = list(made.of_parts({0, 2}))
    assert all(chunk["part"].n_unique() == 1 for chunk in found)
    for part in (0, 2):
        of_part = [chunk for chunk in found if chunk["part"][0] == part]
        assert pl.concat(of_part).equals(rows.filter(pl.col("part") == part))
        seen = [set(chunk["request_id"]) for chunk in of_part]
        assert sum(map(len, seen)) == len(set.union(*seen))
    assert max(chunk.height for chunk in found) <= 300
    assert [chunk["row"][0] for chunk in found] == sorted(chunk["row"][0] for chunk in found)


def test_a_small_part_is_its_own_sample(rows: pl.DataFrame, made: Chunks) -> None:
    of_part = rows.filter(pl.col("part") == 1)
    assert made.sample(1).equals(of_part)
    assert made.sample(1, of_part.height).equals(of_part)


def test_a_sample_is_spread_over_its_part(rows: pl.DataFrame, made: Chunks) -> None:
    whole, found = rows.filter(pl.col("part") == 0), made.sample(0, 600)
    assert 400 < found.height <= 600
    assert found["row"].is_sorted()
    assert found["row"].n_unique() == found.height
    kept = whole.join(found, on="request_id", how="semi", maintain_order="left")
    assert found.equals(kept)
    quarters = np.histogram(found["row"], bins=4, range=(0, int(whole["row"].max())))[0]  # type: ignore[arg-type]
    assert quarters.min() > 0.15 * found.height


def test_a_sample_of_few_large_requests_holds_each_once() -> None:
    rows = pl.DataFrame({"row": range(350), "request_id": np.repeat(range(5), 70), "part": 0})
    found = Chunks.of(rows.lazy().drop("part"), rows.select("request_id", "part")).sample(0, 300)
    assert found.equals(rows.select("row", "request_id", "part"))


def test_of_many_columns_fewer_rows_are_read_at_a_time(
    rows: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 600)
    wide = rows.with_columns(pl.lit(0).alias(f"column {n}") for n in range(2 * chunks.WIDE))
    made = Chunks.of(wide.lazy().drop("part"), rows.select("request_id", "part"))
    assert max(chunk.height for chunk in made) <= 300
    assert pl.concat(made).select(rows.columns).equals(rows)
    assert made.sample(0, 600).height <= 300
