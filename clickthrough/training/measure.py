"""What a run came to: the board of the validation part, the evaluation on the test part."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from clickthrough.bundle import layout
from clickthrough.bundle.runtime import OnnxModel
from clickthrough.bundle.save import Parts
from clickthrough.data.dataset import Dataset
from clickthrough.errors import ClickthroughError
from clickthrough.evaluation.baselines import Predicted
from clickthrough.evaluation.evidence import thin_validation
from clickthrough.training.board import board
from clickthrough.training.candidates import Tried
from clickthrough.training.evaluating.evaluate import Scorer, baselines_of, evaluate_prepared
from clickthrough.training.evaluating.scope import Scope
from clickthrough.training.examining.examine import Keep, examine
from clickthrough.training.examining.history import history_of
from clickthrough.training.examining.origin import log_record, origin
from clickthrough.training.prepare import Prepared
from clickthrough.training.told import Told


@dataclass(frozen=True)
class Compared:
    """What is measured.

    Attributes:
        dataset: the log.
        prepared: the same, encoded.
        tried: the models that were fitted.
        kept: the one that the bundle holds.
        scope: what the evaluation covers.
        keep: what is kept for a report.
        told: where to report to.
    """

    dataset: Dataset
    prepared: Prepared
    tried: Sequence[Tried]
    kept: Tried
    scope: Scope
    keep: Keep
    told: Told


def measure(what: Compared, written: Parts) -> dict[str, Any]:
    """Return what a bundle keeps of its training: epochs, calibration, the log, figures.

    Args:
        what: the models and the log.
        written: the bundle as far as it goes: the exported graph is measured, for it is served.
    """
    fitted, config = what.kept.fitted, what.kept.fitted.config
    graph = OnnxModel(written.model / layout.ONNX)
    scorer = Scorer(what.kept.name, graph, fitted.calibrator)
    baselines = baselines_of(what.prepared, what.scope)
    metrics: dict[str, Any] = {
        "epochs": [vars(epoch) for epoch in fitted.epochs],
        "calibration": {"log_loss": fitted.losses},
        "log": log_record(what.dataset, config),
        "origin": origin(config, what.keep.command) | history_of(what.keep.config),
        "board": board(
            what.tried, what.kept, baselines.validation, what.prepared.watched, config.training
        ),
    }
    test = what.prepared.tables.get("test")
    if test is not None and len(test):
        what.told.say("evaluating on the test part")
        others = _others(what)
        beside, rivals = others.beside(baselines), [*others.test]
        metrics["test"] = evaluate_prepared(
            what.prepared, scorer, "live", what.scope, beside, rivals
        )
    else:
        for note in thin_validation(what.prepared.watched.labels):
            what.told.say(note)
    return metrics | (_examined(what, written, scorer) if what.keep.examined else {})


def _others(what: Compared) -> Predicted:
    """Return the probabilities that the models which are not kept have of the test part."""
    inputs, made = what.prepared.tables["test"].inputs, Predicted()
    for one in what.tried:
        if one is not what.kept:
            logits = one.fitted.model.logits(inputs)
            own = one.fitted.calibrator.probability(logits, inputs.ids)
            made = made.beside(Predicted({}, {one.name: np.asarray(own, np.float64)}))
    return made


def _examined(what: Compared, written: Parts, scorer: Scorer) -> dict[str, Any]:
    """Return the examination; where it fails that is said, and the bundle is written without."""
    about = what.dataset, written.schema, what.kept.fitted.config
    try:
        found = examine(what.prepared, *about, scorer, what.scope)
        json.dumps(found, allow_nan=False)
    except (ClickthroughError, ValueError, ArithmeticError) as error:
        what.told.say(f"not examined: {error}")
        return {}
    return {"examined": found}
