"""One fit: what it returns, and who is told."""

from pathlib import Path

import numpy as np
import pytest

from clickthrough.bundle import layout
from clickthrough.bundle.runtime import OnnxModel
from clickthrough.config import Config
from clickthrough.config.model import Mlp
from clickthrough.data.open import open_dataset
from clickthrough.evaluation.metrics import auc
from clickthrough.training.fit import fit
from clickthrough.training.prepare import Prepared, prepare
from clickthrough.training.resuming.position import Epoch
from clickthrough.training.told import Told


@pytest.fixture(scope="module")
def prepared(config: Config) -> Prepared:
    return prepare(open_dataset(config.data), config, "live")


def test_it_returns_a_calibrated_model_with_its_history(
    prepared: Prepared, config: Config, tmp_path: Path
) -> None:
    said, seen = list[str](), list[Epoch]()
    fitted = fit(prepared, config, Told(said.append, evaluated=seen.append))
    assert fitted is not None
    assert fitted.epochs == seen
    assert [epoch.number for epoch in seen] == [1, 2, 3]
    test = prepared.tables["test"]
    logits = fitted.model.logits(test.inputs)
    assert auc(test.labels, fitted.calibrator.probability(logits, test.inputs.ids)) > 0.6
    np.testing.assert_array_equal(fitted.logits, fitted.model.logits(prepared.watched.inputs))
    fitted.model.write(tmp_path, test.inputs)
    found = OnnxModel(tmp_path / layout.ONNX).logits(test.inputs)
    np.testing.assert_allclose(found, logits, atol=1e-4)
    assert any(line.startswith("calibration: ") for line in said)


def test_the_same_seed_gives_the_same_model(prepared: Prepared, config: Config) -> None:
    one, other = fit(prepared, config), fit(prepared, config)
    assert one is not None
    assert other is not None
    np.testing.assert_array_equal(one.logits, other.logits)


class EnoughError(Exception):
    """What a watcher ends a fit with."""


def test_a_watcher_can_end_it(prepared: Prepared, config: Config) -> None:
    seen: list[int] = []

    def enough(epoch: Epoch) -> None:
        seen.append(epoch.number)
        if epoch.number == 2:
            raise EnoughError

    with pytest.raises(EnoughError):
        fit(prepared, config, Told(evaluated=enough))
    assert seen == [1, 2]


def test_widths_that_are_left_to_the_log_are_settled(prepared: Prepared, config: Config) -> None:
    model = config.model.model_copy(update={"embedding_dim": "auto"})
    training = config.training.model_copy(update={"epochs": 1})
    fitted = fit(prepared, config.model_copy(update={"model": model, "training": training}))
    assert fitted is not None
    assert isinstance(fitted.config.model, Mlp)
    assert fitted.config.model.embedding_dim == {"item": 32, "platform": 32, "advertiser": 32,
                                                 "hour": 32, "weekday": 32}  # fmt: skip
