"""Numbers as people write them are those that a program writes, to the last bit."""

import math
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickthrough.data.form import TableForm
from clickthrough.data.scan import scan
from clickthrough.data.written_numbers import as_numbers, as_plain_texts

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
    texts = pl.DataFrame({"n": [styled(number, style) for number in numbers], "t": "a,b"})
    read = as_numbers(texts.lazy(), style).collect()
    plain = pl.read_csv(("n\n" + "\n".join(numbers) + "\n").encode(), infer_schema_length=None)
    assert read["n"].dtype == plain["n"].dtype
    assert read["n"].to_list() == plain["n"].to_list()
    assert read["t"].dtype == pl.String
    assert as_plain_texts(texts.lazy(), style).collect()["n"].to_list() == numbers


GERMAN = STYLES[1]


@pytest.mark.parametrize(
    ("texts", "dtype", "values"),
    [
        (["1.352", None, "7"], pl.Int64, [1352, None, 7]),
        (["0,71", "1.352,5"], pl.Float64, [0.71, 1352.5]),
        (["0.71", "1.5"], pl.Float64, [0.71, 1.5]),  # a column that a program wrote
        (["1.35", "0,71"], pl.String, ["1.35", "0,71"]),
        (["true", "FALSE", None], pl.Boolean, [True, False, None]),
        (["+5", "7"], pl.String, ["+5", "7"]),  # as in a plain table
        (["+5", "7,5"], pl.String, ["+5", "7,5"]),
        (["12,3e4", "1"], pl.Float64, [123_000.0, 1.0]),
        (["99999999999999999999"], pl.Int128, [99999999999999999999]),
        ([None, None], pl.String, [None, None]),
        (["a", "1.352"], pl.String, ["a", "1.352"]),
    ],
)
def test_a_column_has_a_type_only_where_all_of_it_is_such(
    texts: list[str | None], dtype: pl.DataType, values: list[object]
) -> None:
    read = as_numbers(pl.LazyFrame({"n": pl.Series(texts, dtype=pl.String)}), GERMAN).collect()
    assert read["n"].dtype == dtype
    assert read["n"].to_list() == values


def test_missing_values_and_given_types_hold_beside(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("a;b;c\n1.352,5;007;NULL\nNULL;1.000;7\n")
    form = TableForm(";", types={"b": "str", "a": "float"}, missing=("NULL",), decimal=",",
                     thousands=".")  # fmt: skip
    read = scan(tmp_path / "log.csv", form).collect()
    assert read.rows() == [(1352.5, "007", None), (None, "1.000", 7)]
    assert math.isclose(read["a"].sum(), 1352.5)
