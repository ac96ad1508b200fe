import io
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from clickthrough.config.evaluation import Evaluation
from clickthrough.evaluation.report import evaluation, with_intervals, with_slices
from clickthrough.evaluation.slices import Slice
from clickthrough.evaluation.tables import tables

RNG = np.random.default_rng(3)
TRUTH = RNG.uniform(0.05, 0.5, 600)
LABELS = (RNG.random(600) < TRUTH).astype(np.int8)
OFFSETS = np.arange(0, 601, 5)
NAMES = ("mlp", "constant", "smoothed item rate", "logistic regression", "LightGBM")
PREDICTIONS = {
    name: np.clip(TRUTH + RNG.normal(0, 0.02 * place, 600), 0.01, 0.99)
    for place, name in enumerate(NAMES)
} | {"observable oracle": TRUTH**1.1, "truth": TRUTH}


@pytest.fixture(scope="module")
def record() -> dict[str, Any]:
    rows = LABELS, OFFSETS, PREDICTIONS
    made = evaluation(*rows, "live", ["something to know", "of [bold]columns[/bold]"])
    made = with_intervals(made, *rows, Evaluation(bootstrap=20, confidence=0.95))
    names = ("[bold]1", "2", "3", "4", "5")
    return with_slices(made, *rows, {"position": Slice(names, np.arange(600) % 5)})


def shown(record: dict[str, Any]) -> str:
    console = Console(file=io.StringIO(), width=120, markup=False)
    for table in tables(record):
        console.print(table)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def cells(text: str, name: str) -> list[list[str]]:
    """Return the cells of every table row of that name."""
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines()]
    return [row[1:] for row in rows if row and row[0] == name]


def test_the_table_shows_each_name_with_its_metrics_and_the_mode_of_the_counters(
    record: dict[str, Any],
) -> None:
    text = shown(record)
    assert "600 impressions, 120 requests" in text
    assert "counters live" in text
    assert "something to know" in text
    assert "of [bold]columns[/bold]" in text
    for name, metrics in record["results"].items():
        forms = ["{:.3f}" if key == "calibration_ratio" else "{:.4f}" for key in metrics]
        expected = [form.format(value) for form, value in zip(forms, metrics.values(), strict=True)]
        assert cells(text, name)[0] == expected


def test_nothing_is_cut_off_at_120_columns(record: dict[str, Any]) -> None:
    text = shown(record)
    assert "…" not in text.replace("…+", "").replace("…-", "").replace("….", "")
    assert max(len(line) for line in text.splitlines()) <= 120
    assert len(cells(text, "logistic regression")) == 3  # metrics, and both gaps


def test_a_difference_stands_with_its_interval(record: dict[str, Any]) -> None:
    text = shown(record)
    assert "95% interval of 20 resamples" in " ".join(text.split())
    (row,) = cells(text, "less truth")
    value, low, high = record["bootstrap"]["differences"]["truth"]["map_at_12"]
    assert row[0] == f"{value:+.4f} {low:+.4f}…{high:+.4f}".replace("0.", ".")
    (own,) = [row for row in cells(text, "mlp") if "…" in row[0]]
    low, high = record["bootstrap"]["intervals"]["mlp"]["auc"]
    assert own[2].endswith(f"{low:.4f}…{high:.4f}".replace("0.", "."))


def test_a_value_above_ten_keeps_its_zero(record: dict[str, Any]) -> None:
    intervals = record["bootstrap"]["intervals"] | {
        "mlp": record["bootstrap"]["intervals"]["mlp"] | {"log_loss": [10.25, 10.5]}
    }
    text = shown(record | {"bootstrap": record["bootstrap"] | {"intervals": intervals}})
    assert "10.2500…10.5000" in text


def test_slices_stand_with_what_they_hold(record: dict[str, Any]) -> None:
    text = shown(record)
    (row,) = cells(text, "[bold]1")
    part = record["slices"]["position"]["[bold]1"]
    assert row[0] == "120"
    assert row[1] == f"{part['clicks'] / 120:.4f}"
    assert row[3:5] == ["–", "–"]
    assert row[-1] == f"{part['results']['LightGBM']['normalized_entropy']:.4f}"


def test_reliability_stands_where_it_is_asked_for(record: dict[str, Any]) -> None:
    assert "reliability" not in shown(record)
    *_, table = tables(record, reliability=True)
    assert table.row_count == len(record["reliability"]) == 15
    predicted, rate, error, above, impressions = ([*column.cells] for column in table.columns)
    for place, found in enumerate(record["reliability"]):
        assert predicted[place] == f"{found['predicted']:.5f}"
        assert rate[place] == f"{found['click_rate']:.5f}"
        assert error[place] == f"{found['error']:.5f}"
        off = (found["click_rate"] - found["predicted"]) / found["error"]
        assert above[place] == f"{off:+.1f}"
        assert impressions[place] == "40"


def test_certain_predictions_have_no_standard_error() -> None:
    sure = evaluation(LABELS, OFFSETS, {"mlp": np.zeros(600)}, "live")
    *_, table = tables(sure, reliability=True)
    assert [*table.columns[3].cells] == ["–"]


def test_a_record_of_metrics_alone_is_one_table(record: dict[str, Any]) -> None:
    """As replay makes it, or a bundle whose record lacks a newer metric."""
    bare = evaluation(LABELS, OFFSETS, {"mlp": TRUTH}, "live")
    del bare["results"]["mlp"]["ndcg"], bare["notes"]
    assert len(list(tables(bare))) == 1
    assert len(list(tables(record))) == 5
    assert "NDCG" not in shown(bare)


def test_the_log_loss_before_calibration_stands_under_the_table(record: dict[str, Any]) -> None:
    after = record["results"]["mlp"]["log_loss"]
    text = " ".join(shown(record | {"raw_log_loss": 0.51234}).split())
    assert f"log loss of mlp: 0.5123 raw, {after:.4f} calibrated" in text
    assert "raw" not in shown(record)
