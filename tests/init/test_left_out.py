"""Each reason is true of the column that it is said of, whatever the log holds."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings

from clickthrough.errors import DataError
from clickthrough.init.kinds import Made, kinds
from clickthrough.init.left_out import DECIMAL_COMMA, counts_rows, is_dated
from clickthrough.init.names import declared_type, names_rows, one_of_many, words
from clickthrough.init.profile import profile
from clickthrough.init.roles import Guess, Named, guess_roles
from clickthrough.init.sample import read_sample
from tests.init.test_any_log import logs

Holds = Callable[[str, pl.Series, Guess, re.Match[str]], object]


def _goes_up(values: pl.Series) -> bool:
    return values.to_list() in [list(range(at, at + len(values))) for at in (0, 1)]


def _fractions(values: pl.Series) -> bool:
    return values.dtype.is_float() and bool((values == values.floor()).drop_nulls().all())


def _rows_a_value(values: pl.Series, rows: str) -> bool:
    known = values.drop_nulls()
    return len(known) / known.n_unique() == pytest.approx(float(rows), abs=0.5)


TRUE_OF: dict[str, Holds] = {
    "no row has a value": lambda n, v, g, m: v.null_count() == len(v),
    "one value in all rows": lambda n, v, g, m: v.n_unique() == 1,
    "row numbers": lambda n, v, g, m: _goes_up(v) or names_rows(n),
    "a value a row.*": lambda n, v, g, m: v.drop_nulls().is_unique().all(),
    "dates or times.*": lambda n, v, g, m: v.dtype.is_temporal() or is_dated(v),
    "free text": lambda n, v, g, m: v.str.contains(" ").any(),
    "clickthrough calls a column .*": lambda n, v, g, m: n in ("row", "part"),
    "its name is that of a role that column '(.*)' has": (
        lambda n, v, g, m: g.columns[n] == m[1] != n
    ),
    "it was not taken for the role .*; (.*) takes it": (
        lambda n, v, g, m: n not in g.columns and n.startswith(m[1].removeprefix("--"))
    ),
    "may leak the label: '(.*)' in its name .*": lambda n, v, g, m: m[1] in words(n),
    "leaks the label.*": lambda n, v, g, m: len(v) >= 40,
    "ids by their name, but beyond .*": lambda n, v, g, m: v.max() >= 2**53,  # type: ignore[operator]
    re.escape(DECIMAL_COMMA): lambda n, v, g, m: v.drop_nulls().str.contains(",").all(),
    "its name says '(.*?)'.*": lambda n, v, g, m: declared_type(n) == m[1],
    "texts": lambda n, v, g, m: v.dtype == pl.String,
    "texts that '(.)' divides.*": (
        lambda n, v, g, m: v.drop_nulls().str.contains(m[1], literal=True).any()
    ),
    "true and false": lambda n, v, g, m: v.dtype == pl.Boolean,
    "has leading zeros": lambda n, v, g, m: v.drop_nulls().str.contains("^-?0").any(),
    "is beyond 64 bits": lambda n, v, g, m: v.drop_nulls().str.len_chars().max() >= 19,  # type: ignore[operator]
    "ids or codes by their name": lambda n, v, g, m: one_of_many(n),
    "ids or codes by their name, written as fractions": (
        lambda n, v, g, m: one_of_many(n) and _fractions(v) and v.null_count() == 0
    ),
    "ids or codes by their name, fractions only because some are missing": (
        lambda n, v, g, m: one_of_many(n) and _fractions(v) and v.null_count() > 0
    ),
    "whole numbers of few values": lambda n, v, g, m: v.drop_nulls().n_unique() <= 20,
    "whole numbers that come back, (.*) rows a value": (
        lambda n, v, g, m: _rows_a_value(v, m[1])
    ),
    "(.*) to (.*), median (.*?)(: a long tail)?": (
        lambda n, v, g, m: v.dtype.is_numeric() and float(m[1]) <= float(m[3]) <= float(m[2])
    ),
}  # fmt: skip


def is_true(made: Made, values: pl.Series, guess: Guess) -> bool:
    """Tell whether a reason is one of those known, and holds."""
    known = ((re.fullmatch(said, made.reason), holds) for said, holds in TRUE_OF.items())
    found = [bool(holds(made.column.name, values, guess, m)) for m, holds in known if m]
    assert found, f"no test of the reason: {made.reason}"
    return all(found)


@pytest.mark.slow
@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(text=logs())
def test_each_reason_is_true_of_its_column(text: str, tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(text, encoding="utf-8")
    try:
        looked = profile(read_sample(tmp_path / "log.csv").rows)
        guess = guess_roles(looked, Named(), "log.csv")
    except DataError:
        return
    for made in kinds(looked, guess, None):
        assert is_true(made, looked.rows[made.column.name], guess), (made.column.name, made.reason)


@pytest.mark.parametrize(
    ("values", "name", "counts"),
    [
        (range(30), "anything", True),
        (range(1, 31), "anything", True),
        (range(5, 35), "anything", False),
        (range(5, 35), "Unnamed: 0", True),
        ([*range(15), *range(15)], "index", True),
        ([*range(15), *range(15)], "anything", False),
        (range(0, 60, 2), "anything", False),
        ([0, 1], "slot", False),
        ([*range(900), *range(50_000, 50_900)], "anything", True),
        ([*range(0, 3_000, 2)], "anything", False),
    ],
)
def test_row_numbers_count_the_rows(values: Sequence[int], name: str, counts: bool) -> None:
    column = pl.Series(name, values)
    looked = profile(column.to_frame())
    assert counts_rows(looked.columns[name], column) is counts
