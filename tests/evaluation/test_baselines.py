from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from clickthrough.evaluation import learned_baselines
from clickthrough.evaluation.baselines import fit_baselines
from clickthrough.evaluation.metrics import auc, calibration_ratio, log_loss
from clickthrough.features.encoding.encoder import Encoded
from clickthrough.models.trees.inputs import Sizes
from tests.inputs import without_bags

SIZES = Sizes((6, 4))
RATES = ["smoothed item rate", "sum of rates"]
LEARNED = ["logistic regression", "LightGBM"]


@dataclass(frozen=True)
class Part:
    inputs: Encoded
    labels: NDArray[np.int8]
    rates: dict[str, NDArray[np.float32]]
    true: NDArray[np.float64]


def part(seed: int, rows: int, shift: float = 0.0) -> Part:
    """Clicks that depend on one id, one number, and an item rate that knows a little of both."""
    rng = np.random.default_rng(seed)
    ids = np.stack([rng.integers(0, size, rows) for size in SIZES.ids], axis=1).astype(np.int32)
    numeric = rng.normal(size=(rows, 2)).astype(np.float32)
    effect = np.array([-2.0, -1.0, 0.0, 0.5, 1.0, 2.0])
    true = 1 / (1 + np.exp(1.5 - effect[ids[:, 0]] - numeric[:, 0] - shift))
    labels = (rng.random(rows) < true).astype(np.int8)
    rates = {name: noisy(rng, true) for name in ("item", "advertiser")}
    return Part(without_bags(ids, numeric), labels, rates, true)


def noisy(rng: np.random.Generator, true: NDArray[np.float64]) -> NDArray[np.float32]:
    logit = np.log(true / (1 - true)) + rng.normal(0, 1.5, len(true))
    return (1 / (1 + np.exp(-logit))).astype(np.float32)


@pytest.fixture(scope="module")
def parts() -> tuple[Part, Part, Part]:
    return part(1, 4_000), part(2, 2_000), part(3, 4_000)


@pytest.fixture(scope="module")
def found(parts: tuple[Part, Part, Part]) -> dict[str, NDArray[np.float64]]:
    return dict(fit_baselines(*parts, SIZES).test)


def test_the_table_holds_every_baseline_with_a_probability_a_row(
    found: dict[str, NDArray[np.float64]],
) -> None:
    assert list(found) == ["constant", *RATES, *LEARNED]
    for probabilities in found.values():
        assert probabilities.shape == (4_000,)
        assert ((probabilities > 0) & (probabilities < 1)).all()


def test_the_constant_is_the_click_rate_of_training(
    parts: tuple[Part, Part, Part], found: dict[str, NDArray[np.float64]]
) -> None:
    assert set(found["constant"]) == {parts[0].labels.mean()}


def test_the_item_rate_ranks_as_it_is_given(
    parts: tuple[Part, Part, Part], found: dict[str, NDArray[np.float64]]
) -> None:
    test = parts[2]
    expected = auc(test.labels, test.rates["item"].astype(np.float64))
    assert auc(test.labels, found["smoothed item rate"]) == pytest.approx(expected, abs=1e-9)


def test_the_sum_of_rates_ranks_by_the_sum_of_their_logits(
    parts: tuple[Part, Part, Part], found: dict[str, NDArray[np.float64]]
) -> None:
    test = parts[2]
    rates = [rate.astype(np.float64) for rate in test.rates.values()]
    total = np.sum([np.log(rate / (1 - rate)) for rate in rates], axis=0)
    summed = auc(test.labels, found["sum of rates"])
    assert summed == pytest.approx(auc(test.labels, total), abs=1e-9)
    # two independent views of the truth say more than either
    assert summed > auc(test.labels, found["smoothed item rate"]) + 0.02


def test_the_sum_of_one_rate_is_not_shown_twice(parts: tuple[Part, Part, Part]) -> None:
    alone = [replace(p, rates={"item": p.rates["item"]}) for p in parts]
    assert list(fit_baselines(alone[0], alone[1], alone[2], SIZES).test) == [
        "constant",
        "smoothed item rate",
        *LEARNED,
    ]


def test_rates_that_float32_cannot_hold_apart_from_0_or_1_are_no_infinite_logits(
    parts: tuple[Part, Part, Part],
) -> None:
    certain = [replace(p, rates={"item": p.labels.astype(np.float32)}) for p in parts]
    found = fit_baselines(certain[0], certain[1], certain[2], SIZES).test["smoothed item rate"]
    assert ((found > 0) & (found < 1)).all()
    assert auc(parts[2].labels, found) == 1


