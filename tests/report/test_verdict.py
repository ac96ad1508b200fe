"""The verdict follows from the record: beyond chance or not, trusted or not."""

from typing import Any

import pytest

from clickthrough.report.verdict import verdicts


def record(
    differences: dict[str, list[float]], ratio: float = 1.0, ece: float = 0.005, clicks: int = 2_000
) -> dict[str, Any]:
    bins = [
        {"predicted": 0.1, "click_rate": 0.1, "impressions": 1_000},
        {"predicted": 0.3, "click_rate": 0.15, "impressions": 1_000},
    ]
    own = {"log_loss": 0.4, "calibration_ratio": ratio, "ece": ece}
    return {
        "impressions": 10_000,
        "clicks": clicks,
        "results": {"mlp": own} | dict.fromkeys(differences, own),
        "bootstrap": {"differences": {n: {"log_loss": d} for n, d in differences.items()}},
        "reliability": bins,
    }


CONSTANT = {"constant": [-0.2, -0.21, -0.19]}
ORACLE = {"truth": [0.05, 0.04, 0.06]}


@pytest.mark.parametrize(
    ("differences", "mark", "said"),
    [
        ({"trees": [-0.01, -0.02, -0.001]}, "good",
         "beats every baseline beyond chance: log loss 0.4000, 0.0100 below trees"),
        ({"trees": [0.01, 0.005, 0.02]}, "bad", "mlp is worse than trees"),
        ({"trees": [0.001, -0.005, 0.02]}, "mixed", "cannot be told apart from trees"),
        ({"trees": [-0.001, -0.005, 0.002], "rate": [-0.1, -0.2, -0.05]}, "mixed",
         "apart from trees:"),
    ],
)  # fmt: skip
def test_it_beats_its_baselines_only_beyond_chance(
    differences: dict[str, list[float]], mark: str, said: str
) -> None:
    first, _ = verdicts(record(CONSTANT | differences | ORACLE))
    assert first.mark == mark
    assert said in first.sentence


def test_where_only_a_constant_stands_beside_it_is_that_which_is_beaten() -> None:
    first, _ = verdicts(record(CONSTANT))
    assert first.mark == "good"
    assert "below constant" in first.sentence


def test_without_baselines_nothing_is_said_of_them() -> None:
    assert len(verdicts(record({}))) == 1


@pytest.mark.parametrize(
    ("ratio", "ece", "mark"),
    [(1.0, 0.01, "good"), (1.04, 0.05, "mixed"), (1.2, 0.01, "bad"), (0.9, 0.01, "bad")],
)
def test_probabilities_are_trusted_if_level_and_bins_are_right(
    ratio: float, ece: float, mark: str
) -> None:
    made = verdicts(record(CONSTANT, ratio, ece))[-1]
    assert made.mark == mark
    assert f"{ratio:.3f} clicks predicted for each that came; 1 of 2 bins" in made.sentence


def test_a_level_that_chance_explains_is_not_off() -> None:
    few, many = (verdicts(record(CONSTANT, 1.1, 0.01, clicks))[-1] for clicks in (100, 1_000))
    assert few.mark == "mixed"
    assert "100 clicks cannot tell" in few.sentence
    assert many.mark == "bad"


@pytest.mark.parametrize("clicks", [0, 9, 9_995, 10_000])
def test_of_too_few_nothing_is_said(clicks: int) -> None:
    (only,) = verdicts(record(CONSTANT, clicks=clicks))
    assert only.mark == "bad"
    assert "Nothing can be said" in only.sentence
