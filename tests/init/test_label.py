"""The label: which values mean a click, and what is said of those that mean none."""

import numpy as np
import polars as pl
import pytest

from clickthrough.data.labels import ONE, Click
from clickthrough.errors import DataError
from clickthrough.init.label import clicks_of, guess_label
from clickthrough.init.profile import profile

ROWS = 400
CLICKS = np.random.default_rng(3).integers(0, 2, ROWS)
COUNTS = CLICKS * np.array([1, 2, 5, 1] * (ROWS // 4))


def of(values: object, name: str = "click", click: Click = ONE) -> tuple[str, Click]:
    """Return the reason and meaning of a label that is named."""
    looked = profile(pl.DataFrame({name: values, "slot": ["a", "b"] * (ROWS // 2)}))
    choice, meant = guess_label(looked, name, "log.csv", click)
    made = clicks_of(looked.rows[name], meant)
    assert 0 < made.drop_nulls().to_numpy().mean() < 1
    return choice.reason, meant


def said(click: str, none: str) -> list[str]:
    """Return the clicks in words."""
    return [click if one else none for one in CLICKS]


@pytest.mark.parametrize(
    ("name", "values", "at_least", "why"),
    [
        ("click", CLICKS, None, "0 and 1"),
        ("click", CLICKS * 2 - 1, 1, "-1 and 1"),
        ("click", COUNTS, 1, "counts from 0 to 5"),
        ("n_clicks", COUNTS.astype(float), 1, "counts from 0 to 5"),
        ("click", [bool(c) for c in CLICKS], None, "true and false"),
        ("click", ["True" if c else "False" for c in CLICKS], None, "true and false"),
        ("rating", COUNTS, 4, "a rating up to 5"),
        ("stars", COUNTS / 2 + 0.5, 0.8 * 3, "a rating up to 3"),
    ],
)
def test_each_kind_of_label_has_its_threshold_and_reason(
    name: str, values: object, at_least: float | None, why: str
) -> None:
    reason, found = of(values, name)
    assert found.at_least == pytest.approx(at_least)
    assert why in reason


@pytest.mark.parametrize(
    ("click", "none"),
    [
        ("yes", "no"),
        ("Y", "N"),
        (" T", "F "),
        ("clicked", "not clicked"),
        ("CLICKED", "not_clicked"),
        ("click", "no-click"),
        ("on", "off"),
        ("pos", "neg"),
    ],
)
def test_a_well_known_pair_of_texts_is_a_label(click: str, none: str) -> None:
    reason, found = of(said(click, none))
    assert found == Click(texts=(click.strip().lower(),))
    assert f"'{click.strip().lower()}' is a click" in reason
    looked = profile(pl.DataFrame({"is_click": said(click, none), "sold": said("yes", "no")}))
    choice, meant = guess_label(looked, None, "log.csv")
    assert (choice.column, meant) == ("is_click", found)


def test_a_text_that_the_owner_says_is_found_by_what_it_holds() -> None:
    looked = profile(pl.DataFrame({"what": said("Bought", "seen"), "slot": ["a", "b"] * 200}))
    choice, meant = guess_label(looked, None, "log.csv", Click(texts=("bought",)))
    assert choice.column == "what"
    assert meant.texts == ("bought",)
    assert clicks_of(looked.rows["what"], meant).to_list() == CLICKS.tolist()
    with pytest.raises(DataError, match="columns that hold 'sold': none; say which with --label"):
        guess_label(looked, None, "log.csv", Click(texts=("sold",)))
    with pytest.raises(DataError, match=r"'Bought', 'seen'.*and 'sold' is not among them"):
        guess_label(looked, "what", "log.csv", Click(texts=("sold",)))
    with pytest.raises(DataError, match="either --label-is or --label-at-least, not both"):
        guess_label(looked, "what", "log.csv", Click(1, ("bought",)))


def test_a_threshold_that_the_owner_says_stands() -> None:
    two = Click(2)
    reason = f"as you said: 2 or more is a click; {CLICKS.mean():.2%} clicks"
    assert of(CLICKS + 1, click=two) == (reason, two)
    assert of(COUNTS, "rating", two)[1] == two


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (np.where(CLICKS, 0.3, 0.9), "fractions from 0.3 to 0.9.*--label-at-least"),
        (CLICKS + 1, "whole numbers from 1 to 2.*--label-at-least"),
        (said("bought", "seen"), r"\('bought', 'seen'\).*which of them is a click with --label-is"),
        (
            ["a", "b", "c", "d"] * 100,
            r"\('a', 'b', 'c', \.\.\.\).*which texts are.*--label-is TEXT",
        ),
        (["yes", None] * 200, "holds yes or a blank, and a blank is no label.*write 0 where"),
        ([1, None] * 200, "holds 1 or a blank, and a blank is no label.*write 0 where"),
        (["yes"] * ROWS, "every row is a click.*one row an impression, with 0 where it was not"),
        (["2024-01-01"] * ROWS, r"texts \('2024-01-01'\).*--label COLUMN"),
        ([None] * ROWS, "holds no values"),
        ([0] * ROWS, "no row is a click"),
        ([1] * ROWS, "every row is a click"),
        ([[1]] * ROWS, "lists or records"),
    ],
)
def test_what_is_no_label_is_refused_with_the_way_out(values: object, says: str) -> None:
    looked = profile(pl.DataFrame({"click": values}))
    with pytest.raises(DataError, match=says) as caught:
        guess_label(looked, "click", "log.csv")
    assert "\n" not in str(caught.value)
    with pytest.raises(DataError, match="--label"):
        guess_label(looked, None, "log.csv")


def test_a_threshold_that_divides_nothing_is_refused() -> None:
    with pytest.raises(DataError, match="no row is a click, 9 or more being a click"):
        of(COUNTS, click=Click(9))
    with pytest.raises(DataError, match="takes numbers"):
        of(["yes", "no"] * (ROWS // 2), click=Click(1))


def test_one_class_in_a_part_of_a_log_is_no_reason_to_refuse_it() -> None:
    looked = profile(pl.DataFrame({"click": [0] * ROWS}), whole=False)
    assert guess_label(looked, "click", "log.csv")[1] == Click()


def test_counts_under_the_name_of_a_label_are_offered() -> None:
    looked = profile(pl.DataFrame({"clicks": COUNTS}))
    with pytest.raises(DataError, match="--label clicks takes 1 or more for a click"):
        guess_label(looked, None, "log.csv")


def test_a_score_of_fractions_is_no_rating() -> None:
    looked = profile(pl.DataFrame({"score": np.round(np.linspace(0, 1, ROWS), 1)}))
    with pytest.raises(DataError, match="--label"):
        guess_label(looked, None, "log.csv")
