"""A training run: from a configuration to a bundle."""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from clickthrough.bundle.export import export_onnx
from clickthrough.bundle.load import load_bundle
from clickthrough.bundle.manifest import Manifest
from clickthrough.bundle.module import input_shape
from clickthrough.bundle.runtime import OnnxModel
from clickthrough.bundle.save import Parts, refuse_to_replace, save_bundle
from clickthrough.config.root import Config
from clickthrough.data.open import open_dataset
from clickthrough.features.encoding.encoder import Encoded
from clickthrough.models import build_model
from clickthrough.models.base import CtrModel
from clickthrough.training.calibrate import calibrate, sliced_column
from clickthrough.training.checkpoint import Keeper, identity_of
from clickthrough.training.continued import Start
from clickthrough.training.describe import describe, describe_inputs
from clickthrough.training.evaluate import Scorer, evaluate_prepared
from clickthrough.training.loop import Epoch, Progress, Trainer, predict_logits, silent
from clickthrough.training.prepare import Prepared, plan_of, prepare, snapshots_before_test
from clickthrough.training.scope import Scope, read_scope
from clickthrough.training.widths import with_widths

_EXAMPLE_ROWS = 512


@dataclass(frozen=True)
class Told:
    """Where a run reports to: a line at a time, and the progress of an epoch."""

    say: Callable[[str], None] = lambda line: None
    progress: Progress = silent


@dataclass(frozen=True)
class Run:
    """What a training run came to."""

    manifest: Manifest
    epochs: list[Epoch]
    metrics: dict[str, Any]


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

    Args:
        config: the whole configuration.
        out: the bundle's directory; a bundle that stands there is replaced.
        told: where to report to.
        baselines: whether they are fitted and evaluated beside.
        truth: a file of true probabilities to evaluate against.
        begin: where the weights come from; by default training starts anew.

    Raises:
        ClickthroughError: the configuration, the log or the place cannot be used.
    """
    told = told or Told()
    refuse_to_replace(out)  # before the work, not after it
    dataset = open_dataset(config.data)
    told.say(describe(dataset, config.counters))
    scope = read_scope(dataset, config, baselines, truth)  # a wrong name is found before the work
    if config.calibration.by is not None:
        sliced_column(config.calibration.by, plan_of(config, dataset.schema))
    begin = begin or Begin()
    start = Start(load_bundle(begin.bundle)) if begin.bundle else None
    config = config if start is None else start.settled(config)
    prepared = prepare(dataset, config, "live", start=start)
    told.say(describe_inputs(prepared))
    checkpoints = out.with_name(f".{out.name}.training")
    if not begin.resume:
        shutil.rmtree(checkpoints, ignore_errors=True)
    config = _settled(config, prepared)
    model, epochs = _fit(prepared, config, told, checkpoints, start)
    validation = prepared.watched
    calibrator = calibrate(
        config.calibration,
        prepared.encoder,
        validation,
        predict_logits(model, validation.inputs),
    )
    told.say(f"calibration: {calibrator.describe()}")
    snapshots, until = snapshots_before_test(dataset, config)
    parts = Parts(
        config=config,
        schema=dataset.schema,
        encoder=prepared.encoder,
        model=model,
        example=_example(prepared),
        calibrator=calibrator,
        snapshots=snapshots,
        counters_until=until,
        metrics={"epochs": [vars(epoch) for epoch in epochs]},
    )
    if len(prepared.tables.get("test", ())):  # it may also stand there without labels
        told.say("evaluating on the test part")
        metrics = parts.metrics | {"test": _evaluate(parts, prepared, scope)}
        parts = replace(parts, metrics=metrics)
    manifest = save_bundle(out, parts)
    shutil.rmtree(checkpoints, ignore_errors=True)
    return Run(manifest, epochs, parts.metrics)


def _settled(config: Config, prepared: Prepared) -> Config:
    """Return a configuration with nothing left to the log."""
    model = with_widths(config.model, prepared.encoder, prepared.tables["train"].inputs)
    return config.model_copy(update={"model": model})


def _fit(
    prepared: Prepared, config: Config, told: Told, checkpoints: Path, start: Start | None
) -> tuple[CtrModel, list[Epoch]]:
    torch.manual_seed(config.training.seed)
    encoder, tables, settings = prepared.encoder, prepared.tables, config.training
    model = build_model(config.model, input_shape(encoder, config.model))
    if start is not None:
        start.load(model, encoder)
        told.say(f"going on from bundle {start.bundle.manifest.version}")
    identity = identity_of(settings, tables["train"], model)
    keeper = Keeper(checkpoints, identity, settings.checkpoint_every)
    trainer = Trainer(model, tables["train"], prepared.watched, settings, encoder.numeric_names)
    if trainer.resume(keeper):
        told.say(f"going on from {trainer.position.told()}")
    epochs = trainer.run(told.progress, keeper)
    best = min if config.training.monitor.endswith("loss") else max
    chosen = best(epochs, key=lambda epoch: epoch.monitored)
    told.say(
        f"stopped after {len(epochs)} epochs; best is {chosen.number}: "
        f"validation {config.training.monitor} {chosen.monitored:.4f}"
    )
    return model, epochs


def _evaluate(parts: Parts, prepared: Prepared, scope: Scope) -> dict[str, Any]:
    """Evaluate the exported graph, not the module: it is the graph that is served."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        export_onnx(parts.model, parts.example, path)
        scorer = Scorer(parts.config.model.name, OnnxModel(path), parts.calibrator)
        return evaluate_prepared(prepared, scorer, "live", scope)


def _example(prepared: Prepared) -> Encoded:
    inputs = prepared.tables["validation"].inputs
    return inputs[:_EXAMPLE_ROWS]
