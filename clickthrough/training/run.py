"""A training run: from a configuration to a bundle."""

import json
import shutil
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from clickthrough.bundle import layout
from clickthrough.bundle.load import load_bundle
from clickthrough.bundle.manifest import Manifest
from clickthrough.bundle.runtime import OnnxModel
from clickthrough.bundle.save import Parts, refuse_to_replace, save_bundle
from clickthrough.config.root import Config
from clickthrough.data.dataset import Dataset
from clickthrough.data.sources import field_sources
from clickthrough.data.split import TEST, TRAIN, VALIDATION
from clickthrough.errors import ClickthroughError
from clickthrough.evaluation.evidence import thin_validation
from clickthrough.explain.groups import check_fields
from clickthrough.features.check import as_served
from clickthrough.steps import step
from clickthrough.training.calibrate import sliced_column
from clickthrough.training.continued import Start
from clickthrough.training.describe import (
    describe,
    describe_inputs,
    describe_long_texts,
    describe_sides,
)
from clickthrough.training.distributed.group import led_text
from clickthrough.training.distributed.opening import open_first_here
from clickthrough.training.distributed.place import Place
from clickthrough.training.evaluating.evaluate import Scorer, evaluate_prepared
from clickthrough.training.evaluating.scope import Scope, read_scope
from clickthrough.training.evaluating.slices import own_slices
from clickthrough.training.examining.examine import Keep, examine
from clickthrough.training.examining.history import history_of
from clickthrough.training.examining.origin import log_record, origin
from clickthrough.training.fit import Fitted, fit
from clickthrough.training.lookup import chosen, side_tables
from clickthrough.training.prepare import Prepared, plan_of, prepare, snapshots_before_test
from clickthrough.training.refusals import refuse_other_types, refuse_unlearnable
from clickthrough.training.resuming.position import Epoch
from clickthrough.training.told import Told
from clickthrough.training.where import Where


@dataclass(frozen=True)
class Run:
    """What a training run came to."""

    manifest: Manifest
    epochs: list[Epoch]
    metrics: dict[str, Any]

    def text(self) -> str:
        """Return it as JSON."""
        epochs = [asdict(epoch) for epoch in self.epochs]
        return json.dumps([self.manifest.model_dump(mode="json"), epochs, self.metrics])

    @classmethod
    def read(cls, text: str) -> "Run":
        """Return what :meth:`text` was made of."""
        manifest, epochs, metrics = json.loads(text)
        return cls(Manifest.model_validate(manifest), [Epoch(**epoch) for epoch in epochs], metrics)


@dataclass(frozen=True)
class Begin:
    """Where weights come from.

    Attributes:
        bundle: one whose weights are gone on from, on the days after it.
        resume: whether to go on from the checkpoint that an interrupted run left beside ``out``.
    """

    bundle: Path | None = None
    resume: bool = False


def train(  # noqa: PLR0913, PLR0917
    config: Config,
    out: Path,
    told: Told | None = None,
    baselines: bool = True,
    truth: Path | None = None,
    begin: Begin | None = None,
    keep: Keep | None = None,
) -> Run:
    """Train, calibrate, evaluate and write a bundle.

    In several processes (:mod:`clickthrough.training.distributed`) all of them train; the leader
    alone reports, keeps checkpoints, calibrates, evaluates and writes.

    Args:
        config: the whole configuration.
        out: the bundle's directory; a bundle that stands there is replaced.
        told: where to report to.
        baselines: whether they are fitted and evaluated beside.
        truth: a file of true probabilities to evaluate against.
        begin: where the weights come from; by default training starts anew.
        keep: what the bundle keeps for a report.

    Returns:
        What it came to, in every process.

    Raises:
        ClickthroughError: the configuration, the log or the place cannot be used.
    """
    out = out if out.name else out.resolve()
    place, begin, keep = Place.of(config.training), begin or Begin(), keep or Keep()
    leads = place.group.leads
    told = told if told is not None and leads else Told()
    refuse_to_replace(out)  # before the work, not after it
    dataset = open_first_here(config, place.group)
    told.say(describe(dataset, config.counters))
    refuse_unlearnable(dataset, config.data.split)
    plan = plan_of(config, dataset.schema)
    check_fields(config.explain, dataset.schema)
    chosen(config.serving.lookup, dataset)
    if leads:
        for line in describe_long_texts(dataset, plan.fields, config.serving):
            told.say(line)
    # a wrong name is found before the work
    slices = own_slices(dataset.schema) if keep.examined else []
    scope = read_scope(dataset, config, baselines, truth, slices) if leads else Scope()
    if config.calibration.by is not None:
        sliced_column(config.calibration.by, plan)
    start = Start(load_bundle(begin.bundle)) if begin.bundle else None
    if start is not None:
        old = start.bundle
        refuse_other_types(dataset, old.schema, old.plan.fields, str(old.path))
        config = start.settled(config)
    parts = (TRAIN, VALIDATION, TEST) if leads else (TRAIN,)
    prepared = prepare(dataset, config, "live", parts=parts, start=start)
    told.say(describe_inputs(prepared))
    checkpoints = out.with_name(f".{out.name}.training")
    work = _Work(config, dataset, prepared, told, place, checkpoints, keep)
    if leads and not begin.resume:
        work.clear()
    elif leads and not work.checkpoints.is_dir():
        told.say(f"{work.checkpoints}: no checkpoint yet; training begins anew")
    fitted = fit(prepared, config, told, Where(place, work.checkpoints, start))
    made = ""
    if fitted is not None:
        with tempfile.TemporaryDirectory() as folder:
            parts_of_bundle = _evaluated(_parts(work, fitted, Path(folder)), fitted, work, scope)
            manifest = save_bundle(out, parts_of_bundle)
        work.clear()
        made = Run(manifest, fitted.epochs, parts_of_bundle.metrics).text()
    return Run.read(led_text(place.group, made))