@pytest.mark.parametrize("name", LEARNED)
def test_what_is_learned_comes_near_the_truth(
    name: str, parts: tuple[Part, Part, Part], found: dict[str, NDArray[np.float64]]
) -> None:
    test = parts[2]
    best = log_loss(test.labels, test.true)
    constant = log_loss(test.labels, found["constant"])
    item_rate = log_loss(test.labels, found["smoothed item rate"])
    assert best < log_loss(test.labels, found[name]) < best + 0.1 * (constant - best)
    assert log_loss(test.labels, found[name]) < item_rate < constant


@pytest.mark.parametrize("name", [*RATES, *LEARNED])
def test_probabilities_are_calibrated_on_validation_not_on_training(name: str) -> None:
    train, validation, test = part(1, 3_000), part(2, 3_000, shift=1.0), part(3, 6_000, shift=1.0)
    found = fit_baselines(train, validation, test, SIZES).test
    assert calibration_ratio(test.labels, found[name]) == pytest.approx(1.0, abs=0.06)
    assert calibration_ratio(test.labels, found["constant"]) < 0.8


def test_a_wide_id_column_is_left_out_of_the_one_hot_design(
    monkeypatch: pytest.MonkeyPatch, parts: tuple[Part, Part, Part]
) -> None:
    monkeypatch.setattr(learned_baselines, "_MOST_ONE_HOT", 5)
    found = fit_baselines(*parts, SIZES).test
    labels = parts[2].labels
    assert auc(labels, found["logistic regression"]) < auc(labels, found["LightGBM"]) - 0.05


def test_numbers_alone_are_enough(parts: tuple[Part, Part, Part]) -> None:
    bare = [
        Part(without_bags(p.inputs.ids[:, :0], p.inputs.numeric), p.labels, p.rates, p.true)
        for p in parts
    ]
    found = fit_baselines(bare[0], bare[1], bare[2], Sizes(())).test
    for name in LEARNED:
        assert 0.6 < auc(parts[2].labels, found[name]) < auc(parts[2].labels, parts[2].true)


def test_ids_alone_are_enough(parts: tuple[Part, Part, Part]) -> None:
    bare = [
        Part(without_bags(p.inputs.ids, p.inputs.numeric[:, :0]), p.labels, p.rates, p.true)
        for p in parts
    ]
    found = fit_baselines(bare[0], bare[1], bare[2], SIZES).test
    for name in LEARNED:
        assert 0.6 < auc(parts[2].labels, found[name]) < auc(parts[2].labels, parts[2].true)


def test_the_rows_are_left_as_they_were() -> None:
    given = []
    for seed in (1, 2, 3):
        plain, rng = part(seed, 400), np.random.default_rng(seed)
        ids = rng.integers(0, 5, (400, 4)).astype(np.int32)  # an id may repeat in a bag
        inputs = replace(plain.inputs, bag_ids=ids, bag_weights=np.ones((400, 4), np.float32))
        given.append(replace(plain, inputs=inputs))
    before = [{n: a.copy() for n, a in one.inputs.arrays().items()} for one in given]
    found = fit_baselines(given[0], given[1], given[2], Sizes(SIZES.ids, ((5, 4),)))
    assert {len(p) for p in found.validation.values()} == {400}
    for one, arrays in zip(given, before, strict=True):
        for name, array in one.inputs.arrays().items():
            assert np.array_equal(array, arrays[name]), name


def test_of_few_clicks_the_rates_are_still_probabilities() -> None:
    """A calibration near the identity must leave the level where it was."""
    validation, test = part(5, 60, shift=-3.0), part(6, 4_000, shift=-3.0)
    made = fit_baselines(part(4, 4_000, shift=-3.0), validation, test, SIZES)
    # rates say what is true on average, and so does their sum, but for what they say twice
    for name in RATES:
        assert 0.4 < calibration_ratio(test.labels, made.test[name]) < 2.5, name


@pytest.mark.parametrize("clicks", [*product((0, 1, None), repeat=3)])
def test_a_part_may_hold_clicks_alone_or_none(
    clicks: tuple[int | None, ...],
) -> None:
    train, validation, test = (
        own if all_of is None else replace(own, labels=np.full_like(own.labels, all_of))
        for own, all_of in zip((part(n, 400) for n in (1, 2, 3)), clicks, strict=True)
    )
    found = fit_baselines(train, validation, test, SIZES).test
    assert list(found) == ["constant", *RATES, *(LEARNED if clicks[0] is None else [])]
    for probabilities in found.values():
        assert np.isfinite(probabilities).all()
        assert ((probabilities >= 0) & (probabilities <= 1)).all()
