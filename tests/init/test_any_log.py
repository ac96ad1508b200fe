"""Whatever a log holds, init writes a configuration that can be used, or says why not in a line."""

import csv
import gzip
import io
from pathlib import Path
from typing import Literal

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clickthrough.config.features import Counters
from clickthrough.config.load import load_config
from clickthrough.data.open import open_dataset
from clickthrough.errors import ClickthroughError, DataError
from clickthrough.features.check import check
from clickthrough.init.roles import Named
from clickthrough.init.run import Written, init

NAMES = ["", " ", "click", "label", "rating", "clicks", "user", "user_id", "userid", "item", "ad",
         "time", "hour", "timestamp", "day", "slot", "slot", "price", "row", "part", "request_id",
         "x", "x_2", "column_1", "Unnamed: 0", "tags", "user_id:token", "rating:float",
         "tags:token_seq", "shares:float_seq", "next_time", "2024", "a: b", "søster"]  # fmt: skip
CELLS = [
    st.sampled_from(["0", "1"]),
    st.sampled_from(["-1", "1"]),
    st.integers(0, 30).map(str),
    st.integers(-(10**20), 10**20).map(str),
    st.floats(width=32).map(str),
    st.sampled_from(["1.5", "inf", "NaN", "nan", "+5", "+1.5", ".5", "1.", "1e400", "1.e5"]),
    st.sampled_from(["007", "12", "-01", "+5", " 5"]),
    st.sampled_from(["0,5", "1,25"]),
    st.sampled_from(["true", "False", "TRUE", ""]),
    st.sampled_from(["yes", "no"]),
    st.sampled_from(["a", "b c", "a b", "c|a", "NULL", "\\N", "1", ""]),
    st.sampled_from(["2024-01-02", "2024-01-02 03:04:05", "2024-01-03T01:00:00Z"]),
    st.sampled_from(["04/Mar/2024:06:00:00 +0200", "03/04/2024 06:00", "noon"]),
    st.integers(1_700_000_000, 1_700_600_000).map(str),
    st.just(""),
    st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=6),
]


@st.composite
def logs(draw: st.DrawFn) -> str:
    """Draw a CSV of some columns of any kind, under names of any kind."""
    rows = draw(st.integers(1, 25))
    header = draw(st.lists(st.sampled_from(NAMES), min_size=0, max_size=5))
    columns = [
        draw(st.lists(draw(st.sampled_from(CELLS)), min_size=rows, max_size=rows)) for _ in header
    ]
    if draw(st.integers(0, 3)):
        header.append("click")
        columns.append([str(row % 2) for row in range(rows)])
    if draw(st.booleans()):
        header.insert(0, "")
        columns.insert(0, [str(row) for row in range(rows)])
    out = io.StringIO()
    separator, quoted = draw(st.sampled_from([",", ";", "\t"])), draw(st.booleans())
    quoting: Literal[0, 1] = 1 if quoted else 0
    writer = csv.writer(out, delimiter=separator, quoting=quoting, lineterminator="\n")
    writer.writerows([header, *zip(*columns, strict=True)])
    return out.getvalue()


def used(data: Path, folder: Path, named: Named | None = None) -> Written | None:
    """Write a configuration and open the log with it; None where that is refused in one line."""
    try:
        written = init(data, folder / "c.yaml", named, force=True)
    except ClickthroughError as error:
        assert "\n" not in str(error)
        return None
    config = load_config(written.config)
    dataset = open_dataset(config.data)
    for feature in config.features:
        check(feature, dataset.schema, Counters(), "features")
    assert all(line.becomes and line.why for line in written.lines)
    return written


@pytest.mark.slow
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(text=logs(), named=st.builds(Named, *[st.none() | st.sampled_from(NAMES)] * 5))
def test_any_log_is_refused_in_a_line_or_can_be_opened(
    text: str, named: Named, tmp_path: Path
) -> None:
    path = tmp_path / "log.csv"
    path.write_text(text, encoding="utf-8")
    used(path, tmp_path)
    used(path, tmp_path, named)


LABELS = "".join(f"{row % 2},a{row % 3}\n" for row in range(40))
GOOD = "click,slot\n" + LABELS

