import pytest

from clickthrough.init.sniff import sniff

ROWS = [["id", "place", "price"], ["1", "top, left", "1.5"], ["2", "side", ""]]


@pytest.mark.parametrize("separator", [",", "\t", ";", "|"])
def test_the_separator_is_what_divides_every_line(separator: str) -> None:
    lines = [separator.join(f'"{text}"' for text in row) for row in ROWS]
    form = sniff(lines)
    assert (form.separator, form.columns) == (separator, None)


def test_a_sign_within_texts_is_no_separator() -> None:
    lines = ["id;genres", *(f"{number};Comedy|Drama" for number in range(9))]
    assert sniff(lines).separator == ";"


@pytest.mark.parametrize("first", ["1,top,0", "a,,b", "a,a,b", "-1.5e3,x,y"])
def test_a_first_row_of_values_is_no_header(first: str) -> None:
    assert sniff([first, "2,side,1"]).columns == ("column_1", "column_2", "column_3")


def test_names_are_a_header_even_where_all_values_are_texts() -> None:
    assert sniff(["place,colour", "top,red", "side,blue"]).columns is None


def test_one_column_is_a_table() -> None:
    assert sniff(["clicked", "0", "1"]).columns is None
