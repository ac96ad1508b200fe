"""The examination of a fitted model: importance, drift, and what frozen counters cost it."""

from dataclasses import dataclass, replace
from typing import Any

from clickthrough.config.root import Config
from clickthrough.data.dataset import Dataset
from clickthrough.data.split import TEST, VALIDATION
from clickthrough.explain.explainer import Explainer
from clickthrough.explain.shares import Floats
from clickthrough.features.encoding.encoder import Encoded
from clickthrough.schema import Schema
from clickthrough.steps import step
from clickthrough.training.evaluating.evaluate import Scorer, evaluate_prepared
from clickthrough.training.evaluating.scope import Scope
from clickthrough.training.examining.drift import drift
from clickthrough.training.examining.importance import importance
from clickthrough.training.prepare import Prepared, prepare

_KEPT = ("impressions", "requests", "clicks", "results", "bootstrap")
"""What a report shows of the evaluation with frozen counters."""


@dataclass(frozen=True)
class Keep:
    """What a bundle keeps for a report.

    Attributes:
        examined: whether :func:`examine` is done.
        command: what made it.
        config: the file of its configuration, or the name of a preset.
    """

    examined: bool = False
    command: str | None = None
    config: str = ""


def examine(
    prepared: Prepared,
    dataset: Dataset,
    schema: Schema,
    config: Config,
    model: Scorer,
    scope: Scope,
) -> dict[str, Any]:
    """Examine a model.

    Args:
        prepared: its log.
        dataset: the same, as it was read.
        schema: as it is served.
        config: its configuration.
        model: its graph and its calibrator.
        scope: what its evaluation covered.

    Returns:
        ``importance`` and, where the log has a test part, ``drift`` and ``frozen``: the evaluation
        with counters that learn nothing in the test period.
    """

    def logits(rows: Encoded) -> Floats:
        return model.calibrator.logit(model.graph.logits(rows), rows.ids)

    explainer = Explainer(prepared.encoder, schema, config, logits, merged=False)
    validation = prepared.tables["validation"]
    with step("measuring what the model rests on"):
        found: dict[str, Any] = {
            "importance": importance(explainer, validation.inputs, validation.labels)
        }
    if not len(prepared.tables.get("test", ())):
        return found
    tables = prepared.tables
    with step("measuring what moved from training to the test"):
        found["drift"] = drift(explainer.groups, tables["train"].inputs, tables["test"].inputs)
    with step("evaluating with frozen counters"):
        frozen = prepare(dataset, config, "frozen", prepared.encoder, {VALIDATION, TEST})
        alone = replace(scope, baselines=False, truths={}, slices={})
        record = evaluate_prepared(frozen, model, "frozen", alone)
    return found | {"frozen": {name: record[name] for name in _KEPT if name in record}}
