"""Numbers as people write them are those that a program writes, to the last bit."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickthrough.data.form import TableForm
from clickthrough.data.scan import scan
from clickthrough.data.written_numbers import plain_texts, typed_texts
from clickthrough.errors import DataError

STYLES = [TableForm(decimal=decimal, thousands=thousands) for decimal, thousands in (
    (",", None), (",", "."), (",", " "), (",", "'"), (".", ","), (".", " "), (".", "'"), (".", "_"),
)]  # fmt: skip
FRACTIONS = st.decimals(-1e9, 1e9, allow_nan=False, allow_infinity=False, places=6).map(str)
NUMBERS = st.one_of(FRACTIONS, st.integers(-(2**62), 2**62).map(str))


def styled(number: str, style: TableForm) -> str:
    """Write a number as people do."""
    sign, digits = ("-", number[1:]) if number.startswith("-") else ("", number)
    whole, point, rest = digits.partition(".")
    return f"{sign}{int(whole):,}".replace(",", style.thousands or "") + (
        f"{style.decimal}{rest}" if point else ""
    )


@given(numbers=st.lists(NUMBERS, min_size=1), style=st.sampled_from(STYLES))
def test_numbers_are_those_of_a_plain_table(numbers: list[str], style: TableForm) -> None:
    form = replace(style, numbers=("n",))
    texts = pl.DataFrame({"n": [styled(number, style) for number in numbers], "t": "a,b"})
    read = typed_texts(texts.lazy(), form, "log.csv", 2).collect()
    plain = pl.read_csv(("n\n" + "\n".join(numbers) + "\n").encode(), infer_schema_length=None)
    assert read["n"].dtype == plain["n"].dtype
    assert read["n"].to_list() == plain["n"].to_list()
    assert read["t"].to_list() == ["a,b"] * len(numbers)
    assert plain_texts(texts.lazy(), form).collect()["n"].to_list() == numbers


GERMAN = replace(STYLES[1], numbers=("n",))


@pytest.mark.parametrize(
    ("texts", "dtype", "values"),
    [
        (["1.352", None, "7"], pl.Int64, [1352, None, 7]),
        (["0,71", "1.352,5"], pl.Float64, [0.71, 1352.5]),
        (["12,3e4", "1"], pl.Float64, [123_000.0, 1.0]),
        (["99999999999999999999"], pl.Int128, [99999999999999999999]),
        ([None, None], pl.String, [None, None]),
    ],
)
def test_a_column_has_the_type_of_its_numbers(
    texts: list[str | None], dtype: pl.DataType, values: list[object]
) -> None:
    table = pl.LazyFrame({"n": pl.Series(texts, dtype=pl.String)})
    read = typed_texts(table, GERMAN, "log.csv", 2).collect()
    assert read["n"].dtype == dtype
    assert read["n"].to_list() == values


@pytest.mark.parametrize("odd", ["0.71", "a", "1.35", "1,3,5", "-"])
def test_what_is_no_such_number_is_named_with_its_row(odd: str) -> None:
    table = pl.LazyFrame({"n": ["1,5", odd]})
    with pytest.raises(
        DataError, match=r"^log\.csv: row 3, column 'n': expected a number such as "
    ):
        typed_texts(table, GERMAN, "log.csv", 2)


def test_a_number_means_the_same_whatever_stands_beside_it(tmp_path: Path) -> None:
    form = TableForm(";", decimal=",", thousands=".", numbers=("price",))
    for name, other in (("a", "980"), ("b", "980,5")):
        path = tmp_path / f"{name}.csv"
        path.write_text(f"price;score\n1.250;2.125\n{other};3.5\n")
        assert scan(path, form).collect().row(0) == (1250, 2.125)


def test_missing_values_and_given_types_hold_beside(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("a;b;c;d\n1.352,5;007;NULL;NA\nNULL;1.000;7;1\n-;NA;8;2\n")
    form = TableForm(";", types={"b": "str", "a": "float"}, missing=("NULL",),
                     missing_in={"a": ["-"], "d": ["NA"]}, decimal=",", thousands=".",
                     numbers=("a",))  # fmt: skip
    read = scan(tmp_path / "log.csv", form).collect()
    assert read.rows() == [(1352.5, "007", None, None), (None, "1.000", 7, 1), (None, "NA", 8, 2)]
    assert read.schema["d"] == pl.Int64
