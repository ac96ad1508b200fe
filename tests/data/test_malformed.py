"""Raw files as they come: cut, mis-encoded, wrongly typed. Each is refused, naming file and row."""

import gzip
import re
import zipfile
from pathlib import Path

import polars as pl
import pytest

from clickthrough.errors import DataError
from tests.data.test_tabular import HEADER, ROWS, opened, rows_of

TEXT = f"{HEADER}\n{ROWS}"
Settings = dict[str, object]


def compress(path: Path) -> None:
    """Write the log as .gz or .zip."""
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(TEXT.encode()))
    else:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("log.csv", TEXT)


def refused(
    folder: Path, content: str | bytes, name: str = "log.csv", settings: Settings | None = None
) -> str:
    """Return the message with which a log is refused; nothing of it stays in the cache."""
    data = content.encode() if isinstance(content, str) else content
    path = folder / name
    path.write_bytes(data)
    with pytest.raises(DataError) as caught:
        opened(folder, None, path=path, **(settings or {}))
    assert str(path) in str(caught.value)
    assert not list((folder / "cache").glob("*"))
    return str(caught.value)


def test_an_empty_file(tmp_path: Path) -> None:
    assert "is empty" in refused(tmp_path, "")


def test_a_header_without_rows(tmp_path: Path) -> None:
    assert "holds a header and no rows" in refused(tmp_path, f"{HEADER}\n")


@pytest.mark.parametrize("end", ["", "\n"])
def test_a_last_row_that_is_cut(tmp_path: Path, end: str) -> None:
    message = refused(tmp_path, TEXT + "3,2024-01-01T12:07:00,bob" + end)
    assert "row 5 has 3 fields, expected 7; the file seems to be cut" in message


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("# of May", r"row 5 has 1 fields, expected 7; it looks like a comment \(data\.comment\)"),
        ('3,t,bob,"a \\"b, c\\"",,,1', r"expected 7; a backslash .* a quote \(data\.escape\)"),
        ("3,t,bob,118,'a, b',,,1", r"expected 7; apostrophes seem to be quotes \(data\.quote\)"),
        ("(4 rows)", r"expected 7; it seems to be a note below the table: '\(4 rows\)'"),
        ("Total 4", "expected 7; it seems to be a note below the table: 'Total 4'"),
    ],
)
def test_what_an_odd_line_may_be_is_said(tmp_path: Path, line: str, said: str) -> None:
    assert re.search(said, refused(tmp_path, f"{TEXT}{line}\n"))


def test_a_row_with_too_few_fields_is_not_taken_for_one_with_blanks(tmp_path: Path) -> None:
    message = refused(tmp_path, TEXT.replace(",side,,1", ",side,1"))
    assert "row 3 has 6 fields, expected 7" in message
    assert "cut" not in message


def test_a_row_with_too_many_fields(tmp_path: Path) -> None:
    assert "row 4 has 8 fields, expected 7" in refused(tmp_path, TEXT.replace("2.5,1", "2.5,1,1"))


def test_a_blank_row(tmp_path: Path) -> None:
    assert "row 5 is blank" in refused(tmp_path, TEXT + "\n" + TEXT.splitlines()[-1])


def test_blank_rows_at_the_end_are_none(tmp_path: Path) -> None:
    assert rows_of(opened(tmp_path, TEXT + "\n\n")).equals(rows_of(opened(tmp_path, TEXT)))


def test_separators_and_line_ends_within_quotes_are_no_fields(tmp_path: Path) -> None:
    commas = TEXT.replace(",side,", ',"a, ""side"", b",')
    assert rows_of(opened(tmp_path, commas))["place"][1] == 'a, "side", b'
    lines = TEXT.replace(",side,", ',"a\nside",')
    assert rows_of(opened(tmp_path, lines))["place"][1] == "a\nside"


def test_an_odd_row_after_a_field_of_several_lines(tmp_path: Path) -> None:
    text = TEXT.replace(",side,", ',"a\nside",') + "3,2024-01-01T12:07:00,bob\n"
    assert "row 5 has 3 fields, expected 7" in refused(tmp_path, text)


def test_a_quote_that_is_never_closed(tmp_path: Path) -> None:
    message = refused(tmp_path, TEXT + '3,2024-01-01T12:07:00,"bob,118,top,1,0\n')
    assert "row 5" in message
    assert "a quote is never closed" in message


@pytest.mark.parametrize("quoted", ["", '"a\nb"'])
def test_bytes_that_are_not_utf8(tmp_path: Path, quoted: str) -> None:
    text = TEXT.replace(",top,", f",{quoted},", 1).replace("bob", "jos\xe9")
    message = refused(tmp_path, text.encode("latin1"))
    assert "not UTF-8" in message
    assert "jos\\xe9" in message
    assert quoted or "row 4:" in message


