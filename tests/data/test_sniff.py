import pytest

from clickthrough.data.sniff import sniff

ROWS = [["id", "place", "price"], ["1", "top, left", "1.5"], ["2", "side", ""]]


@pytest.mark.parametrize("separator", [",", "\t", ";", "|"])
def test_the_separator_is_what_divides_every_line(separator: str) -> None:
    lines = [separator.join(f'"{text}"' for text in row) for row in ROWS]
    form = sniff(lines)
    assert (form.separator, form.columns) == (separator, None)


def test_a_sign_within_texts_is_no_separator() -> None:
    lines = ["id;genres", *(f"{number};Comedy|Drama" for number in range(9))]
    assert sniff(lines).separator == ";"


@pytest.mark.parametrize("first", ["1,top,0", "-1.5e3,x,y", "3,,2", ",7,1"])
def test_a_first_row_of_values_is_no_header(first: str) -> None:
    assert sniff([first, "2,side,1"]).columns == ("column_1", "column_2", "column_3")


def test_a_first_row_that_comes_back_below_is_no_header() -> None:
    assert sniff(["top,red", "side,blue", "top,blue", "side,red"]).columns is not None


@pytest.mark.parametrize("first", ["a,,b", "a,a,b", ",place,click", "id,2024,click", "id,id,id"])
def test_one_odd_cell_makes_a_header_no_row_of_values(first: str) -> None:
    rows = ["0,side,1", "1,top,0", "2,side,0"]
    assert sniff([first, *rows]).columns is None


@pytest.mark.parametrize("first", ["0,1,2,3", ",0,1,2,3"])
def test_columns_that_are_numbered_have_a_header(first: str) -> None:
    width = first.count(",") + 1
    assert sniff([first, ",".join(["7"] * width)]).columns is None


def test_names_are_a_header_even_where_all_values_are_texts() -> None:
    assert sniff(["place,colour", "top,red", "side,blue"]).columns is None


def test_one_column_is_a_table() -> None:
    assert sniff(["clicked", "0", "1"]).columns is None
