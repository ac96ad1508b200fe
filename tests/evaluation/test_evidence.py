"""Sentences under a table: how little figures rest on, and what beats what."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from clickthrough.evaluation.evidence import beyond_chance, thin_test, thin_validation


def labels_of(clicks: int, others: int) -> NDArray[np.int8]:
    return np.repeat([1, 0], [clicks, others]).astype(np.int8)


@pytest.mark.parametrize(
    ("clicks", "others", "said"),
    [
        (3, 997, ["3 clicks in the test part: these figures mean nothing"]),
        (1, 997, ["1 click in the test part: these figures mean nothing"]),
        (0, 997, ["0 clicks in the test part: these figures mean nothing"]),
        (10, 997, ["10 clicks in the test part: these figures are mostly chance"]),
        (99, 997, ["99 clicks in the test part: these figures are mostly chance"]),
        (997, 1, ["1 impression without a click in the test part: these figures mean nothing"]),
        (100, 100, []),
        (3, 50, ["3 clicks in the test part: these figures mean nothing",
                 "50 impressions without a click in the test part: these figures are mostly "
                 "chance"]),
    ],
)  # fmt: skip
def test_few_rows_of_a_class_are_told(clicks: int, others: int, said: list[str]) -> None:
    assert thin_test(labels_of(clicks, others)) == said


def test_few_clicks_of_the_validation_part_are_told_with_what_they_decided() -> None:
    assert thin_validation(labels_of(12, 900)) == [
        "12 clicks in the validation part, which chose and "
        "calibrated: its choices are mostly chance"
    ]
    assert thin_validation(labels_of(100, 900)) == []


def record(clicks: int = 500, **differences: list[float] | None) -> dict[str, Any]:
    """Return a record: name -> difference of the log loss, low, high."""
    names = [name.replace("_", " ") for name in differences]
    found = dict(zip(names, differences.values(), strict=True))
    return {
        "clicks": clicks,
        "impressions": 5_000,
        "results": dict.fromkeys(["mlp", *names]),
        "bootstrap": {
            "confidence": 0.9,
            "differences": {name: {"log_loss": value} for name, value in found.items()},
        },
    }


WORSE, EVEN, BETTER = [0.1, 0.05, 0.2], [-0.01, -0.1, 0.1], [-0.1, -0.2, -0.05]
SHARE = "by 90% intervals of log loss, "


@pytest.mark.parametrize(
    ("differences", "said"),
    [
        ({"constant": BETTER, "LightGBM": BETTER}, "mlp beats every baseline beyond chance"),
        (
            {"constant": BETTER, "LightGBM": WORSE},
            "mlp beats constant beyond chance; LightGBM beats mlp",
        ),
        (
            {"constant": EVEN, "LightGBM": WORSE, "sum_of_rates": WORSE},
            "LightGBM, sum of rates beat mlp; mlp and constant do not differ beyond chance",
        ),
        ({"constant": EVEN}, "mlp and constant do not differ beyond chance"),
        ({"constant": BETTER, "truth": WORSE, "observable_oracle": WORSE},
         "mlp beats every baseline beyond chance"),
    ],
)  # fmt: skip
def test_a_sentence_says_what_beats_what(differences: dict[str, Any], said: str) -> None:
    assert beyond_chance(record(**differences)) == [SHARE + said]


def test_without_baselines_nothing_is_said() -> None:
    assert beyond_chance(record()) == []
    assert beyond_chance(record(truth=WORSE)) == []
    assert beyond_chance(record(constant=None)) == []


@pytest.mark.parametrize("clicks", [3, 4_997])
def test_of_fewer_than_ten_nothing_beats_anything(clicks: int) -> None:
    said = "whether mlp beats its baselines cannot be told from so few"
    assert beyond_chance(record(clicks, constant=BETTER)) == [said]