def test_a_header_that_is_not_utf8(tmp_path: Path) -> None:
    message = refused(tmp_path, TEXT.replace("place", "plac\xe9").encode("latin1"))
    assert "row 1: not UTF-8" in message


def test_a_mark_of_the_byte_order_is_no_part_of_the_header(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(b"\xef\xbb\xbf" + TEXT.encode())
    assert rows_of(opened(tmp_path))["request_id"].to_list() == [1, 1, 2]


def test_windows_line_ends_are_read(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_bytes(TEXT.replace("\n", "\r\n").encode())
    assert rows_of(opened(tmp_path))["label"].to_list() == [0, 1, 1]


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        (",2.5,1", ",2.5,yes", r"row 4, column 'clicked': 'yes'"),
        (",2.5,1", ",2.5,3", r"row 4, column 'clicked': 3"),
        ("12:05:00", "noon", "row 4, column 'ts': '2024-01-01Tnoon'"),
        ("2,2024", ",2024", "row 4, column 'display': None"),
    ],
)
def test_a_value_that_its_part_cannot_have_is_named_with_its_row(
    tmp_path: Path, old: str, new: str, place: str
) -> None:
    assert place in refused(tmp_path, TEXT.replace(old, new))


def test_an_entry_of_a_list_is_named_with_its_row(tmp_path: Path) -> None:
    lists = {"place": {"of": "int"}}
    message = refused(
        tmp_path, TEXT.replace("top", "1 2").replace("side", "1 x"), settings={"lists": lists}
    )
    assert "row 3, column 'place': '1 x'" in message


