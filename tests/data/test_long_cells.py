"""Cells longer than Python's own reader takes."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clickthrough.data import long_cells
from clickthrough.data.csv_shape import check_csv
from clickthrough.data.form import TableForm
from clickthrough.data.long_cells import without_cells
from clickthrough.data.scan import scan
from clickthrough.errors import DataError
from clickthrough.init.run import look

LIMIT = csv.field_size_limit()
LONG = "x" * (LIMIT + 1)
JSON = '{"a": "' + "y\n" * LIMIT + '", "b": [' + "1, " * LIMIT + "2]}"


def shape(lines: "list[str]", separator: str) -> list[int | str]:
    """Return the number of cells of each row, and what is wrong with one."""
    found: list[int | str] = []
    try:
        found.extend(map(len, csv.reader(lines, delimiter=separator, strict=True)))
    except csv.Error as error:
        found.append(str(error).partition(" - ")[0])
    return found


@settings(max_examples=500, deadline=None)
@given(st.text('ab,;"\r\n', max_size=40), st.sampled_from(",;"), st.booleans())
def test_rows_divide_as_they_did(text: str, separator: str, every: bool) -> None:
    lines = [*io.StringIO(text, newline="")]
    with pytest.MonkeyPatch.context() as patched:
        if every:
            patched.setattr(long_cells, "_LONGEST", 0)
        made = [*without_cells(lines, separator)]
    assert shape(made, separator) == shape(lines, separator)


def write(path: Path, cell: str, rows: int = 40) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["page", "ad", "clicked"])
        writer.writerows([cell if row == 5 else f"p{row % 3}", row % 4, row % 2]
                         for row in range(rows))  # fmt: skip
    return path


@pytest.mark.parametrize("cell", [LONG, f'"{LONG}"', f"{LONG}\n{LONG}", JSON])
def test_a_long_cell_is_read(cell: str, tmp_path: Path) -> None:
    path = write(tmp_path / "log.csv", cell)
    check_csv(path, "log.csv", ",", None)
    rows = scan(path, TableForm()).collect()
    assert rows["page"][5] == cell
    assert rows["clicked"].sum() == 20
    assert "page" in look(path).text
    assert csv.field_size_limit() == LIMIT


@pytest.mark.parametrize(
    ("cell", "more", "says"),
    [
        (JSON, "p1,2\n", "row 42 has 2 fields, expected 3"),
        ("p", f"{LONG},{LONG}\np1,1,1\n", "row 42 has 2 fields, expected 3"),
        ("p", f'"{LONG}\n{LONG},1,1\n', "row 42: .*; a quote is never closed"),
    ],
    ids=["below a long cell", "of long cells", "never closed"],
)
def test_a_wrong_row_is_named(cell: str, more: str, says: str, tmp_path: Path) -> None:
    path = write(tmp_path / "log.csv", cell)
    with path.open("a") as file:
        file.write(more)
    with pytest.raises(DataError, match=rf"log\.csv: {says}"):
        check_csv(path, "log.csv", ",", None)


def test_a_name_that_long_is_refused_with_the_bound(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(f"{LONG},clicked\n1,1\n")
    with pytest.raises(DataError, match=rf"row 1: not readable as CSV: .*{LIMIT}"):
        check_csv(path, "log.csv", ",", None)
