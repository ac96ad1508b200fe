"""A bundle's calibrator, fitted anew to the validation part of a log; nothing else is trained."""

from dataclasses import dataclass
from pathlib import Path

from clickthrough.alone import alone
from clickthrough.bundle.load import Bundle
from clickthrough.bundle.log import check_parts
from clickthrough.bundle.manifest import Manifest
from clickthrough.bundle.recalibrated import save_recalibrated
from clickthrough.bundle.save import refuse_to_replace
from clickthrough.calibration import Calibrator
from clickthrough.config.load import parse_config
from clickthrough.config.root import Config
from clickthrough.config.training import CalibrationMethod
from clickthrough.data.dataset import Dataset
from clickthrough.data.split import VALIDATION
from clickthrough.steps import step
from clickthrough.training.calibrate import (
    calibrate,
    described,
    log_losses,
    sliced_column,
    with_losses,
)
from clickthrough.training.evaluating.evaluate import score
from clickthrough.training.prepare import prepare
from clickthrough.training.refusals import refuse_one_sided, refuse_other_types, refuse_unlabelled


@dataclass(frozen=True)
class Recalibrated:
    """What a calibration came to.

    Attributes:
        losses: log loss of the validation part, in nats: ``raw``, ``before`` and ``calibrated``.
        text: the calibrator and the losses, for a reader.
    """

    manifest: Manifest
    calibrator: Calibrator
    losses: dict[str, float]
    text: str


def asked_for(bundle: Bundle, method: CalibrationMethod | None, by: str | None) -> Config:
    """Return a bundle's configuration with another calibration, as far as one is asked for.

    Args:
        bundle: what was trained.
        method: the method; None keeps the bundle's. ``none`` goes by no field.
        by: the field that it goes by; None keeps the bundle's.

    Raises:
        ConfigError: the two do not go together, or there is no such feature.
    """
    asked = {"method": method, "by": by}
    given = bundle.config.calibration.model_dump() | {k: v for k, v in asked.items() if v}
    given["by"] = by if method == "none" else given["by"]
    values = bundle.config.model_dump(mode="json") | {"calibration": given}
    calibration = parse_config(values, str(bundle.path)).calibration
    if calibration.by is not None:
        sliced_column(calibration.by, bundle.plan)
    return bundle.config.model_copy(update={"calibration": calibration})


def recalibrate(bundle: Bundle, dataset: Dataset, config: Config, out: Path) -> Recalibrated:
    """Fit a calibrator to a log's validation part, and write a bundle that has it.

    Of a log that comes after the bundle's and was read as such, that is all of it.

    The evaluation and the examination that the bundle holds were of its former calibrator, and are
    left out.

    Args:
        bundle: what was trained.
        dataset: the log, divided as ``evaluate`` divides it.
        config: the bundle's, with the calibration that is wanted; see :func:`asked_for`.
        out: where the new bundle goes; the bundle that stands there is replaced.

    Raises:
        DataError: the log has no validation part, none of its impressions a label, all the same
            one, or texts are numbers.
        BundleError: the place cannot be written.
        ClickthroughError: another run works on it.
    """
    refuse_to_replace(out)  # before the work, not after it
    with alone(out):
        return _recalibrated(bundle, dataset, config, out)


def _recalibrated(bundle: Bundle, dataset: Dataset, config: Config, out: Path) -> Recalibrated:
    refuse_other_types(dataset, bundle.schema, bundle.plan.fields, str(bundle.path))
    check_parts(bundle, dataset)
    refuse_unlabelled(dataset, bundle.config.data.split, VALIDATION)
    rows = prepare(dataset, bundle.config, "live", bundle.encoder, {VALIDATION}).watched
    if config.calibration.method != "none":
        refuse_one_sided(dataset, rows.labels)
    with step("calibrating"):
        logits = score(bundle.model, rows.inputs)
        calibrator = calibrate(config.calibration, bundle.encoder, rows, logits)
        before, after = (log_losses(each, rows, logits) for each in (bundle.calibrator, calibrator))
    losses = {"raw": after["raw"], "before": before["calibrated"], **after}
    kept = {n: value for n, value in bundle.metrics.items() if n not in ("test", "examined")}
    metrics = kept | {"calibration": {"log_loss": losses, "anew": True}}
    manifest = save_recalibrated(out, bundle, config, calibrator, metrics)
    text = with_losses(described(calibrator, rows.labels), losses)
    return Recalibrated(manifest, calibrator, losses, text)