REFUSED: list[tuple[dict[str, str | bytes], str]] = [
    ({}, "holds no table"),
    ({"notes.md": "hello"}, "holds no table"),
    ({"log.csv": ""}, "is empty"),
    ({"log.csv": "\n\n"}, "is blank|is empty"),
    ({"log.csv": "click,slot\n"}, "holds a header and no rows"),
    ({"log.csv": "click\n" + "0\n1\n" * 20}, "no feature can be made.*--user or --item"),
    ({"log.csv": "click,slot\n" + "1,a\n" * 30}, "holds 1 in every row"),
    ({"log.csv": "click,slot\n1,a\n"}, "holds 1 in every row"),
    ({"log.csv": "click,slot\n" + ",a\n,b\n" * 9}, "'click' holds no values"),
    ({"log.csv": "click,slot\n" + "0,\n1,\n" * 9}, "slot: no row has a value"),
    ({"log.csv": '{"click": 1}\n{"click": 0}\n'}, "looks like JSON lines; call it log.jsonl$"),
    ({"log.tsv": '\ufeff { "click": 1}\n'}, "looks like JSON lines; call it log.jsonl$"),
    ({"log.csv": '{"click": 1, "x": 2}\n'.encode("utf-16")}, "JSON lines; call it log.jsonl$"),
    ({"log.csv.gz": gzip.compress(b'{"click": 1}\n')}, "JSON lines; call it log.jsonl$"),
    ({"log.csv": '[\n {"click": 1}\n]'}, r"an array of JSON; write its .* 'jq -c \.\[\]' does$"),
    ({"log.jsonl": '{"click": 1}\n'.encode("utf-16")}, "row 1: expected UTF-8, found UTF-16"),
    ({"log.jsonl": ""}, "log.jsonl: is empty"),
    ({"log.csv": "a,b\n1,2\n3,4\n"}, "--label COLUMN"),
    ({"log.csv": '"' + "x" * 200_000 + "\n"}, "not readable as CSV"),
    ({"log.csv": b"\x00\x01\x02\xff"}, "not UTF-8"),
    ({"log.parquet": b"PAR1"}, "not readable as Parquet"),
    ({"log.csv.gz": b"nothing"}, "log.csv.gz"),
    ({"a.csv": "", "b.txt": "\n"}, "holds no table that can be read: a.csv is no table: is empty"),
    ({"train.csv": "", "valid.csv": GOOD}, "train.csv: is empty"),
    ({"a.csv": "x\n1\n", "b.csv": "y\n2\n"}, "--label COLUMN"),
]


@pytest.mark.parametrize(("files", "says"), REFUSED)
def test_what_is_no_log_is_refused_in_a_line(
    files: dict[str, str | bytes], says: str, tmp_path: Path
) -> None:
    folder = write(tmp_path / "data", files)
    with pytest.raises(DataError, match=says) as caught:
        init(folder, tmp_path / "c.yaml")
    assert "\n" not in str(caught.value)


ACCEPTED: list[dict[str, str | bytes]] = [
    {"log.csv": GOOD},
    {"log.csv": GOOD, "README.txt": "", "notes.txt": "only\n", "a.parquet": b"no"},
    {"log.csv": "click,slot\n0,a\n1,b\n1,a\n"},
    {"log.csv": "click,slot,nothing\n" + "0,a,\n1,b,\n" * 9},
    {"log.csv": "click,slot,\n" + "0,a,\n1,b,\n" * 9},
    {"log.csv": '"n","click","m"\n' + '"1","0","4"\n"","1",""\n"1","1","3"\n' * 30},
    {"log.csv": "\ufeff" + GOOD.replace("\n", "\r\n")},
]


@pytest.mark.parametrize("files", ACCEPTED)
def test_a_small_or_untidy_log_can_be_opened(files: dict[str, str | bytes], tmp_path: Path) -> None:
    assert used(write(tmp_path / "data", files), tmp_path) is not None


@pytest.mark.parametrize("name", ["no such", "data/log.csv/x"])
def test_a_place_where_nothing_is_is_refused(name: str, tmp_path: Path) -> None:
    write(tmp_path / "data", {"log.csv": GOOD})
    with pytest.raises(ClickthroughError, match="no such file"):
        init(tmp_path / name, tmp_path / "c.yaml")


@pytest.mark.parametrize("out", ["data", "data/log.csv/c.yaml"])
def test_a_place_where_nothing_can_be_written_is_refused(out: str, tmp_path: Path) -> None:
    folder = write(tmp_path / "data", {"log.csv": GOOD})
    with pytest.raises(ClickthroughError, match=r"is a directory|Not a directory|exists"):
        init(folder, tmp_path / out, force=True)


def test_files_that_are_no_tables_are_told(tmp_path: Path) -> None:
    folder = write(tmp_path / "data", {"log.csv": GOOD, "notes.txt": "", "more.csv": GOOD})
    written = init(folder, tmp_path / "c.yaml")
    assert any("notes.txt is not used: it is no table: is empty" in n for n in written.notes)
    assert any("more.csv is not used: it is log.csv again" in note for note in written.notes)
    assert "Note: notes.txt is not used" in written.config.read_text()


@pytest.mark.parametrize("nested", [pl.Struct({"a": pl.Int64}), pl.Duration, pl.Time, pl.Null])
def test_columns_of_types_that_no_field_has_are_left_out(
    nested: pl.DataType, tmp_path: Path
) -> None:
    frame = pl.DataFrame({"click": [0, 1] * 20, "slot": ["a", "b", "b", "a"] * 10})
    frame.with_columns(pl.lit(None, nested).alias("odd")).write_parquet(tmp_path / "log.parquet")
    written = used(tmp_path / "log.parquet", tmp_path)
    assert written is not None
    assert {line.column: line.becomes for line in written.lines}["odd"] == "drop"


def write(folder: Path, files: dict[str, str | bytes]) -> Path:
    folder.mkdir()
    for name, content in files.items():
        raw = content.encode() if isinstance(content, str) else content
        (folder / name).write_bytes(raw)
    return folder
