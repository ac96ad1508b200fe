"""Files that are cut, wrongly typed or do not belong together: refused, or repaired and told."""

import re
import zipfile
from pathlib import Path

import pytest

from clickthrough.data.dataset import Dataset
from clickthrough.errors import DataError
from tests.data.outbrain.made import SMALL, notes_of, opened, rows_of, write


def with_text(folder: Path, table: str, old: str, new: str, suffix: str = ".csv") -> Dataset:
    """Open the small log with some text of a table replaced."""
    assert old in SMALL[table]
    return opened(write(folder / "log", {**SMALL, table: SMALL[table].replace(old, new)}, suffix))


def refused(folder: Path, table: str, content: str | bytes) -> str:
    """Return the message with which a log is refused; it names the file and leaves nothing."""
    log = write(folder / "log", {**SMALL, table: content})
    with pytest.raises(DataError) as caught:
        opened(log)
    message = str(caught.value)
    assert message.startswith(f"{log / table}.csv: ")
    assert list((folder / "cache").iterdir()) == []
    return message.removeprefix(f"{log / table}.csv: ")


tables = pytest.mark.parametrize("table", list(SMALL))


@tables
def test_an_empty_table(tmp_path: Path, table: str) -> None:
    assert refused(tmp_path, table, "") == "is empty"


@tables
def test_a_header_without_rows(tmp_path: Path, table: str) -> None:
    header = SMALL[table].splitlines()[0] + "\n"
    assert refused(tmp_path, table, header) == "holds a header and no rows"


@tables
def test_a_column_that_is_missing(tmp_path: Path, table: str) -> None:
    text = SMALL[table].replace("_id,", "_no,", 1)
    assert re.match(r"lacks \w+_id; found .*_no", refused(tmp_path, table, text))


@tables
def test_a_row_that_is_cut(tmp_path: Path, table: str) -> None:
    rows = SMALL[table].splitlines()
    cut = rows[-1].rsplit(",", 1)[0]
    message = refused(tmp_path, table, "\n".join([*rows[:-1], cut]))
    assert message.startswith(f"row {len(rows)} has {cut.count(',') + 1} fields, expected ")
    assert message.endswith("the file seems to be cut")


@tables
def test_a_file_that_ends_within_its_last_value_is_read_and_told(
    tmp_path: Path, table: str
) -> None:
    log = write(tmp_path / "log", {**SMALL, table: SMALL[table].removesuffix("\n")})
    (note,) = notes_of(opened(log))
    assert note == f"{log / table}.csv: ends without a line break; its last row may be cut"


@tables
def test_bytes_that_are_not_utf8(tmp_path: Path, table: str) -> None:
    message = refused(tmp_path, table, SMALL[table].encode() + b"caf\xe9" + b"\n")
    row = SMALL[table].count("\n") + 1
    assert message.startswith(f"row {row}: not UTF-8: ")


NUMBERS = [
    ("clicks_train", "ad_id", "1,11,0", "1,{},0"),
    ("clicks_train", "display_id", "1,11,0", "{},11,0"),
    ("clicks_train", "clicked", "1,11,0", "1,11,{}"),
    ("events", "timestamp", "100,61,3", "100,{},3"),
    ("events", "platform", "100,61,3", "100,61,{}"),
    ("promoted_content", "campaign_id", "200,1,7", "200,{},7"),
    ("documents_meta", "source_id", "100,5,50", "100,{},50"),
    ("documents_topics", "topic_id", "100,16,0.1", "100,{},0.1"),
    ("page_views", "timestamp", "ann,101,50000", "ann,101,{}"),
]


@pytest.mark.parametrize(("table", "column", "old", "new"), NUMBERS)
@pytest.mark.parametrize("value", ["x", "1.5", str(2**63), "0x10"])
def test_a_value_that_is_no_whole_number(
    tmp_path: Path, table: str, column: str, old: str, new: str, value: str
) -> None:
    message = refused(tmp_path, table, SMALL[table].replace(old, new.format(value)))
    expected = f"row 2: column '{column}': expected a whole number, found '{value}' (1 such rows)"
    assert message == expected


def test_a_confidence_that_is_no_number(tmp_path: Path) -> None:
    text = SMALL["documents_topics"].replace("0.7", "much")
    expected = "row 3: column 'confidence_level': expected a number, found 'much' (1 such rows)"
    assert refused(tmp_path, "documents_topics", text) == expected


@pytest.mark.parametrize(
    ("table", "column", "old", "new"),
    [
        ("clicks_train", "clicked", "1,12,1", "1,12,"),
        ("clicks_train", "ad_id", "1,12,1", "1,\\N,1"),
        ("events", "timestamp", "101,120000", "101,\\N"),
        ("promoted_content", "ad_id", "12,201", ",201"),
        ("documents_meta", "document_id", "101,6", ",6"),
        ("page_views", "uuid", "bob,", ","),
    ],
)
def test_what_no_row_may_lack(tmp_path: Path, table: str, column: str, old: str, new: str) -> None:
    message = refused(tmp_path, table, SMALL[table].replace(old, new))
    assert message == f"row 3: column '{column}': missing (1 such rows)"


