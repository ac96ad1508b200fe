"""Maps of few clicks: how far they are believed, and what they keep to."""

from itertools import product

import numpy as np
import pytest

from clickthrough.calibration.credibility import IDENTITY, credibility, fit_believed, mixed
from clickthrough.calibration.curves import AnyCurve
from clickthrough.calibration.fit import fit_slices
from clickthrough.calibration.identity import Identity
from clickthrough.calibration.isotonic import Isotonic
from clickthrough.calibration.platt import Platt
from clickthrough.calibration.rows import Rows
from clickthrough.calibration.temperature import Temperature
from tests.calibration.planted import drawn, regret

CURVES: list[AnyCurve] = [
    Platt(slope=0.5, intercept=-1.0),
    Temperature(temperature=2.0),
    Identity(),
    Isotonic(scores=(-1.0, 2.0), values=(-2.0, 1.0), slope=0.7),
    Isotonic(scores=(-1.0, 0.5, 3.0), values=(0.0, 0.1, 5.0), slope=0.1),
]


def labels_of(clicks: int, others: int) -> np.ndarray[tuple[int], np.dtype[np.int8]]:
    return np.repeat([1, 0], [clicks, others]).astype(np.int8)


@pytest.mark.parametrize(
    ("clicks", "others", "share"),
    [(0, 10**6, 0.0), (1, 10**6, 0.1), (25, 900, 0.5), (900, 25, 0.5), (100, 900, 1.0),
     (10**4, 10**5, 1.0), (0, 0, 0.0)],
)  # fmt: skip
def test_credibility_counts_the_rarer_class(clicks: int, others: int, share: float) -> None:
    assert credibility(labels_of(clicks, others)) == pytest.approx(share)


@pytest.mark.parametrize(("one", "other"), list(product(CURVES, CURVES)))
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_mean_of_maps_is_the_mean_of_their_logits(
    one: AnyCurve, other: AnyCurve, share: float
) -> None:
    scores = np.linspace(-6, 6, 241)
    expected = share * other.logit(scores) + (1 - share) * one.logit(scores)
    np.testing.assert_allclose(mixed(one, other, share).logit(scores), expected, atol=1e-9)


@pytest.mark.parametrize("curve", CURVES)
def test_a_mean_with_the_identity_is_of_the_maps_own_method(curve: AnyCurve) -> None:
    assert type(mixed(IDENTITY, curve, 0.3)) is type(curve)


def test_knots_of_two_maps_that_differ_by_rounding_are_one() -> None:
    one = Isotonic(scores=(0.0, 1.0), values=(0.0, 1.0), slope=1.0)
    other = Isotonic(scores=(1e-16, 1.0 + 1e-15), values=(0.5, 1.5), slope=1.0)
    made = mixed(one, other, 0.5)
    assert isinstance(made, Isotonic)
    assert len(made.scores) == 2


@pytest.mark.parametrize("curve", [Platt, Isotonic])
def test_what_is_believed_of_few_clicks_loses_less_than_what_they_say(
    curve: type[Platt] | type[Isotonic],
) -> None:
    """Scores are right as they are; the parts differ by chance, and one lost its clicks."""
    said, believed = [], []
    for seed in range(30):
        rows, true = drawn(lambda x: x, 100, seed)
        labels = rows.labels if seed else np.zeros(100, np.int8)
        said.append(regret(true, curve.fit(rows.logits, labels).logit(rows.logits)))
        made = fit_believed(curve, rows.logits, labels)
        believed.append(regret(true, made.logit(rows.logits)))
    assert np.mean(believed) < np.mean(said) / 3
    assert believed[0] < 1e-9


def test_from_100_clicks_on_nothing_is_changed() -> None:
    rows, _ = drawn(lambda x: 0.4 * x - 3, 20_000, seed=1)
    assert 100 <= rows.labels.sum() < 1_000
    assert fit_believed(Platt, rows.logits, rows.labels) == Platt.fit(rows.logits, rows.labels)


def test_a_value_of_few_clicks_keeps_to_the_map_of_all_rows() -> None:
    rng = np.random.default_rng(3)
    scores, own = rng.normal(-1.0, 1.0, 400), np.repeat([2, 3], 200).astype(np.int32)
    labels = np.zeros(400, np.int8)
    labels[:9] = 1
    whole = Platt(slope=1.0, intercept=-3.0)
    rows = Rows(scores, labels, np.arange(400))
    made = fit_slices("platt", rows, own, least=1, whole=whole)[2].curve
    said = Platt.fit(scores[:200], labels[:200])
    expected = 0.3 * said.logit(scores) + 0.7 * whole.logit(scores)
    np.testing.assert_allclose(made.logit(scores), expected)
