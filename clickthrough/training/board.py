"""What each model that was asked for, and each baseline, came to on the validation part."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clickthrough.calibration.base import sigmoid
from clickthrough.config.training import Training
from clickthrough.evaluation.metrics import all_metrics
from clickthrough.evaluation.report import known
from clickthrough.training.candidates import Tried
from clickthrough.training.optim.monitor import monitored, sign_of
from clickthrough.training.rows.table import Table

Floats = NDArray[np.float64]
_LEAST = 1e-12


def board(
    tried: Sequence[Tried],
    kept: Tried,
    baselines: Mapping[str, Floats],
    watched: Table,
    training: Training,
) -> dict[str, Any]:
    """Return a record of all that was compared, best first.

    Args:
        tried: the models.
        kept: the one of them that the bundle holds.
        baselines: name -> probabilities of the validation part, shape (n,).
        watched: the validation part as training sees it.
        training: whose monitor says what is best.

    Returns:
        ``monitor``, ``lower_is_better``, and ``rows``: ``name``, ``kind`` (``model`` or
        ``baseline``), ``kept``, ``seconds`` of its fit (null of baselines), and ``validation``:
        metric -> value, the monitored one among them.
    """
    rows = []
    for one in tried:
        logits = one.fitted.calibrator.logit(one.fitted.logits, watched.inputs.ids)
        row = _row(one.name, "model", sigmoid(logits), watched, training)
        rows.append(row | {"kept": one is kept, "seconds": round(one.seconds, 3)})
    rows += [_row(name, "baseline", p, watched, training) for name, p in baselines.items()]
    sign = sign_of(training.monitor)
    rows.sort(key=lambda row: -sign * row["validation"][training.monitor])
    return {"monitor": training.monitor, "lower_is_better": sign < 0, "rows": rows}


def _row(
    name: str, kind: str, probabilities: Floats, watched: Table, training: Training
) -> dict[str, Any]:
    metrics = known(all_metrics(watched.labels, probabilities, watched.offsets))
    inside = np.clip(probabilities, _LEAST, 1 - _LEAST)
    logits = np.log(inside / (1 - inside)).astype(np.float32)
    metrics[training.monitor] = sign_of(training.monitor) * monitored(logits, watched, training)
    return {
        "name": name,
        "kind": kind,
        "kept": False,
        "seconds": None,
        "validation": metrics,
    }
