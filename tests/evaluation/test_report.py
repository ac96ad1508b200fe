import io
import json
from datetime import datetime

import numpy as np
from rich.console import Console

from clickthrough.evaluation.metrics import all_metrics
from clickthrough.evaluation.report import as_table, evaluation

LABELS = np.array([0, 1, 0, 1, 0, 0], np.int8)
OFFSETS = np.array([0, 2, 6])
PREDICTIONS = {
    "model": np.array([0.1, 0.6, 0.2, 0.7, 0.1, 0.3]),
    "constant": np.full(6, 1 / 3),
}


def test_an_evaluation_says_what_was_evaluated_and_every_metric_of_every_name() -> None:
    record = evaluation(LABELS, OFFSETS, PREDICTIONS, "frozen")
    assert record["counters"] == "frozen"
    assert (record["impressions"], record["requests"], record["clicks"]) == (6, 2, 2)
    assert list(record["results"]) == ["model", "constant"]
    for name, probabilities in PREDICTIONS.items():
        assert record["results"][name] == all_metrics(LABELS, probabilities, OFFSETS)
    assert datetime.fromisoformat(record["made"]).tzinfo is not None


def test_an_evaluation_survives_json() -> None:
    record = evaluation(LABELS, OFFSETS, PREDICTIONS, "live")
    assert json.loads(json.dumps(record)) == record


def test_the_table_shows_each_name_with_its_metrics_and_the_mode_of_the_counters() -> None:
    record = evaluation(LABELS, OFFSETS, PREDICTIONS, "live")
    console = Console(file=io.StringIO(), width=200)
    console.print(as_table(record))
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    assert "6 impressions, 2 requests, 2 clicks; counters live" in shown
    (model,) = [line for line in shown.splitlines() if "model" in line]
    metrics = record["results"]["model"]
    for text in (f"{metrics['log_loss']:.4f}", f"{metrics['calibration_ratio']:.3f}", "1.0000"):
        assert text in model
    (constant,) = [line for line in shown.splitlines() if "constant" in line]
    assert "0.5000" in constant
