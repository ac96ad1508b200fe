"""The header of a CSV names each column once, in training as in init."""

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickthrough.data.form import TableForm
from clickthrough.data.header import column_names, renamed
from clickthrough.data.scan import scan
from clickthrough.errors import DataError
from clickthrough.init.sample import read_sample

cells = st.lists(st.sampled_from(["", " ", "a", "a_2", "a_3", "column_1", "column_2", "b"]))


@given(cells)
def test_each_column_has_a_name_of_its_own_and_the_first_keeps_it(header: list[str]) -> None:
    names = column_names(header)
    assert len(set(names)) == len(names) == len(header)
    for place, cell in enumerate(header):
        if cell.strip() and cell not in header[:place]:
            assert names[place] == cell
    assert len(renamed(header, names)) == sum(n != c for n, c in zip(names, header, strict=True))


def test_what_is_renamed_is_told() -> None:
    header = ["", "slot", "slot"]
    assert renamed(header, column_names(header)) == [
        "column 1 has no name in the header: it is called 'column_1'",
        "the header names 'slot' again in column 3: there it is called 'slot_2'",
    ]


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_training_names_columns_as_init_does(mark: str, end: str, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    rows = [",slot,click,slot", "0,a,1,x", "1,b,0,y"]
    path.write_text(mark + end.join(rows) + end, encoding="utf-8", newline="")
    read = scan(path, TableForm()).collect()
    assert read.columns == read_sample(path).rows.columns == ["column_1", "slot", "click", "slot_2"]
    assert read.rows() == [(0, "a", 1, "x"), (1, "b", 0, "y")]


def test_a_type_is_given_to_a_renamed_column(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("a,a\n01,02\n")
    read = scan(tmp_path / "log.csv", TableForm(types={"a_2": "str"})).collect()
    assert read.rows() == [(1, "02")]


def test_quoted_blanks_leave_numbers_numbers(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text('"n","x"\n"1","a"\n"",""\n')
    read = scan(tmp_path / "log.csv", TableForm()).collect()
    assert read.rows() == [(1, "a"), (None, None)]
    assert read["n"].dtype == pl.Int64


def test_a_first_line_of_no_csv_is_refused_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("x" * 200_000 + ",y\n1,2\n")
    with pytest.raises(DataError, match="row 1: not readable as CSV"):
        scan(tmp_path / "log.csv", TableForm())
