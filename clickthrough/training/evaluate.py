"""Evaluation of a bundle on a log: the graph that is served, beside its baselines."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clickthrough.bundle.load import Bundle
from clickthrough.bundle.runtime import OnnxModel
from clickthrough.calibration import Platt
from clickthrough.data.dataset import Dataset
from clickthrough.errors import DataError
from clickthrough.evaluation.baselines import Sizes, fit_baselines
from clickthrough.evaluation.report import evaluation
from clickthrough.features.encoding.encoder import Encoded
from clickthrough.training.prepare import CountersMode, Prepared, prepare

_ROWS = 16_384


@dataclass(frozen=True)
class Scorer:
    """A graph and its calibrator, under the name that the table gives it."""

    name: str
    graph: OnnxModel
    calibrator: Platt

    def probabilities(self, inputs: Encoded) -> NDArray[np.float64]:
        """Return probabilities of encoded rows, shape (n,)."""
        return self.calibrator.probability(score(self.graph, inputs))


def evaluate_bundle(
    bundle: Bundle, dataset: Dataset, mode: CountersMode, baselines: bool = True
) -> dict[str, Any]:
    """Evaluate a bundle on the test part of a log.

    Args:
        bundle: the model with its encoder, calibrator and configuration.
        dataset: the log.
        mode: whether counters go on learning in the test period (``live``) or not.
        baselines: whether they are fitted and evaluated beside.

    Returns:
        See :func:`clickthrough.evaluation.report.evaluation`.
    """
    prepared = prepare(dataset, bundle.config, mode, bundle.encoder)
    scorer = Scorer(bundle.config.model.name, bundle.model, bundle.calibrator)
    return evaluate_prepared(prepared, scorer, mode, baselines)


def evaluate_prepared(
    prepared: Prepared, model: Scorer, mode: CountersMode, baselines: bool
) -> dict[str, Any]:
    """Evaluate a graph on encoded tables; see :func:`evaluate_bundle`."""
    tables = prepared.tables
    if "test" not in tables:
        raise DataError("the log has no test part; see data.split.test")
    test = tables["test"]
    predictions = {model.name: model.probabilities(test.inputs)}
    if baselines:
        encoder = prepared.encoder
        sizes = Sizes(tuple(encoder.id_sizes.values()), tuple(encoder.bag_shapes.values()))
        predictions |= fit_baselines(tables["train"], tables["validation"], test, sizes)
    return evaluation(test.labels, test.offsets, predictions, mode)


def score(model: OnnxModel, inputs: Encoded) -> NDArray[np.float32]:
    """Return logits of any number of encoded rows, shape (n,)."""
    parts = [model.logits(inputs[start : start + _ROWS]) for start in range(0, len(inputs), _ROWS)]
    return np.concatenate(parts)
