import gzip
from pathlib import Path

import polars as pl
import pytest

from clickthrough.errors import DataError
from clickthrough.init import blocks, csv_sample, sample
from clickthrough.init.sample import read_sample

ROWS = 20_000


@pytest.fixture
def frame() -> pl.DataFrame:
    numbers = range(ROWS)
    return pl.DataFrame({"n": numbers, "text": [f"{n % 7}, é" for n in numbers]})


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the budgets of a sample so small that the log is beyond them."""
    monkeypatch.setattr(blocks, "WHOLE", 50_000)
    monkeypatch.setattr(csv_sample, "WHOLE", 50_000)
    monkeypatch.setattr(blocks, "_BLOCK", 4_000)
    monkeypatch.setattr(sample, "_ROWS", 1_000)


@pytest.mark.parametrize("name", ["log.csv", "log.csv.gz", "log.parquet"])
def test_a_small_file_is_looked_at_as_a_whole(
    name: str, tmp_path: Path, frame: pl.DataFrame
) -> None:
    write(tmp_path / name, frame)
    made = read_sample(tmp_path / name)
    assert (made.exact, made.total, len(made.rows)) == (True, ROWS, ROWS)
    assert made.rows["n"].cast(pl.Int64).to_list() == list(range(ROWS))


def test_a_large_csv_is_sampled_from_its_head_to_its_end(
    tmp_path: Path, frame: pl.DataFrame, small: None
) -> None:
    write(tmp_path / "log.csv", frame)
    made = read_sample(tmp_path / "log.csv")
    numbers = made.rows["n"].cast(pl.Int64)
    assert not made.exact
    assert numbers[0] == 0
    assert numbers[-1] == ROWS - 1
    assert numbers.is_unique().all()
    assert len(numbers) < ROWS / 2
    # the middle is seen as well
    assert numbers.is_between(0.4 * ROWS, 0.6 * ROWS).any()
    # rows are whole: each text belongs to its number
    assert made.rows["text"].to_list() == [f"{n % 7}, é" for n in numbers]
    assert made.total == pytest.approx(ROWS, rel=0.1)
    assert "through the file" in made.seen


def test_a_large_file_without_a_header_loses_no_row_to_one(
    tmp_path: Path, frame: pl.DataFrame, small: None
) -> None:
    frame.write_csv(tmp_path / "log.csv", include_header=False)
    numbers = read_sample(tmp_path / "log.csv").rows["column_1"].cast(pl.Int64)
    assert (numbers[0], numbers[-1]) == (0, ROWS - 1)
    assert numbers.is_unique().all()


def test_a_large_parquet_is_sampled_from_its_head_to_its_end(
    tmp_path: Path, frame: pl.DataFrame, small: None
) -> None:
    write(tmp_path / "log.parquet", frame)
    made = read_sample(tmp_path / "log.parquet")
    assert (made.exact, made.total, len(made.rows)) == (False, ROWS, 1_000)
    assert (made.rows["n"][0], made.rows["n"][-1]) == (0, ROWS - 1)


def test_of_a_large_compressed_file_only_the_head_is_read_and_it_says_so(
    tmp_path: Path, frame: pl.DataFrame, small: None
) -> None:
    write(tmp_path / "log.csv.gz", frame)
    made = read_sample(tmp_path / "log.csv.gz")
    assert (made.exact, made.total) == (False, None)
    assert "from its head only" in made.seen
    assert made.rows["n"].cast(pl.Int64).to_list() == list(range(len(made.rows)))


@pytest.mark.parametrize("text", ["", "\n", "a,b\n"])
def test_a_file_without_rows_is_refused_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "log.csv").write_text(text)
    with pytest.raises(DataError, match=r"log\.csv"):
        read_sample(tmp_path / "log.csv")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'a,b\n1,2\n3,"4\n', "row 3: .*a quote is never closed"),
        (b"\x89PNG\r\n\x1a\n", "row 1: not UTF-8"),
        ("a,b\n1,jos\xe9\n".encode("latin1"), "row 2: not UTF-8"),
        (b"a,b\n1,2\n3,4,5\n", "row 3 has 3 fields, expected 2"),
    ],
)
def test_what_is_no_table_is_refused_by_name(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "log.csv").write_bytes(content)
    with pytest.raises(DataError, match=says) as caught:
        read_sample(tmp_path / "log.csv")
    assert "log.csv" in str(caught.value)


@pytest.mark.parametrize("name", ["log.csv", "log.csv.gz"])
def test_what_is_wrong_within_a_large_file_is_named_with_its_row(
    tmp_path: Path, frame: pl.DataFrame, small: None, name: str
) -> None:
    write(tmp_path / name, frame)
    packed = name.endswith(".gz")
    content = (tmp_path / name).read_bytes()
    content = gzip.decompress(content) if packed else content
    broken = content.replace('\n7,"0, é'.encode(), b'\n7,"0, \xe9', 1)
    (tmp_path / name).write_bytes(gzip.compress(broken) if packed else broken)
    with pytest.raises(DataError, match=rf"{name}: row 9: not UTF-8"):
        read_sample(tmp_path / name)


def write(path: Path, frame: pl.DataFrame) -> None:
    if path.suffix == ".parquet":
        frame.write_parquet(path)
    elif path.suffix == ".gz":
        path.write_bytes(gzip.compress(frame.write_csv().encode()))
    else:
        frame.write_csv(path)
