"""A training run: from a configuration to a bundle."""

import json
import shutil
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from clickthrough.alone import alone
from clickthrough.bundle.load import load_bundle
from clickthrough.bundle.manifest import Manifest
from clickthrough.bundle.save import refuse_to_replace, save_bundle
from clickthrough.cleanup import scratch_directory
from clickthrough.config.root import Config
from clickthrough.data.dataset import Dataset
from clickthrough.data.split import TEST, TRAIN, VALIDATION
from clickthrough.errors import ConfigError
from clickthrough.explain.groups import check_fields
from clickthrough.steps import step
from clickthrough.training.calibrate import sliced_column
from clickthrough.training.candidates import Candidate, check_kept, chosen, try_each
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
from clickthrough.training.evaluating.scope import Scope, read_scope
from clickthrough.training.evaluating.slices import own_slices
from clickthrough.training.examining.examine import Keep
from clickthrough.training.learned import learned
from clickthrough.training.lookup import chosen as looked_up
from clickthrough.training.measure import Compared, measure
from clickthrough.training.prepare import plan_of, prepare
from clickthrough.training.refusals import refuse_other_types, refuse_unlearnable
from clickthrough.training.resuming.position import Epoch
from clickthrough.training.room import bundle_needs
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


@dataclass(frozen=True)
class Asked:
    """What a run is asked for beside its configuration.

    Attributes:
        baselines: whether they are fitted and evaluated beside.
        truth: a file of true probabilities to evaluate against.
        begin: where the weights come from; by default training starts anew.
        keep: what the bundle keeps for a report.
        models: those that are fitted; by default the configuration's.
        kept: the name of the one that the bundle holds; by default the best on validation.
    """

    baselines: bool = True
    truth: Path | None = None
    begin: Begin = field(default_factory=Begin)
    keep: Keep = field(default_factory=Keep)
    models: Sequence[Candidate] = ()
    kept: str | None = None


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
        baselines: see :class:`Asked`, and so are the rest.
        truth: see there.
        begin: see there.
        keep: see there.

    Returns:
        What it came to, in every process.

    Raises:
        ClickthroughError: the configuration, the log or the place cannot be used.
    """
    place = Place.of(config.training)
    refuse_to_replace(_named(out))  # before the work, not after it
    with _held(out, place):
        dataset = open_first_here(config, place.group)
        asked = Asked(baselines, truth, begin or Begin(), keep or Keep())
        return _train_held(dataset, config, out, told, asked, place)


def train_on(
    dataset: Dataset,
    config: Config,
    out: Path,
    told: Told | None = None,
    asked: Asked | None = None,
    place: Place | None = None,
) -> Run:
    """Train on a log that was read, and write a bundle; see :func:`train`.

    Args:
        dataset: the log.
        config: the whole configuration.
        out: the bundle's directory; a bundle that stands there is replaced.
        told: where to report to.
        asked: what else.
        place: processes and device; those of this process and the settings by default.

    Raises:
        ClickthroughError: another run works on the place, or one of the three cannot be used.
    """
    place = place or Place.of(config.training)
    with _held(out, place):
        return _train_held(dataset, config, out, told, asked or Asked(), place)


def _held(out: Path, place: Place) -> AbstractContextManager[None]:
    """Hold the place of a bundle, beside which its checkpoints lie; of several, the leader does."""
    return alone(_named(out)) if place.group.leads else nullcontext()


def _train_held(
    dataset: Dataset, config: Config, out: Path, told: Told | None, asked: Asked, place: Place
) -> Run:
    """Train on a log that was read, where no other run does."""
    out = _named(out)
    leads, begin = place.group.leads, asked.begin
    told = told if told is not None and leads else Told()
    refuse_to_replace(out)
    if len(asked.models) > 1 and place.group.size > 1:
        raise ConfigError("several models are fitted in one process; leave out torchrun")
    models = asked.models or [Candidate(config.model.name, config.model)]
    check_kept(models, asked.kept)
    told.say(describe(dataset, config.counters))
    with step("checking the log"):
        scope = _checked(dataset, config, told, asked, leads)
    start = Start(load_bundle(begin.bundle)) if begin.bundle else None
    if start is not None:
        old = start.bundle
        refuse_other_types(dataset, old.schema, old.plan.fields, str(old.path))
        config = start.settled(config)
    parts = (TRAIN, VALIDATION, TEST) if leads else (TRAIN,)
    beside = bundle_needs(dataset, plan_of(config, dataset.schema), out.parent) if leads else []
    prepared = prepare(dataset, config, "live", parts=parts, start=start, beside=beside)
    told.say(describe_inputs(prepared))
    checkpoints = out.with_name(f".{out.name}.training")
    if leads and not begin.resume:
        shutil.rmtree(checkpoints, ignore_errors=True)
    elif leads and not checkpoints.is_dir():
        told.say(f"{checkpoints}: no checkpoint yet; training begins anew")
    tried = try_each(prepared, config, models, told, Where(place, checkpoints, start, beside))
    made = ""
    if tried:
        kept = chosen(tried, asked.kept)
        own = learned(dataset, prepared, kept.fitted)
        for line in describe_sides(own.sides, config.serving.lookup):
            told.say(line)
        with scratch_directory() as folder:
            written = own.parts(folder, {})
            compared = Compared(dataset, prepared, tried, kept, scope, asked.keep, told)
            metrics = measure(compared, written)
            with step("writing the bundle"):
                manifest = save_bundle(out, written.with_metrics(metrics))
        shutil.rmtree(checkpoints, ignore_errors=True)
        made = Run(manifest, kept.fitted.epochs, metrics).text()
    return Run.read(led_text(place.group, made))


def _named(out: Path) -> Path:
    """Return a place that has a name, as what lies beside it has its own."""
    return out if out.name else out.resolve()


def _checked(dataset: Dataset, config: Config, told: Told, asked: Asked, leads: bool) -> Scope:
    """Refuse what cannot be trained, before the work; return what the evaluation covers."""
    refuse_unlearnable(dataset, config.data.split)
    plan = plan_of(config, dataset.schema)
    check_fields(config.explain, dataset.schema)
    looked_up(config.serving.lookup, dataset)
    scope = Scope()
    if leads:
        for line in describe_long_texts(dataset, plan.fields, config.serving):
            told.say(line)
        # a wrong name is found before the work
        slices = own_slices(dataset.schema) if asked.keep.examined else []
        scope = read_scope(dataset, config, asked.baselines, asked.truth, slices)
    if config.calibration.by is not None:
        sliced_column(config.calibration.by, plan)
    return scope
