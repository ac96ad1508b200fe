"""Calibration on the validation part: of all rows, and of each value of a field."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from clickthrough.calibration import Calibrator
from clickthrough.calibration.base import sigmoid
from clickthrough.calibration.credibility import credibility
from clickthrough.calibration.fit import fit_curve, fit_slices
from clickthrough.calibration.rows import Rows
from clickthrough.calibration.sliced import Sliced
from clickthrough.config.base import unknown_name
from clickthrough.config.training import Calibration
from clickthrough.errors import ConfigError
from clickthrough.evaluation.metrics import log_loss
from clickthrough.features.encoding.encoder import Encoder
from clickthrough.features.encoding.vocabulary import FIRST_KNOWN, Vocabulary
from clickthrough.features.plan import Plan
from clickthrough.training.rows.table import Table


def sliced_column(by: str, plan: Plan) -> int:
    """Return the place of a field among the id columns.

    Raises:
        ConfigError: it is not one of the categorical features of this log.
    """
    places = {c.name: place for place, c in enumerate(plan.ids) if c.source == "field"}
    if by not in places:
        raise ConfigError(
            f"calibration.by: {unknown_name(by, 'categorical feature', list(places))}"
        )
    return places[by]


def calibrate(
    settings: Calibration, encoder: Encoder, table: Table, logits: NDArray[np.floating]
) -> Calibrator:
    """Fit a calibrator to the scores of a table.

    Args:
        settings: the method, and the field that it goes by.
        encoder: what the table was encoded with.
        table: the validation part, n rows.
        logits: scores of its rows, shape (n,).

    Raises:
        ConfigError: ``by`` is not one of the categorical features of this log.
    """
    requests = np.repeat(np.arange(len(table.offsets) - 1), np.diff(table.offsets))
    rows = Rows(logits.astype(np.float64), table.labels, requests)
    whole = fit_curve(settings.method, rows)
    if settings.by is None:
        return whole
    column = sliced_column(settings.by, encoder.plan)
    vocabulary = encoder.vocabularies[settings.by]
    own = table.inputs.ids[:, column]
    slices = fit_slices(
        settings.method, rows, own, settings.least, lambda value: _name(value, vocabulary), whole
    )
    return Sliced(by=settings.by, column=column, whole=whole, slices=slices)


def described(calibrator: Calibrator, labels: NDArray[np.int8]) -> str:
    """Say what a calibrator does and, where it had few clicks or few rows without, so.

    Args:
        calibrator: as fitted.
        labels: of the validation part, shape (n,).
    """
    share = credibility(labels)
    if share >= 1:
        return calibrator.describe()
    clicks = int(np.sum(labels == 1))
    scarce = min((clicks, "clicks"), (len(labels) - clicks, "impressions without a click"))
    kept = "left at the identity" if share == 0 else f"near the identity, {share:.0%} of the way"
    first, *slices = calibrator.describe().splitlines()
    note = f"({scarce[0]} {scarce[1]} in the validation part: {kept})"
    return "\n".join([f"{first} {note}", *slices])


def raw_log_loss(labels: NDArray[np.int8], logits: NDArray[np.floating]) -> float:
    """Return the log loss of a model's own probabilities, in nats.

    Args:
        labels: 0 or 1, shape (n,).
        logits: its scores, shape (n,).
    """
    return log_loss(labels, sigmoid(logits.astype(np.float64)))


def log_losses(
    calibrator: Calibrator, table: Table, logits: NDArray[np.floating]
) -> dict[str, float]:
    """Return the log loss of the rows of a table, in nats: ``raw`` and ``calibrated``.

    Args:
        calibrator: as fitted.
        table: n rows.
        logits: scores of its rows, shape (n,).
    """
    made = calibrator.probability(logits, table.inputs.ids)
    raw = raw_log_loss(table.labels, logits)
    return {"raw": raw, "calibrated": log_loss(table.labels, made)}


def with_losses(description: str, losses: Mapping[str, float]) -> str:
    r"""Add log losses of the validation part to a description.

    >>> with_losses("platt", {"raw": 0.4123, "calibrated": 0.4098})
    'platt; validation log loss 0.4123 raw, 0.4098 calibrated'
    """
    said = ", ".join(f"{loss:.4f} {name}" for name, loss in losses.items())
    between = "\n" if ":" in description else "; "  # maps of values are lines of their own
    return f"{description}{between}validation log loss {said}"


def _name(value: int, vocabulary: Vocabulary) -> str:
    """Return what the log calls the value of an id."""
    if value < FIRST_KNOWN:
        return "(missing)"
    found = vocabulary.values[value - FIRST_KNOWN]
    return found.decode(errors="replace") if isinstance(found, bytes) else str(found)