def test_a_file_of_a_divided_log_is_named(tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text(TEXT.replace(",2.5,1", ",2.5,yes"))
    (tmp_path / "log.csv").write_text(TEXT.replace(",1\n", ",0\n"))
    files = {"train": tmp_path / "log.csv", "validation": other}
    with pytest.raises(DataError, match=r"first in .*other\.csv, row 4, column 'clicked': 'yes'"):
        opened(tmp_path, path=None, files=files)


@pytest.mark.parametrize("suffix", ["gz", "zip"])
def test_a_compressed_log_is_the_log(tmp_path: Path, suffix: str) -> None:
    expected = rows_of(opened(tmp_path, TEXT))
    path = tmp_path / f"log.csv.{suffix}"
    compress(path)
    dataset = opened(tmp_path, path=path)
    assert rows_of(dataset).equals(expected)
    assert not list((tmp_path / "cache").glob("unpacked-*"))


@pytest.mark.parametrize("suffix", ["gz", "zip"])
def test_a_cut_compressed_log(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"log.csv.{suffix}"
    compress(path)
    message = refused(tmp_path, path.read_bytes()[:-20], name=path.name)
    assert "cut or damaged" in message


def test_a_zip_of_two_logs(tmp_path: Path) -> None:
    path = tmp_path / "log.csv.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", TEXT)
        archive.writestr("b.csv", TEXT)
    assert "expected one file in it, found 2: a.csv, b.csv" in refused(
        tmp_path, path.read_bytes(), name=path.name
    )


def test_errors_of_a_compressed_log_name_it_and_not_what_it_was_decompressed_to(
    tmp_path: Path,
) -> None:
    message = refused(
        tmp_path, gzip.compress((TEXT + "3,x\n").encode()), name="log.csv.gz"
    )  # fmt: skip
    assert f"{tmp_path / 'log.csv.gz'}: row 5 has 2 fields" in message
    assert "unpacked" not in message


@pytest.mark.parametrize("value", [2**63, 2**64 - 1, 10**25, -(2**70)])
@pytest.mark.parametrize("column", ["118", "2.5"])
def test_a_whole_number_beyond_64_bits_is_refused_and_a_text_with_types(
    tmp_path: Path, value: int, column: str
) -> None:
    text = TEXT.replace(f",{column},", f",{value},").replace(",1.5,", ",1,")
    name = "ad" if column == "118" else "price"
    message = refused(tmp_path, text)
    assert f"column '{name}' holds {value}" in message
    assert f"'types: {{{name}: str}}'" in message
    dataset = opened(tmp_path, text, types={name: "str"})
    own = "item" if name == "ad" else name
    assert str(value) in rows_of(dataset)[own].to_list()


def test_ids_that_a_float_would_merge_are_refused(tmp_path: Path) -> None:
    close = TEXT.replace(",118,", f",{2**53 + 1}.0,").replace(",119,", f",{2**53}.0,")
    message = refused(tmp_path, close)
    assert "column 'ad' holds 9007199254740992" in message
    assert "'types: {ad: str}'" in message
    items = rows_of(opened(tmp_path, close, types={"ad": "str"}))["item"]
    assert items.n_unique() == 2


def test_ids_of_53_bits_and_all_of_64_are_kept(tmp_path: Path) -> None:
    text = TEXT.replace(",118,", f",{2**63 - 1},").replace(",119,", f",{2**63 - 2},")
    assert rows_of(opened(tmp_path, text))["item"].to_list()[:2] == [2**63 - 1, 2**63 - 2]
    path = tmp_path / "log.parquet"
    pl.DataFrame({"clicked": [0, 1], "ad": [float(2**53 - 1), 5.0]}).write_parquet(path)
    roles = {"label": "clicked", "item": "ad"}
    assert rows_of(opened(tmp_path, path=path, roles=roles))["item"].to_list() == [2**53 - 1, 5]


def test_a_fraction_is_no_id(tmp_path: Path) -> None:
    assert "column 'ad' holds 118.5" in refused(tmp_path, TEXT.replace(",118,", ",118.5,"))


def test_unsigned_ids_of_parquet_are_kept_while_they_fit(tmp_path: Path) -> None:
    path, roles = tmp_path / "log.parquet", {"label": "clicked", "item": "ad"}
    for largest in (2**63 - 1, 2**63):
        ads = pl.Series([largest, 1], dtype=pl.UInt64)
        pl.DataFrame({"clicked": [0, 1], "ad": ads}).write_parquet(path)
        if largest < 2**63:
            assert rows_of(opened(tmp_path, path=path, roles=roles))["item"][0] == largest
        else:
            with pytest.raises(DataError, match=f"column 'ad' holds {largest}"):
                opened(tmp_path, path=path, roles=roles)


def test_a_number_beyond_64_bits_is_no_matter_in_a_column_that_is_dropped(tmp_path: Path) -> None:
    text = TEXT.replace(",1.5,", f",{2**64},").replace(",2.5,", ",2,")
    assert "price" not in rows_of(opened(tmp_path, text, drop=["price"])).columns


def test_a_given_type_is_kept_to(tmp_path: Path) -> None:
    types: dict[str, object] = {"place": "str", "price": "float", "ad": "int"}
    dataset = opened(tmp_path, TEXT.replace("1.5", "1").replace("2.5", "2"), types=types)
    assert dataset.schema.fields["price"] == "float"
    text = TEXT.replace("top", "007").replace("side", "7")
    assert rows_of(opened(tmp_path, text))["place"].to_list() == [7, 7, None]
    assert rows_of(opened(tmp_path, text, types=types))["place"].to_list() == ["007", "7", None]


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("int", "x", "a whole number of 64 bits"),
        ("int", "2.5", "a whole number of 64 bits"),
        ("int", str(2**63), "a whole number of 64 bits"),
        ("float", "x", "a number"),
    ],
)
def test_a_value_that_is_not_of_the_given_type_is_named(
    tmp_path: Path, kind: str, value: str, expected: str
) -> None:
    text = TEXT.replace(",1.5,", ",1,").replace(",2.5,", f",{value},")
    message = refused(tmp_path, text, settings={"types": {"price": kind}})
    assert f"row 4, column 'price': expected {expected}" in message
    assert value in message


def test_a_type_of_a_column_that_is_not_there_names_the_nearest(tmp_path: Path) -> None:
    message = refused(tmp_path, TEXT, settings={"types": {"prise": "int"}})
    assert "unknown column 'prise'; did you mean 'price'" in message


@pytest.mark.parametrize("price", ["1.5", "1,5"])
def test_a_log_with_another_separator_names_the_setting(tmp_path: Path, price: str) -> None:
    message = refused(tmp_path, TEXT.replace(",", ";").replace("1.5", price))
    assert "the header seems to be divided by ';' (data.separator)" in message


def test_a_column_that_is_missing_says_nothing_of_separators(tmp_path: Path) -> None:
    assert "data.separator" not in refused(tmp_path, TEXT.replace("ad,place", "a,pl|ad", 1))


@pytest.mark.parametrize(
    ("written", "time", "says"),
    [
        ("2091-01-01T12:05:00", {}, "texts of another form than ISO 8601, year first, need"),
        ("2091-01-01", {"format": "%Y-%m-%d"}, "is '%Y-%m-%d' how it is written?"),
        ("3818577900000", {"unit": "s"}, "what do its numbers count?"),
    ],
)
def test_a_log_of_the_future_is_asked_about_what_its_times_are(
    tmp_path: Path, written: str, time: Settings, says: str
) -> None:
    text = TEXT.replace("2024-01-01T12:00:00", written).replace("2024-01-01T12:05:00", written)
    message = refused(tmp_path, text, settings={"time": time})
    assert "after now; " in message
    assert says in message
