"""Evaluation of a bundle on a log: the graph that is served, beside its baselines."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clickthrough.bundle.load import Bundle
from clickthrough.bundle.log import check_parts, how_counted
from clickthrough.bundle.runtime import Graph
from clickthrough.calibration import Calibrator
from clickthrough.calibration.base import sigmoid
from clickthrough.data.dataset import Dataset
from clickthrough.data.split import PARTS, TEST, VALIDATION
from clickthrough.evaluation.baselines import (
    Predicted,
    constant_rate,
    fit_baselines,
    rate_baselines,
    uncalibrated_rates,
)
from clickthrough.evaluation.evidence import thin_validation
from clickthrough.evaluation.reliability import reliability_rows
from clickthrough.evaluation.report import evaluation, with_intervals, with_slices
from clickthrough.features.encoding.encoder import Encoded
from clickthrough.models.trees.inputs import Sizes
from clickthrough.steps import step
from clickthrough.training.calibrate import calibrate, raw_log_loss
from clickthrough.training.evaluating.scope import Scope, read_scope
from clickthrough.training.evaluating.slices import own_slices
from clickthrough.training.giveaway import giveaways
from clickthrough.training.prepare import CountersMode, Prepared, prepare
from clickthrough.training.refusals import refuse_other_types, refuse_unlabelled

_ROWS = 16_384


@dataclass(frozen=True)
class Scorer:
    """A graph and its calibrator, under the name that the table gives it."""

    name: str
    graph: Graph
    calibrator: Calibrator

    def probabilities(self, inputs: Encoded) -> NDArray[np.float64]:
        """Return probabilities of encoded rows, shape (n,)."""
        return self.calibrated(score(self.graph, inputs), inputs)

    def calibrated(self, logits: NDArray[np.floating], inputs: Encoded) -> NDArray[np.float64]:
        """Return probabilities of the scores of encoded rows, shape (n,)."""
        return self.calibrator.probability(logits, inputs.ids)


def evaluate_bundle(
    bundle: Bundle,
    dataset: Dataset,
    mode: CountersMode,
    baselines: bool = True,
    truth: Path | None = None,
    slices: Sequence[str] = (),
) -> dict[str, Any]:
    """Evaluate a bundle on the test part of a log; on all of one that comes after the bundle's.

    Args:
        bundle: the model with its encoder, calibrator and configuration.
        dataset: the log.
        mode: whether counters go on learning in the test period (``live``) or not.
        baselines: whether they are fitted and evaluated beside.
        truth: a file of true probabilities; see
            :func:`clickthrough.training.evaluating.truth.read_truth`.
        slices: fields beside the slices of every log and those configured; see
            :func:`clickthrough.training.evaluating.slices.read_slices`.

    Returns:
        See :func:`clickthrough.evaluation.report.evaluation`, ``with_intervals``,
        ``with_slices``; beside these, of the model before calibration, ``raw_log_loss`` in nats and
        ``raw_reliability``.

    Raises:
        DataError: the log has no test part, none of its impressions a label, or texts are numbers.
    """
    refuse_other_types(dataset, bundle.schema, bundle.plan.fields, str(bundle.path))
    check_parts(bundle, dataset)
    refuse_unlabelled(dataset, bundle.config.data.split)
    names = [*own_slices(dataset.schema, dataset.known), *slices]
    scope = read_scope(dataset, bundle.config, baselines, truth, names)
    scope = replace(scope, notes=tuple(how_counted(bundle, dataset)))
    parts = set(range(len(PARTS))) if baselines else {VALIDATION, TEST}
    prepared = prepare(dataset, bundle.config, mode, bundle.encoder, parts)
    rows = bundle.metrics.get("board", {}).get("rows", [])
    name = next((row["name"] for row in rows if row["kept"]), bundle.config.model.name)
    scorer = Scorer(name, bundle.model, bundle.calibrator)
    return evaluate_prepared(prepared, scorer, mode, scope)


def evaluate_prepared(
    prepared: Prepared,
    model: Scorer,
    mode: CountersMode,
    scope: Scope,
    beside: Predicted | None = None,
    rivals: Sequence[str] = (),
) -> dict[str, Any]:
    """Evaluate a graph on encoded tables; see :func:`evaluate_bundle`.

    Args:
        prepared: the tables.
        model: the graph.
        mode: see there.
        scope: what is evaluated.
        beside: what the model is compared with, where that is at hand.
        rivals: names in there of models that were fitted beside it, which are no baselines.
    """
    tables = prepared.tables
    test = tables["test"]
    with step("scoring the test part"):
        logits = score(model.graph, test.inputs)
        predictions = {model.name: model.calibrated(logits, test.inputs)}
    predictions |= (beside or baselines_of(prepared, scope)).test
    predictions |= scope.truths
    with step("computing metrics and their intervals"):
        record = _measured(prepared, predictions, model.name, mode, scope, rivals)
    raw = sigmoid(logits.astype(np.float64))
    return record | {
        "raw_log_loss": raw_log_loss(test.labels, logits),
        "raw_reliability": reliability_rows(test.labels, raw),
    }


def _measured(
    prepared: Prepared,
    predictions: dict[str, NDArray[np.float64]],
    name: str,
    mode: CountersMode,
    scope: Scope,
    rivals: Sequence[str],
) -> dict[str, Any]:
    """Return the record of predictions for the test part; ``name`` is the model's."""
    test = prepared.tables["test"]
    rows = test.labels, test.offsets, predictions
    notes = [*scope.notes, *(scope.live_notes if mode == "live" else ())]
    record = evaluation(*rows, mode, notes)
    record |= {"rivals": [*rivals]} if rivals else {}
    if "validation" in prepared.tables:
        record["notes"] += [
            *giveaways(prepared, record["results"][name]["auc"]),
            *thin_validation(prepared.watched.labels),
        ]
    elif scope.baselines:
        record["notes"] += _baselines_left(prepared)
    return with_slices(with_intervals(record, *rows, scope.settings), *rows, scope.slices)


