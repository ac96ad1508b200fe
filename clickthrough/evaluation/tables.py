"""An evaluation for the terminal: tables that fit 120 columns."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Column, Table
from rich.text import Text

Metrics = Mapping[str, float | None]

COLUMNS = {
    "auc": ("AUC", "{:.4f}"),
    "request_auc": ("per-request\nAUC", "{:.4f}"),
    "map_at_12": ("MAP@12", "{:.4f}"),
    "ndcg": ("NDCG", "{:.4f}"),
    "log_loss": ("log loss", "{:.4f}"),
    "normalized_entropy": ("norm.\nentropy", "{:.4f}"),
    "calibration_ratio": ("calibration", "{:.3f}"),
    "ece": ("ECE", "{:.4f}"),
    "regret": ("regret", "{:.4f}"),
}
_IN_SLICES = (
    "auc",
    "request_auc",
    "map_at_12",
    "log_loss",
    "normalized_entropy",
    "calibration_ratio",
)
_WITH_INTERVALS = ("map_at_12", "request_auc", "auc", "log_loss")
_BESIDE = "LightGBM"
"""The baseline that a slice shows beside the model."""


def tables(record: dict[str, Any], reliability: bool = False) -> Iterator[Table]:
    """Return the tables of an evaluation: metrics, differences, gaps, slices, as far as it goes.

    Args:
        record: see :func:`clickthrough.evaluation.report.evaluation`.
        reliability: whether the bins of the model's predictions are shown too.
    """
    yield _metrics(record)
    if "bootstrap" in record:
        yield _intervals(record)
    for target, found in record.get("gap_closed", {}).items():
        yield _gaps(target, found)
    if "slices" in record:
        yield _slices(record)
    if reliability:
        yield _reliability(record)


def _metrics(record: dict[str, Any]) -> Table:
    results = record["results"]
    shown = [name for name in COLUMNS if any(name in metrics for metrics in results.values())]
    table = _table("", *(COLUMNS[name][0] for name in shown))
    table.title = (
        f"test: {record['impressions']:,} impressions, {record['requests']:,} requests, "
        f"{record['clicks']:,} clicks; counters {record['counters']}"
    )
    table.caption = "\n".join([*record.get("notes", []), *_raw(record)]) or None
    for name, metrics in results.items():
        table.add_row(name, *(_cell(metrics, metric) for metric in shown))
    return table


def _raw(record: dict[str, Any]) -> Iterator[str]:
    """Say what the first name's log loss was before calibration."""
    if "raw_log_loss" in record:
        name, metrics = next(iter(record["results"].items()))
        after = _cell(metrics, "log_loss")
        yield f"log loss of {name}: {record['raw_log_loss']:.4f} raw, {after} calibrated"


def _intervals(record: dict[str, Any]) -> Table:
    """Show the first name's values and their difference to each other name: value, low…high."""
    bootstrap, model = record["bootstrap"], next(iter(record["results"]))
    own, intervals = record["results"][model], bootstrap["intervals"][model]
    table = _table("", *(COLUMNS[metric][0] for metric in _WITH_INTERVALS))
    share = f"{100 * bootstrap['confidence']:g}%"
    table.title = (
        f"{model}, and its difference to each baseline, with the {share} interval "
        f"of {bootstrap['bootstrap']} resamples of the requests"
    )
    values = (intervals[m] and [own[m], *intervals[m]] for m in _WITH_INTERVALS)
    table.add_row(model, *(_spread(value, "{:.4f}") for value in values), end_section=True)
    for other, metrics in bootstrap["differences"].items():
        cells = (_spread(metrics[metric], "{:+.4f}") for metric in _WITH_INTERVALS)
        table.add_row(f"less {other}", *cells)
    return table


def _spread(found: list[float] | None, form: str) -> str:
    if found is None:
        return "–"
    value, low, high = (re.sub(r"^([+-]?)0\.", r"\1.", form.format(end)) for end in found)
    return f"{value} {low}…{high}"


def _gaps(target: str, found: Mapping[str, Metrics]) -> Table:
    metrics = list(next(iter(found.values())))
    table = _table("", *(COLUMNS[metric][0] for metric in metrics))
    table.title = f"share closed of the gap to {target}"
    for name, shares in found.items():
        table.add_row(name, *(_share(shares[metric]) for metric in metrics))
    return table


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _slices(record: dict[str, Any]) -> Table:
    model, names = next(iter(record["results"])), record["results"]
    beside = [_BESIDE] if _BESIDE in names else []
    headings = ["impressions", "click\nrate", *(COLUMNS[metric][0] for metric in _IN_SLICES)]
    table = _table("", *headings, *(f"{name}\nentropy" for name in beside))
    table.title = f"{model} on slices of the test part"
    for name, parts in record["slices"].items():
        table.add_section()
        table.add_row(Text(name, style="bold"))
        for value, part in parts.items():
            table.add_row(value, *_slice_cells(part, model, beside))
    return table


def _slice_cells(part: Mapping[str, Any], model: str, beside: list[str]) -> Iterator[str]:
    yield f"{part['impressions']:,}"
    yield f"{part['clicks'] / part['impressions']:.4f}"
    yield from (_cell(part["results"][model], metric) for metric in _IN_SLICES)
    yield from (_cell(part["results"][name], "normalized_entropy") for name in beside)


def _reliability(record: dict[str, Any]) -> Table:
    """Show what each bin predicts and holds, and by how many standard errors they differ."""
    table = _table("mean prediction", "click rate", "standard\nerror", "standard errors\nabove")
    table.add_column("impressions", justify="right")
    table.title = f"reliability of {next(iter(record['results']))}, in bins of equal size"
    for found in record["reliability"]:
        predicted, rate, error = (found[name] for name in ("predicted", "click_rate", "error"))
        above = f"{(rate - predicted) / error:+.1f}" if error else "–"
        cells = f"{rate:.5f}", f"{error:.5f}", above, f"{found['impressions']:,}"
        table.add_row(f"{predicted:.5f}", *cells)
    return table


def _table(first: str, *headings: str) -> Table:
    table = Table(Column(first, min_width=12))
    for heading in headings:
        table.add_column(heading, justify="right")
    return table


def _cell(metrics: Metrics, metric: str) -> str:
    value = metrics.get(metric)
    return "–" if value is None else COLUMNS[metric][1].format(value)
