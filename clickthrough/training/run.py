"""A training run: from a configuration to a bundle."""

import json
import shutil
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from clickthrough.bundle import layout
from clickthrough.bundle.export import export_onnx
from clickthrough.bundle.load import load_bundle
from clickthrough.bundle.manifest import Manifest
from clickthrough.bundle.module import input_shape
from clickthrough.bundle.runtime import OnnxModel
from clickthrough.bundle.save import Parts, refuse_to_replace, save_bundle
from clickthrough.config.root import Config
from clickthrough.data.dataset import Dataset
from clickthrough.data.split import TEST, TRAIN, VALIDATION
from clickthrough.evaluation.evidence import thin_validation
from clickthrough.features.check import as_served
from clickthrough.models import build_model
from clickthrough.models.base import CtrModel
from clickthrough.training.calibrate import (
    calibrate,
    described,
    log_losses,
    sliced_column,
    with_losses,
)
from clickthrough.training.checkpoint import Keeper, identity_of
from clickthrough.training.continued import Start
from clickthrough.training.describe import describe, describe_inputs, describe_long_texts
from clickthrough.training.distributed.group import led_text
from clickthrough.training.distributed.opening import check_agreement, open_first_here
from clickthrough.training.distributed.place import Place
from clickthrough.training.evaluate import Scorer, evaluate_prepared
from clickthrough.training.loop import Trainer, predict_logits
from clickthrough.training.monitor import sign_of
from clickthrough.training.position import Epoch
from clickthrough.training.prepare import Prepared, plan_of, prepare, snapshots_before_test
from clickthrough.training.refusals import refuse_other_types, refuse_unlearnable
from clickthrough.training.scope import Scope, read_scope
from clickthrough.training.threads import torch_threads
from clickthrough.training.told import Told
from clickthrough.training.untrained import settle_untrained
from clickthrough.training.widths import with_widths

_EXAMPLE_ROWS = 512


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


