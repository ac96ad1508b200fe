"""Calibration by the value of a field: planted shifts, thin values, unknown ones."""

import numpy as np
import pytest
from numpy.typing import NDArray

from clickthrough.calibration.fit import fit_curve, fit_slices
from clickthrough.calibration.platt import Platt
from clickthrough.calibration.rows import Rows
from clickthrough.calibration.sliced import Slice, Sliced
from tests.calibration.planted import bent, drawn, regret, sigmoid

Floats = NDArray[np.float64]
MISSING, UNSEEN = 0, 1
SHIFTS = np.array([0.0, 2.0, -1.0, 0.8, 0.0])
"""Of the logit, by id; the last id is rare."""


def shifted(rows: int, seed: int) -> tuple[Rows, NDArray[np.int32], Floats]:
    """Return rows of which each value of a field is off by its own shift."""
    rng = np.random.default_rng(seed)
    own = rng.choice(5, rows, p=[0.2, 0.2, 0.3, 0.298, 0.002]).astype(np.int32)
    scores = rng.normal(-2.0, 1.0, rows)
    true = 0.7 * scores + SHIFTS[own]
    labels = (rng.random(rows) < sigmoid(true)).astype(np.int8)
    return Rows(scores, labels, np.arange(rows) // 4), own, true


def sliced(rows: Rows, own: NDArray[np.int32], least: int = 200) -> Sliced:
    slices = fit_slices("platt", rows, own, least)
    return Sliced(by="platform", column=0, whole=fit_curve("platt", rows), slices=slices)


def test_planted_shifts_of_each_value_are_recovered() -> None:
    rows, own, _ = shifted(60_000, seed=1)
    found = sliced(rows, own)
    for value in (MISSING, 2, 3):
        curve = found.slices[value].curve
        assert isinstance(curve, Platt)
        assert curve.slope == pytest.approx(0.7, abs=0.07)
        assert curve.intercept == pytest.approx(SHIFTS[value], abs=0.15)


def test_each_value_is_calibrated_and_the_whole_loses_less() -> None:
    rows, own, _ = shifted(60_000, seed=1)
    held_out, values, true = shifted(60_000, seed=2)
    found = sliced(rows, own)
    made = found.probability(held_out.logits, values[:, None])
    for value in (MISSING, 2, 3):
        here = values == value
        ratio = made[here].sum() / held_out.labels[here].sum()
        assert ratio == pytest.approx(1.0, abs=0.05)
    known = values != UNSEEN
    by_value = regret(true[known], found.logit(held_out.logits, values[:, None])[known])
    assert by_value < regret(true[known], found.whole.logit(held_out.logits[known])) / 10


def test_values_with_too_little_data_and_unknown_ones_get_the_map_of_all_rows() -> None:
    rows, own, _ = shifted(60_000, seed=1)
    found = sliced(rows, own)
    assert set(found.slices) == {MISSING, 2, 3}
    scores = np.linspace(-6, 2, 50)
    for value in (UNSEEN, 4, 77):
        ids = np.full((50, 1), value, np.int32)
        assert np.array_equal(found.logit(scores, ids), found.whole.logit(scores))


def test_a_value_needs_enough_clicks_and_enough_rows_without() -> None:
    labels = np.array([1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 0, 0], np.int8)
    own = np.repeat([2, 3, 4], 4).astype(np.int32)
    rows = Rows(np.linspace(-1, 1, 12), labels, np.arange(12))
    found = fit_slices("platt", rows, own, least=2, name=lambda value: f"value {value}")
    assert list(found) == [4]
    assert (found[4].value, found[4].impressions, found[4].clicks) == ("value 4", 4, 2)


def test_each_value_gets_the_method_that_is_best_for_it() -> None:
    curved, _ = drawn(bent, 20_000, seed=3)
    straight, _ = drawn(lambda x: 0.6 * x - 1.0, 20_000, seed=4)
    rows = Rows(
        np.concatenate([curved.logits, straight.logits]),
        np.concatenate([curved.labels, straight.labels]),
        np.concatenate([curved.requests, straight.requests + curved.requests[-1] + 1]),
    )
    found = fit_slices("auto", rows, np.repeat([2, 3], 20_000).astype(np.int32), least=200)
    assert [part.curve.describe().split(",")[0] for part in found.values()] == ["isotonic", "platt"]


def test_a_description_names_the_frequent_values_and_counts_the_rest() -> None:
    curve = Platt(slope=1, intercept=0)
    slices = {
        value: Slice(value=f"v{value}", impressions=value, clicks=1, curve=curve)
        for value in range(2, 15)
    }
    first, *lines, last = (
        Sliced(by="place", column=0, whole=curve, slices=slices).describe().splitlines()
    )
    assert first.endswith("; by place:")
    assert [line.split(":")[0].strip() for line in lines] == [f"v{n}" for n in range(14, 4, -1)]
    assert last == "  and 3 more"


def test_the_field_is_read_from_its_own_column() -> None:
    one = Platt(slope=1.0, intercept=0.0)
    other = Slice(value="a", impressions=1, clicks=1, curve=Platt(slope=1.0, intercept=5.0))
    found = Sliced(by="platform", column=1, whole=one, slices={7: other})
    ids = np.array([[7, 2], [2, 7]], np.int32)
    assert found.logit(np.zeros(2), ids).tolist() == [0.0, 5.0]


def test_without_ids_it_refuses_to_answer() -> None:
    found = Sliced(by="platform", column=0, whole=Platt(slope=1, intercept=0), slices={})
    with pytest.raises(ValueError, match="'platform' needs the encoded ids"):
        found.logit(np.zeros(2))
