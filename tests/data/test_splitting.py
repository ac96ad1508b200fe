"""Rows are divided as Python's strict reader divides them, with cells of any length, and blanks."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickthrough.data.splitting import SplitError, Splitter

SIGNS = st.text("ab,;\"'\n\r \t", max_size=20)


@given(SIGNS, st.sampled_from([",", ";", "\t"]), st.sampled_from(['"', "'"]), st.booleans())
def test_rows_are_those_of_pythons_strict_reader(
    text: str, separator: str, quote: str, long: bool
) -> None:
    lines = [*io.StringIO(text, newline="")]
    try:
        expected = [*csv.reader(lines, delimiter=separator, quotechar=quote, strict=True)]
    except csv.Error:
        expected = None
    more = "a" * 140_000 if long else "a"  # which that reader would not take
    given = [line.replace("a", more) for line in lines]
    if expected is None:
        with pytest.raises(SplitError, match="a quote is never closed, or the file is cut"):
            [*Splitter(separator, quote).rows(given)]
    else:
        wanted = [[cell.replace("a", more) for cell in row] for row in expected]
        assert [*Splitter(separator, quote).rows(given)] == wanted


@given(
    st.lists(st.tuples(st.sampled_from(["a", "a;b", 'a"', "", "a\nb"]), st.booleans()), min_size=1),
    st.sampled_from(["", " ", "\t ", "\u00a0"]),
)
def test_blanks_around_cells_are_none_of_them(cells: list[tuple[str, bool]], blanks: str) -> None:
    quoted = [
        '"{}"'.format(cell.replace('"', '""')) if quotes or ";" in cell or "\n" in cell else cell
        for cell, quotes in cells
    ]
    line = ";".join(f"{blanks}{cell}{blanks}" for cell in quoted) + "\n"
    rows = [*Splitter(";", trim=True).rows(io.StringIO(line, newline=""))]
    assert rows == ([[]] if quoted == [""] else [[cell for cell, _ in cells]])


@pytest.mark.parametrize(
    ("lines", "trim", "said", "count"),
    [
        (["a,b\n", 'c,"d\n', "e,f\n", "g,h\n"], False, "unexpected end of data", 3),
        (["a, b\n", 'c, "d\n', "e, f\n"], True, "unexpected end of data", 2),
        (['c, "d\n', 'e, 5" high" \n'], True, "',' expected after '\"'", 2),
    ],
)
def test_a_quote_that_is_never_closed_is_refused(
    lines: list[str], trim: bool, said: str, count: int
) -> None:
    with pytest.raises(SplitError, match=said) as caught:
        [*Splitter(",", trim=trim).rows(lines)]
    assert caught.value.lines == count


@given(SIGNS)
def test_a_line_ends_within_a_cell_where_its_row_goes_on(text: str) -> None:
    line = text.replace("\n", "").replace("\r", "") + "\n"
    try:
        [*Splitter(",").rows([line])]
        goes_on = False
    except SplitError as error:
        goes_on = str(error).startswith("unexpected end")
    assert Splitter(",").ends_within(line, within=False) == goes_on


def test_a_sign_for_inches_opens_no_cell() -> None:
    assert not Splitter(",").ends_within('7,5" screen\n', within=False)
    assert Splitter(",").ends_within('7,"5"" screen\n', within=False)
    assert not Splitter(",").ends_within('",8\n', within=True)
