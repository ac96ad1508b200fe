"""From importances to what stays."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from clickthrough.errors import ConfigError
from clickthrough.selection.decide import decided
from clickthrough.selection.importance import Importances
from clickthrough.selection.settings import Choice

NAMES = ["strong", "good", "fair", "noise", "unused", "request_size"]
WORTH = [9.0, 5.0, 3.0, 0.4, 0.0, -1.0]


def found(names: Sequence[str] = NAMES, worth: Sequence[float] = WORTH) -> Importances:
    """Five folds that agree; noise is worth at most 1."""
    validated = np.tile(np.array(worth, np.float64), (5, 1))
    split = np.tile(np.array([0.0 if name == "unused" else 4.0 for name in names]), (5, 1))
    noise = np.zeros_like(validated)
    noise[:, 1] = 1.0
    return Importances(list(names), split * 10, split, validated, noise)


def none_alike(ranked: Sequence[str]) -> Mapping[str, str]:
    return {}


def kept(choice: Choice, importances: Importances | None = None) -> list[str]:
    made = decided(importances or found(), choice, none_alike)
    return [one.name for one in made if one.kept]


def test_what_does_not_rise_above_noise_goes_and_what_says_how_requests_are_built_stays() -> None:
    made = {one.name: one for one in decided(found(), Choice(), none_alike)}
    assert [name for name, one in made.items() if one.kept] == [
        "strong", "good", "fair", "request_size",
    ]  # fmt: skip
    assert made["noise"].why == "does not surely rise above noise: 0.6 nats are missing"
    assert made["unused"].why == "no tree of any fold uses it"
    assert made["strong"].above_noise == pytest.approx(8)
    assert list(made) == ["strong", "good", "fair", "noise", "unused", "request_size"]


def test_the_smaller_set_holds_where_both_are_given() -> None:
    names = [f"f{place}" for place in range(1_000)]
    importances = found(names, np.linspace(500, 2, 1_000).tolist())
    assert kept(Choice(), importances) == names[:150]
    assert kept(Choice(percentile=95), importances) == names[:50]
    assert kept(Choice(top=None, percentile=95), importances) == names[:50]
    assert kept(Choice(top=20, percentile=95), importances) == names[:20]
    assert kept(Choice(top=None), importances) == names


def test_lists_go_before_all_else() -> None:
    assert kept(Choice(top=1, keep=["noise", "unused"])) == [
        "strong", "noise", "unused", "request_size",
    ]  # fmt: skip
    assert kept(Choice(deny=["strong", "request_size"])) == ["good", "fair"]


def test_a_near_duplicate_goes_unless_it_always_stays() -> None:
    def alike(ranked: Sequence[str]) -> Mapping[str, str]:
        assert list(ranked) == ["strong", "good", "fair", "request_size"]
        return {"good": "strong", "fair": "strong"}

    made = {one.name: one for one in decided(found(), Choice(keep=["fair"]), alike)}
    assert (made["good"].kept, made["good"].why) == (False, "says the same as strong")
    assert made["fair"].kept


def test_one_lucky_fold_is_not_enough() -> None:
    importances = found()
    importances.validated[:, 2] = [90.0, -1.0, -1.0, -1.0, -1.0]
    assert kept(Choice(), importances) == ["strong", "good", "request_size"]


def test_what_may_be_above_noise_by_chance_goes() -> None:
    importances = found()
    importances.validated[:, 2] = [0.2, 0.4, 0.6, 0.8, 5.0]  # 1.4 on average, give or take 0.9
    assert kept(Choice(), importances) == ["strong", "good", "request_size"]


def test_a_feature_is_as_good_as_its_best_column_and_worth_all_of_them() -> None:
    names = ["many", "many", "many", "one"]
    importances = found(names, [0.8, 0.8, 0.8, 2.0])
    made = {one.name: one for one in decided(importances, Choice(), none_alike)}
    assert made["many"].worth == pytest.approx(2.4)
    assert not made["many"].kept  # none of its columns rises above 1
    assert made["one"].kept


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"top": 0}, "--top 0: expected at least 1"),
        ({"percentile": 100.0}, "--percentile 100: expected 0 to below 100"),
        ({"keep": ["good"], "deny": ["good"]}, "--keep and --deny both name good"),
    ],
)
def test_what_contradicts_itself_is_refused(given: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Choice(**given)  # type: ignore[arg-type]


def test_names_are_those_of_candidates() -> None:
    with pytest.raises(ConfigError, match="--keep: unknown feature 'god'; did you mean 'good'"):
        Choice(keep=["god"]).check(NAMES)
    with pytest.raises(ConfigError, match="nothing would be left"):
        Choice(deny=NAMES).check(NAMES)