def baselines_of(prepared: Prepared, scope: Scope) -> Predicted:
    """Return the probabilities of the baselines that are asked for, calibrated as the model is.

    Of a log without a test part, those of the validation part stand for both.
    """
    if not (scope.baselines or scope.truths):
        return Predicted()
    encoder, tables = prepared.encoder, prepared.tables
    if "validation" not in tables:
        rates = uncalibrated_rates(tables["test"], encoder.prior)
        constant = constant_rate(None, tables["test"], encoder.prior)
        return constant.beside(rates) if scope.baselines else rates
    validation = tables["validation"]
    test = tables["test"] if len(tables.get("test", ())) else validation
    fit = partial(calibrate, scope.calibration, encoder, validation)
    with step("fitting baselines"):
        if not scope.baselines:  # the share of a gap that is closed begins at the item's rate
            return rate_baselines(validation, test, fit)
        return fit_baselines(tables["train"], validation, test, Sizes.of(encoder), fit)


def _baselines_left(prepared: Prepared) -> list[str]:
    """Say how a log without a training and a validation part is compared."""
    lines = [
        "such a log has no part to learn from: logistic regression and LightGBM are left out, the "
        "constant is the bundle's click rate, and rates are not calibrated"
    ]
    if "item" not in {key_set.name for key_set in prepared.encoder.plan.key_sets}:
        lines.append("the bundle does not count items: their rates begin with the log")
    return lines


def score(model: Graph, inputs: Encoded) -> NDArray[np.float32]:
    """Return logits of any number of encoded rows, shape (n,)."""
    parts = [model.logits(inputs[start : start + _ROWS]) for start in range(0, len(inputs), _ROWS)]
    return np.concatenate(parts)
