"""Codes are alike all over a log, lead back to the values, and are in their order."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from clickthrough.errors import DataError
from clickthrough.features.history.codes import (
    MISSING,
    KeyCodes,
    NumberedCodes,
    OffsetCodes,
    codes_of,
)

VALUES: dict[str, Any] = {
    "close": [3, None, -2, 3, 900],
    "far apart": [2**40, None, -(2**40), 0, 2**40],
    "texts": ["b", None, "\U0001f600", "a", "\ufb00"],
    "none": pl.Series([None, None], dtype=pl.Int64),
    "truths": [True, None, False],
}


@pytest.mark.parametrize("name", VALUES)
def test_codes_lead_back_to_the_values(name: str) -> None:
    values = pl.Series("x", VALUES[name])
    codes = codes_of([values.to_frame().lazy()], "x")
    found = codes.of(values)
    assert (found == MISSING).tolist() == values.is_null().to_list()
    assert found.min() >= MISSING
    assert int(found.max()).bit_length() <= codes.bits
    assert codes.values(found).to_list() == values.to_list()


@pytest.mark.parametrize("name", ["close", "far apart", "texts"])
def test_ranks_are_in_the_order_of_the_values(name: str) -> None:
    values = pl.Series("x", VALUES[name]).drop_nulls()
    codes = codes_of([values.to_frame().lazy()], "x")
    ranks = codes.ranks(codes.of(values))
    assert values.gather(np.argsort(ranks)).to_list() == values.sort().to_list()


def test_a_value_keeps_its_code_though_nothing_else_holds_it() -> None:
    codes = NumberedCodes(pl.String())
    first = codes.of(pl.Series(["a", "b"])).tolist()
    assert codes.of(pl.Series(["c", "b", "d"])).tolist() == [2, 1, 3]
    assert codes.values(np.array([*first, 3, MISSING])).to_list() == ["a", "b", "d", None]
    assert codes.ranks(np.array([3, 0])).tolist() == [3, 0]
    codes.of(pl.Series(["aa"]))
    assert codes.ranks(np.array([3, 0])).tolist() == [4, 0]


def test_a_range_is_that_of_all_tables() -> None:
    tables = [pl.LazyFrame({"x": [5, 7]}), pl.LazyFrame({"x": [-3, None]})]
    codes = codes_of(tables, "x")
    assert isinstance(codes, OffsetCodes)
    assert codes.of(pl.Series([-3, 7])).tolist() == [0, 10]


def test_keys_of_many_wide_fields_are_apart() -> None:
    rng = np.random.default_rng(5)
    fields = [OffsetCodes(0, 2**30, pl.Int64()) for _ in range(4)]
    each = [rng.choice([MISSING, 0, 1, 2**30], 500) for _ in fields]
    keys = KeyCodes(fields)
    found = np.concatenate([keys.of([own[:200] for own in each]), keys.of([o[200:] for o in each])])
    whole = [tuple(row) for row in np.array(each).T.tolist()]
    known = [(key, row) for key, row in zip(found.tolist(), whole, strict=True) if key >= 0]
    assert {row for _, row in known} == {row for row in whole if MISSING not in row}
    assert len(set(known)) == len({key for key, _ in known}) == len({row for _, row in known})


def test_a_field_of_two_types_is_refused() -> None:
    tables = [pl.LazyFrame({"x": [5]}), pl.LazyFrame({"x": ["5"]})]
    with pytest.raises(DataError, match=r"field 'x' is of one type .* found Int64 and String"):
        codes_of(tables, "x")