@pytest.mark.parametrize("label", ["2", "-1"])
def test_a_label_that_is_neither_0_nor_1(tmp_path: Path, label: str) -> None:
    text = SMALL["clicks_train"].replace("2,12,0", f"2,12,{label}")
    expected = f"row 4: column 'clicked': expected 0 or 1, found {label} (1 such rows)"
    assert refused(tmp_path, "clicks_train", text) == expected


def test_displays_without_an_event_are_refused(tmp_path: Path) -> None:
    log = write(tmp_path / "log", {**SMALL, "clicks_train": SMALL["clicks_train"] + "9,11,1\n"})
    with pytest.raises(DataError, match=r"clicks_train\.csv: 1 displays have no row in .*events"):
        opened(log)


@pytest.mark.parametrize(
    ("old", "new", "note"),
    [
        ("1,12,1", "1,12,0", "1 requests have fewer clicks than they should; all are kept"),
        ("1,11,0", "1,11,1", "1 requests have more clicks than they should; all are kept"),
    ],
)
def test_a_display_without_a_click_or_with_two_is_kept_and_told(
    tmp_path: Path, old: str, new: str, note: str
) -> None:
    dataset = with_text(tmp_path, "clicks_train", old, new)
    assert notes_of(dataset) == [note]
    assert dataset.report.impressions == 6
    assert dataset.report.clicks == 3 - int(old.endswith("1")) + int(new.endswith("1"))


def test_an_impression_that_is_repeated_is_united_and_told(tmp_path: Path) -> None:
    dataset = with_text(tmp_path, "clicks_train", "1,11,0\n", "1,11,0\n1,12,0\n1,12,0\n")
    (note,) = notes_of(dataset)
    assert note.startswith("2 impressions that repeat an item of their request were united")
    assert (dataset.report.impressions, dataset.report.clicks) == (6, 3)
    assert rows_of(dataset).height == 6


@pytest.mark.parametrize("order", [1, -1])
def test_of_events_of_one_display_the_earliest_stands(tmp_path: Path, order: int) -> None:
    header, *rows = (SMALL["events"] + "1,zoe,101,60,1,GB\n").splitlines()
    text = "\n".join([header, *rows[::order]]) + "\n"
    dataset = opened(write(tmp_path / "log", {**SMALL, "events": text}))
    (note,) = notes_of(dataset)
    assert note.endswith("events.csv: 1 rows repeat a display; the earliest stands")
    assert rows_of(dataset)["user"][0] == "zoe"
    assert rows_of(dataset).height == 6


def test_of_rows_of_one_ad_the_first_stands(tmp_path: Path) -> None:
    dataset = with_text(tmp_path, "promoted_content", "12,201,2,7\n", "12,201,2,7\n12,200,5,5\n")
    (note,) = notes_of(dataset)
    assert note.endswith("promoted_content.csv: 1 rows repeat an ad; the first stands")
    assert rows_of(dataset)["campaign_id"].to_list() == [1, 2, 2, 3, 1, 3]


def test_ads_that_are_not_known_are_told(tmp_path: Path) -> None:
    dataset = with_text(tmp_path, "promoted_content", "13,200,3,8\n", "")
    (note,) = notes_of(dataset)
    assert "lacks 1 ads that were shown, such as 13: their campaign, advertiser" in note
    assert rows_of(dataset)["campaign_id"].to_list() == [1, 2, 2, None, 1, None]


def test_documents_that_are_repeated_or_published_at_no_moment_are_told(tmp_path: Path) -> None:
    rows = "100,9,9,2016-01-01 00:00:00\n"
    text = SMALL["documents_meta"].replace("2016-06-01 12", "2016-06-41 12") + rows
    dataset = opened(write(tmp_path / "log", {**SMALL, "documents_meta": text}))
    repeated, odd = notes_of(dataset)
    assert repeated.endswith("documents_meta.csv: 1 rows repeat a document; the first stands")
    assert odd.endswith(
        "documents_meta.csv: 1 times of publication are no moments: they are missing"
    )
    assert rows_of(dataset)["source_id"][0] == 5
    assert rows_of(dataset)["ad_published"].null_count() == 6


@pytest.mark.parametrize("suffix", [".csv.gz", ".csv.zip"])
@pytest.mark.parametrize("table", ["clicks_train", "page_views"])
def test_a_compressed_table_that_is_cut(tmp_path: Path, table: str, suffix: str) -> None:
    log = write(tmp_path / "log", suffix=suffix)
    path = log / f"{table}{suffix}"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DataError, match=rf"{table}{re.escape(suffix)}: cut or damaged"):
        opened(log)
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_zip_of_two_tables(tmp_path: Path) -> None:
    log = write(tmp_path / "log", suffix=".csv.zip")
    with zipfile.ZipFile(log / "events.csv.zip", "a") as archive:
        archive.writestr("more.csv", "")
    with pytest.raises(DataError, match=r"events\.csv\.zip: expected one file in it, found 2"):
        opened(log)
    assert list((tmp_path / "cache").iterdir()) == []
