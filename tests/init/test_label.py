"""The label: which values mean a click, and what is said of those that mean none."""

import numpy as np
import polars as pl
import pytest

from clickthrough.errors import DataError
from clickthrough.init.label import clicks_of, guess_label
from clickthrough.init.profile import profile

ROWS = 400
CLICKS = np.random.default_rng(3).integers(0, 2, ROWS)
COUNTS = CLICKS * np.array([1, 2, 5, 1] * (ROWS // 4))


def of(values: object, name: str = "click", **given: float) -> tuple[str, float | None]:
    """Return the reason and threshold of a label that is named."""
    looked = profile(pl.DataFrame({name: values, "slot": ["a", "b"] * (ROWS // 2)}))
    choice, at_least = guess_label(looked, name, "log.csv", given.get("at_least"))
    made = clicks_of(looked.rows[name], at_least)
    assert 0 < made.drop_nulls().to_numpy().mean() < 1
    return choice.reason, at_least


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
    assert found == pytest.approx(at_least)
    assert why in reason


def test_a_threshold_that_the_owner_says_stands() -> None:
    assert of(CLICKS + 1, at_least=2) == ("as you said: 2 or more is a click; "
                                          f"{CLICKS.mean():.2%} clicks", 2)  # fmt: skip
    assert of(COUNTS, "rating", at_least=2)[1] == 2


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (np.where(CLICKS, 0.3, 0.9), "fractions from 0.3 to 0.9.*--label-at-least"),
        (CLICKS + 1, "whole numbers from 1 to 2.*--label-at-least"),
        (["yes" if c else "no" for c in CLICKS], r"\('no', 'yes'\).*write it as 0 and 1"),
        (["clicked" if c else "not clicked" for c in CLICKS], "'not clicked'.*as 0 and 1"),
        (["2024-01-01"] * ROWS, "texts.*--label COLUMN"),
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
        of(COUNTS, at_least=9)
    with pytest.raises(DataError, match="takes numbers"):
        of(["yes", "no"] * (ROWS // 2), at_least=1)


def test_one_class_in_a_part_of_a_log_is_no_reason_to_refuse_it() -> None:
    looked = profile(pl.DataFrame({"click": [0] * ROWS}), whole=False)
    assert guess_label(looked, "click", "log.csv")[1] is None


def test_counts_under_the_name_of_a_label_are_offered() -> None:
    looked = profile(pl.DataFrame({"clicks": COUNTS}))
    with pytest.raises(DataError, match="--label clicks takes 1 or more for a click"):
        guess_label(looked, None, "log.csv")


def test_a_score_of_fractions_is_no_rating() -> None:
    looked = profile(pl.DataFrame({"score": np.round(np.linspace(0, 1, ROWS), 1)}))
    with pytest.raises(DataError, match="--label"):
        guess_label(looked, None, "log.csv")
