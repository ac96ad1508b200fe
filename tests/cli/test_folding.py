"""Tables fit the terminal: numbers fold in groups of columns, texts wrap, empty columns go."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.table import Table

from clickthrough.cli.folding import folded


def table(columns: int, rows: int = 2, justify: str = "right", cell: str = "0.1234") -> Table:
    made = Table("", title="a title", caption="a note")
    for place in range(columns):
        made.add_column(f"metric\n{place}", justify=justify)  # type: ignore[arg-type]
    for row in range(rows):
        made.add_row(f"model {row}", *([cell] * columns), end_section=row == 0)
    return made


def printed(parts: list[Table], width: int) -> list[str]:
    out = io.StringIO()
    for part in parts:
        Console(file=out, width=width).print(part)
    return out.getvalue().splitlines()


@given(st.integers(1, 20), st.integers(40, 140))
def test_each_part_fits_and_no_cell_is_lost(columns: int, width: int) -> None:
    parts = folded(table(columns), width)
    lines = printed(parts, 500)
    assert max(map(len, lines)) <= width
    assert sum(line.count("0.1234") for line in lines) == 2 * columns
    assert sum("model 0" in line for line in lines) == len(parts)
    assert parts[0].title == "a title"
    assert parts[-1].caption == "a note"


def test_what_fits_is_left_as_it_is() -> None:
    made = table(3)
    assert folded(made, 100) == [made]


def test_columns_that_hold_nothing_are_left_out() -> None:
    made = Table("", "AUC", "MAP@12", "log loss")
    made.add_row("a", "0.5", "–")
    made.add_row("b", "0.6", "–", "0.4")
    (found,) = folded(made, 100)
    assert [column.header for column in found.columns] == ["", "AUC", "log loss"]
    assert list(found.columns[2].cells) == ["", "0.4"]


def test_a_table_without_rows_keeps_its_columns() -> None:
    made = Table("", "AUC")
    assert folded(made, 100) == [made]


def test_texts_wrap_and_do_not_fold() -> None:
    made = table(3, justify="left", cell="a long text that wraps at its blanks")
    assert folded(made, 60) == [made]


@pytest.mark.parametrize("width", [10, 20])
def test_a_column_that_is_too_wide_alone_is_still_shown(width: int) -> None:
    assert len(folded(table(3), width)) == 3