def train(
    config: Config,
    out: Path,
    told: Told | None = None,
    baselines: bool = True,
    truth: Path | None = None,
    begin: Begin | None = None,
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

    Returns:
        What it came to, in every process.

    Raises:
        ClickthroughError: the configuration, the log or the place cannot be used.
    """
    place, begin = Place.of(config.training), begin or Begin()
    leads = place.group.leads
    told = told if told is not None and leads else Told()
    refuse_to_replace(out)  # before the work, not after it
    with told.step("reading the log"):
        dataset = open_first_here(config, place.group)
    told.say(describe(dataset, config.counters))
    refuse_unlearnable(dataset, config.data.split)
    plan = plan_of(config, dataset.schema)
    if leads:
        for line in describe_long_texts(dataset, plan.fields, config.serving):
            told.say(line)
    # a wrong name is found before the work
    scope = read_scope(dataset, config, baselines, truth) if leads else Scope()
    if config.calibration.by is not None:
        sliced_column(config.calibration.by, plan)
    start = Start(load_bundle(begin.bundle)) if begin.bundle else None
    if start is not None:
        old = start.bundle
        refuse_other_types(dataset, old.schema, old.plan.fields, str(old.path))
        config = start.settled(config)
    parts = (TRAIN, VALIDATION, TEST) if leads else (TRAIN,)
    with told.step("computing history and features"):
        prepared = prepare(dataset, config, "live", parts=parts, start=start)
    told.say(describe_inputs(prepared))
    config = _settled(config, prepared)
    work = _Work(config, dataset, prepared, told, place, out.with_name(f".{out.name}.training"))
    if leads and not begin.resume:
        work.clear()
    with torch_threads(config.training.threads):
        model, epochs = _fit(work, start)
    made = ""
    if leads:
        with tempfile.TemporaryDirectory() as folder:
            parts_of_bundle = _calibrated(work, model, epochs, Path(folder) / layout.ONNX)
            parts_of_bundle = _evaluated(parts_of_bundle, work, scope)
            manifest = save_bundle(out, parts_of_bundle)
        work.clear()
        made = Run(manifest, epochs, parts_of_bundle.metrics).text()
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

    def clear(self) -> None:
        """Remove the checkpoints."""
        shutil.rmtree(self.checkpoints, ignore_errors=True)


def _settled(config: Config, prepared: Prepared) -> Config:
    """Return a configuration with nothing left to the log."""
    model = with_widths(config.model, prepared.encoder, prepared.tables["train"].inputs)
    return config.model_copy(update={"model": model})


def _fit(work: _Work, start: Start | None) -> tuple[CtrModel, list[Epoch]]:
    """Train; the leader's model is then the best one."""
    settings, told, place = work.config.training, work.told, work.place
    encoder, tables = work.prepared.encoder, work.prepared.tables
    torch.manual_seed(settings.seed)
    model = build_model(work.config.model, input_shape(encoder, work.config.model))
    if start is not None:
        start.load(model, encoder)
        told.say(f"going on from bundle {start.bundle.manifest.version}")
    identity = identity_of(settings, tables["train"], model, place)
    check_agreement(place.group, identity)
    keeper = Keeper(work.checkpoints, identity, settings.checkpoint_every)
    watched = work.prepared.watched if place.group.leads else None
    trainer = Trainer(model, tables["train"], watched, settings, encoder.numeric_names, place)
    if trainer.resume(keeper):
        told.say(f"going on from {trainer.position.told()}{keeper.noted}")
    epochs = trainer.run(told.progress, keeper)
    if place.group.leads and start is None and settings.unseen_share:
        settle_untrained(model, encoder, tables["train"].inputs)
    sign = sign_of(settings.monitor)
    chosen = max(epochs, key=lambda epoch: sign * epoch.monitored)
    told.say(
        f"stopped after {len(epochs)} epochs; best is {chosen.number}: "
        f"validation {settings.monitor} {chosen.monitored:.4f}"
    )
    return model, epochs


def _calibrated(work: _Work, model: CtrModel, epochs: list[Epoch], graph: Path) -> Parts:
    """Return what a bundle is made of, but for the evaluation; the graph is written to a file."""
    config, prepared = work.config, work.prepared
    with work.told.step("calibrating"):
        logits = predict_logits(model, prepared.watched.inputs)
        calibrator = calibrate(config.calibration, prepared.encoder, prepared.watched, logits)
        losses = log_losses(calibrator, prepared.watched, logits)
    said = with_losses(described(calibrator, prepared.watched.labels), losses)
    work.told.say(f"calibration: {said}")
    with work.told.step("counting what the bundle will know"):
        snapshots, until = snapshots_before_test(work.dataset, config)
    with work.told.step("exporting the graph"):
        export_onnx(model.cpu(), prepared.tables["validation"].inputs[:_EXAMPLE_ROWS], graph)
    return Parts(
        config=config,
        schema=as_served(work.dataset.schema, config.features),
        encoder=prepared.encoder,
        model=model,
        graph=graph,
        calibrator=calibrator,
        snapshots=snapshots,
        counters_until=until,
        metrics={
            "epochs": [vars(epoch) for epoch in epochs],
            "calibration": {"log_loss": losses},
        },
    )


def _evaluated(parts: Parts, work: _Work, scope: Scope) -> Parts:
    """Add the evaluation on the test part, where there is one; it may also be without labels."""
    if not len(work.prepared.tables.get("test", ())):
        for note in thin_validation(work.prepared.watched.labels):
            work.told.say(note)
        return parts
    work.told.say("evaluating on the test part")
    metrics = parts.metrics | {"test": _evaluate(parts, work, scope)}
    return replace(parts, metrics=metrics)


def _evaluate(parts: Parts, work: _Work, scope: Scope) -> dict[str, Any]:
    """Evaluate the exported graph, not the module: it is the graph that is served."""
    scorer = Scorer(parts.config.model.name, OnnxModel(parts.graph), parts.calibrator)
    return evaluate_prepared(work.prepared, scorer, "live", scope, work.told)
