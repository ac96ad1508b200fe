"""A file that comes after a log is read as the log was, or plainly where it is so."""

from dataclasses import replace
from pathlib import Path

import pytest

from clickthrough.data.form import TableForm
from clickthrough.data.later_form import LaterForm
from clickthrough.errors import DataError

GERMAN = TableForm(";", skip=1, missing=("NULL",), decimal=",", thousands=".", numbers=("bid",))
PLAIN_NUMBERS = replace(GERMAN, decimal=".", thousands=None, numbers=())


def form_of(content: str, folder: Path, log: TableForm = GERMAN) -> tuple[TableForm, list[str]]:
    (folder / "later.csv").write_text(content)
    columns = None if log.columns is None else [*log.columns]
    later = LaterForm(log, {"user", "bid", "slot"}, columns)
    found = later.of(folder / "later.csv")
    return found, later.differences(found)


@pytest.mark.parametrize(
    ("content", "form"),
    [
        ("Report\nuser;bid;slot\n7;0,71;a\n", GERMAN),
        ("Report\nuser;bid;slot\n7;1.352;a\n", GERMAN),  # as the log's, since it may be
        ("Report\nuser;bid;slot\n7;NULL;a\n", GERMAN),
        ("user;bid;slot\n7;0,71;a\n", GERMAN.with_plain_lines()),
        ("user,bid,slot\n7,0.71,a\n", replace(PLAIN_NUMBERS.with_plain_lines(), separator=",")),
        ("Report\nuser;bid;slot\n7;1.35;a\n", PLAIN_NUMBERS),
        ("Report\nuser;bid;slot\n7;1.35;a\n8;0,7;a\n", GERMAN),  # both: the reader will say so
    ],
)
def test_what_the_file_shows_holds(content: str, form: TableForm, tmp_path: Path) -> None:
    assert form_of(content, tmp_path)[0] == form


def test_it_is_told_where_it_is_read_otherwise(tmp_path: Path) -> None:
    _, told = form_of("user,bid,slot\n7,0.71,a\n", tmp_path)
    assert told[0] == "read with ',' between fields"
    assert "numbers are read as a program writes them" in told[1]
    assert form_of("Report\nuser;bid;slot\n7;0,71;a\n", tmp_path)[1] == []


def test_quotes_are_those_by_which_rows_are_as_wide_as_the_header(tmp_path: Path) -> None:
    log = TableForm(quote="'")
    plain, _ = form_of('user,bid,slot\n7,0.71,"a, b"\n', tmp_path, log)
    assert plain == TableForm()
    same, _ = form_of("user,bid,slot\n7,0.71,'a, b'\n", tmp_path, log)
    assert same == log


def test_a_file_without_a_header_has_the_columns_of_the_log(tmp_path: Path) -> None:
    log = TableForm(columns=("user", "bid", "slot"))
    assert form_of("7,0.71,a\n", tmp_path, log)[0] == log


def test_rows_are_not_left_out_for_lines_above_the_log(tmp_path: Path) -> None:
    log = TableForm(skip=1, columns=("user", "bid", "slot"))
    form, told = form_of("7,0.71,a\n8,0.5,b\n", tmp_path, log)
    assert form == log.with_skip(0)
    assert told == ["none of its first lines is left out: they are as wide as its rows"]
    assert form_of("Report\n7,0.71,a\n8,0.5,b\n", tmp_path, log) == (log, [])


def test_it_is_told_where_a_text_is_utf8_though_the_log_was_not(tmp_path: Path) -> None:
    log = TableForm(encoding="cp1252")
    form, told = form_of("user,bid,slot\n7,0.71,Åre\n", tmp_path, log)
    assert form == TableForm()
    assert told == ["read as UTF-8, as its bytes are, and not as cp1252"]
    assert form_of("user,bid,slot\n7,0.71,a\n", tmp_path, log) == (log, [])


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"later\.csv: is empty"):
        form_of("", tmp_path, TableForm())


def test_marks_of_a_column_are_no_numbers_that_speak_for_a_form(tmp_path: Path) -> None:
    log = replace(GERMAN, missing_in={"bid": ["NA"]})
    form, _ = form_of("Report\nuser;bid;slot\n7;0.71;a\n8;NA;a\n", tmp_path, log)
    assert form.numbers == ()
