"""How long a bundle takes to answer, measured where the page is made."""

import time
from typing import Any

import numpy as np

from clickthrough.bundle.load import Bundle
from clickthrough.schema import FieldType
from clickthrough.serving.predictor import Predictor
from clickthrough.store import open_store

_CANDIDATES = (1, 10, 100)
_ROUNDS = 60
_SEED = 7
_OTHERS: dict[FieldType, Any] = {
    "int": 1, "float": 1.0, "str": "a", "bool": True, "ints": [1], "floats": [1.0], "strs": ["a"],
}  # fmt: skip


def measured(bundle: Bundle) -> list[dict[str, float]]:
    """Rank requests of random candidates, and return p50 and p99 in ms by their number."""
    most = 1 << 20  # a log may hold longer values than its service takes
    limits = bundle.config.serving.model_copy(update={"max_id_bytes": most, "max_text_bytes": most})
    predictor = Predictor(bundle, open_store("memory"), limits)
    try:
        predictor.warm_up()
        rng = np.random.default_rng(_SEED)
        return [{"rows": float(rows), **_timed(predictor, rows, rng)} for rows in _CANDIDATES]
    finally:
        predictor.close()


def _timed(predictor: Predictor, rows: int, rng: np.random.Generator) -> dict[str, float]:
    requests = [[_row(predictor.bundle, rng) for _ in range(rows)] for _ in range(_ROUNDS)]
    waits = []
    for candidates in requests:
        start = time.perf_counter()
        predictor.rank({}, candidates)
        waits.append((time.perf_counter() - start) * 1e3)
    p50, p99 = np.percentile(waits, [50, 99]).tolist()
    return {"p50": p50, "p99": p99}


def _row(bundle: Bundle, rng: np.random.Generator) -> dict[str, Any]:
    """Return raw fields: values that vocabularies hold, and of other fields any."""
    return {
        bundle.schema.input_name(name): _value(bundle, name, rng) for name in bundle.plan.fields
    }


def _value(bundle: Bundle, name: str, rng: np.random.Generator) -> Any:  # noqa: ANN401 - of a row
    kind = bundle.schema.fields[name]
    vocabulary = bundle.encoder.vocabularies.get(name)
    if vocabulary is None or not len(vocabulary.values):
        return _OTHERS[kind]
    drawn = vocabulary.values[int(rng.integers(len(vocabulary.values)))]
    value = drawn.decode("utf-8", "replace") if isinstance(drawn, bytes) else int(drawn)
    return [value] if kind in ("ints", "strs") else bool(value) if kind == "bool" else value
