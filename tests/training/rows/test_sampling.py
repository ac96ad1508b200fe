"""Weights and sampling change what is learned from, and not what is said."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from clickthrough.config.model import Mlp
from clickthrough.config.training import Training
from clickthrough.features.encoding.encoder import Encoded
from clickthrough.models.base import CtrModel
from clickthrough.models.registry import build_model
from clickthrough.models.shape import InputShape
from clickthrough.training.optim.loop import train_model
from clickthrough.training.rows.sampling import correction, positive_weight
from clickthrough.training.rows.table import Table
from tests.inputs import without_bags
from tests.training.optim.test_loop import probabilities

RATES = np.array([0.02, 0.05, 0.1, 0.3])
"""The planted probability of each value of the only field: a model of it can be exact."""


def planted(seed: int, rows: int) -> tuple[Table, NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    value = rng.integers(0, len(RATES), rows)
    labels = (rng.random(rows) < RATES[value]).astype(np.int8)
    numeric = np.eye(len(RATES), dtype=np.float32)[value]
    inputs: Encoded = without_bags(np.zeros((rows, 0), np.int32), numeric)
    rates = {"item": np.full(rows, 0.5, np.float32)}
    return Table(inputs, labels, np.arange(rows + 1), rates), value


def learned(**settings: object) -> tuple[CtrModel, NDArray[np.float64], NDArray[np.float64]]:
    """Return a model without calibration, its mean probability for each value, and the rates.

    The rates are those of its training rows, the planted ones but for chance; it is stopped by
    these rows too, so that chance has no part in the difference.
    """
    torch.manual_seed(0)
    train, seen = planted(1, 60_000)
    validation, value = planted(2, 20_000)
    model = build_model(Mlp(hidden=[8], dropout=0.0), InputShape.of((), len(RATES)))
    values = {
        "epochs": 10,
        "batch_size": 512,
        "patience": 10,
        "learning_rate": 0.005,
        "decay": "linear",
        **settings,
    }
    train_model(model, train, train, Training.model_validate(values))
    said = probabilities(model, validation)
    places = range(len(RATES))
    means = [said[value == v].mean() for v in places]
    return model, np.array(means), np.array([train.labels[seen == v].mean() for v in places])


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"pos_weight": 5.0},
        {"pos_weight": "balanced"},
        {"negatives": 0.2},
        {"negatives": 0.3, "pos_weight": 3.0},
        {"negatives": 0.5, "pos_weight": "balanced"},
    ],
)
def test_planted_probabilities_are_found_again(settings: dict[str, object]) -> None:
    model, said, rates = learned(**settings)
    assert said == pytest.approx(rates, rel=0.06)
    model.shift.zero_()
    validation, _ = planted(2, 20_000)
    uncorrected = probabilities(model, validation).mean()
    if settings:  # without the correction the same model would say far too much
        assert uncorrected > 1.8 * RATES.mean()


def test_balanced_classes_weigh_the_same() -> None:
    labels = np.array([1] * 10 + [0] * 90, np.int8)
    assert positive_weight(labels, Training(pos_weight="balanced")) == 9.0
    half = Training(pos_weight="balanced", negatives=0.5)
    assert positive_weight(labels, half) == 4.5
    assert positive_weight(labels, Training(pos_weight=2.5)) == 2.5
    assert correction(half, 4.5) == pytest.approx(np.log(0.5 / 4.5))


def test_a_listwise_loss_needs_whole_requests() -> None:
    with pytest.raises(ValueError, match="negatives: a listwise loss needs whole requests"):
        Training(listwise=0.5, negatives=0.5)
