"""What is said beside the table of columns."""

import polars as pl
import pytest

from clickthrough.errors import DataError
from clickthrough.init.kinds import kinds
from clickthrough.init.notes import notes
from clickthrough.init.profile import profile
from clickthrough.init.roles import Named, guess_roles

ROWS = 200
TEXTS = pl.from_epoch(pl.Series(range(1_700_000_000, 1_700_000_000 + 60 * ROWS, 60)))


def told(**columns: object) -> str:
    """Return what is said of a log that has a label and some columns more."""
    looked = profile(pl.DataFrame({"click": [0, 1, 0, 0] * (ROWS // 4), **columns}))
    guess = guess_roles(looked, Named(), "log.csv")
    return "\n".join(notes(looked, guess, kinds(looked, guess, ROWS)))


@pytest.mark.parametrize(
    ("name", "values", "says"),
    [
        ("time", TEXTS.dt.strftime("%d/%b/%Y:%Hh"), "cannot be read as one"),
        ("time", ["noon", "night"] * (ROWS // 2), "looks like a time (noon) and is left out"),
        ("stamp", TEXTS.dt.strftime("%d-%b-%y %Hh"), "cannot be read as one"),
        ("click_time", TEXTS, "'click' in its name.*--time click_time would take it all the same"),
        ("born", ["1990-01-02", "1991-01-02"] * (ROWS // 2), "--time born would take it"),
        ("birth_date", ["1990-01-02", "1991-01-02"] * (ROWS // 2), "--time birth_date would"),
        (
            "date",
            [None] * (ROWS // 2) + [20240101, 20240102] * (ROWS // 4),
            "100 of 200 rows",
        ),
    ],
)
def test_a_time_that_is_not_taken_is_told_aloud(name: str, values: object, says: str) -> None:
    found = told(**{name: values})
    assert f"column '{name}' looks like a time" in found
    assert pl.Series([found]).str.contains(says.replace("(", r"\(").replace(")", r"\)"))[0], found
    assert "no column is the time: the log is divided in the order of its rows" in found
    assert "--time COLUMN" in found


def test_another_time_is_told_with_the_one_that_was_taken() -> None:
    found = told(time=TEXTS, born=["1990-01-02", "1991-01-02"] * (ROWS // 2))
    assert "column 'born' looks like a time" in found
    assert "the time is 'time'; --time born would take this one" in found
    assert "no column is the time" not in found


def test_a_time_of_no_known_origin_is_told() -> None:
    assert "'ts' counts from no known moment" in told(ts=range(50, 50 + 3 * ROWS, 3))


def test_numbers_that_texts_keep_from_being_a_quantity_are_told() -> None:
    assert "'bid' becomes categorical: it holds numbers, but also texts such as 'NULL'" in told(
        bid=["1.5", "2", "3.5", "2", "NULL"] * (ROWS // 5)
    )
    assert "'bid' is left out: numbers with a decimal comma" in told(bid=["0,5", "7,1"] * 100)
    assert "'bid'" not in told(bid=["a", "b"] * (ROWS // 2))


def test_roles_without_a_column_are_told_with_their_flags() -> None:
    assert "for user, item; name one with --user, --item" in told(slot=["a", "b"] * 100)
    named = told(user=[1, 2] * (ROWS // 2), item=[1, 1, 2, 2] * (ROWS // 4))
    assert "no column was taken for" not in named


def test_days_and_months_that_could_be_changed_over_are_told_aloud() -> None:
    few = pl.Series(["01/02/2024 06:00", "01/03/2024 07:00", "01/04/2024 08:30"] * (ROWS // 3 + 1))
    said = told(time=few.head(ROWS))
    assert "read as %m/%d/%Y %H:%M; %d/%m/%Y %H:%M would read them too: see 'time'" in said


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([None, *TEXTS[1:]], "1 of 200 rows; the first, row 1 below the header, holds nothing"),
        (
            [*map(str, TEXTS[:9]), "25:61", *map(str, TEXTS[10:])],
            "1 of 200 rows; the first, row 10 below the header, holds '25:61'",
        ),
    ],
)
def test_a_time_that_few_rows_spoil_is_refused(values: list[object], says: str) -> None:
    with pytest.raises(DataError, match=f"column 'ts' is a time, but cannot be read in {says}"):
        told(ts=values)


@pytest.mark.parametrize("bad", ["yesterday", None])
def test_a_time_by_its_values_alone_that_few_rows_spoil_is_told_with_the_first(
    bad: str | None,
) -> None:
    said = told(served=[*map(str, TEXTS[:9]), bad, *map(str, TEXTS[10:])])
    assert "column 'served' looks like a time" in said
    assert f"in 1 of {ROWS} rows; the first, row 10 below the header, holds" in said
    assert "no column is the time" in said