@dataclass(frozen=True)
class _Work:
    """What the stages of a run share."""

    config: Config
    dataset: Dataset
    prepared: Prepared
    told: Told
    place: Place
    checkpoints: Path
    keep: Keep

    def clear(self) -> None:
        """Remove the checkpoints."""
        shutil.rmtree(self.checkpoints, ignore_errors=True)


def _parts(work: _Work, fitted: Fitted, folder: Path) -> Parts:
    """Return what a bundle is made of, but for the evaluation; the model's files are written."""
    prepared = work.prepared
    with step("counting what the bundle will know"):
        snapshots, until = snapshots_before_test(work.dataset, fitted.config)
    plan, looked_up = prepared.encoder.plan, fitted.config.serving.lookup
    with step("writing side tables"):
        sides = side_tables(chosen(looked_up, work.dataset), work.dataset, plan)
    for line in describe_sides(sides, looked_up):
        work.told.say(line)
    with step("exporting the graph"):
        fitted.model.write(folder, prepared.tables["validation"].inputs)
    return Parts(
        config=fitted.config,
        schema=as_served(work.dataset.schema, fitted.config.declared).model_copy(
            update={"sources": field_sources(work.dataset)}
        ),
        encoder=prepared.encoder,
        model=folder,
        calibrator=fitted.calibrator,
        snapshots=snapshots,
        counters_until=until,
        metrics={
            "epochs": [vars(epoch) for epoch in fitted.epochs],
            "calibration": {"log_loss": fitted.losses},
            "log": log_record(work.dataset, fitted.config),
            "origin": origin(fitted.config, work.keep.command) | history_of(work.keep.config),
        },
        sides=sides,
    )


def _evaluated(parts: Parts, fitted: Fitted, work: _Work, scope: Scope) -> Parts:
    """Add the evaluation on the test part, where there is one, and what is kept for a report."""
    # the exported graph, not what was fitted: it is the graph that is served
    graph = OnnxModel(parts.model / layout.ONNX)
    scorer = Scorer(fitted.config.model.name, graph, fitted.calibrator)
    metrics = dict(parts.metrics)
    if len(work.prepared.tables.get("test", ())):
        work.told.say("evaluating on the test part")
        metrics["test"] = evaluate_prepared(work.prepared, scorer, "live", scope)
    else:
        for note in thin_validation(work.prepared.watched.labels):
            work.told.say(note)
    if work.keep.examined:
        metrics |= _examined(work, parts, fitted, scorer, scope)
    return replace(parts, metrics=metrics)


def _examined(
    work: _Work, parts: Parts, fitted: Fitted, scorer: Scorer, scope: Scope
) -> dict[str, Any]:
    """Return the examination; where it fails that is said, and the bundle is written without."""
    about = work.dataset, parts.schema, fitted.config
    try:
        found = examine(work.prepared, *about, scorer, scope)
        json.dumps(found, allow_nan=False)
    except (ClickthroughError, ValueError, ArithmeticError) as error:
        work.told.say(f"not examined: {error}")
        return {}
    return {"examined": found}
