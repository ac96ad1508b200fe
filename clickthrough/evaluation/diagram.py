"""The reliability diagram: what is predicted against what is clicked."""

import importlib.util
from pathlib import Path
from typing import Any

from clickthrough.errors import ClickthroughError, install_hint
from clickthrough.evaluation.drawn import write_figure

FORMATS = (".svg", ".png", ".pdf")
_SIZE = 4.6
"""Inches of a side."""


def check_diagram(path: Path) -> None:
    """Refuse a file that no diagram can be drawn to, before the work.

    Raises:
        ClickthroughError: its ending is of no known format, its directory is missing, or
            matplotlib is.
    """
    if path.suffix not in FORMATS:
        raise ClickthroughError(f"{path}: expected a name that ends in {', '.join(FORMATS)}")
    if not path.resolve().parent.is_dir():
        raise ClickthroughError(f"{path}: no such directory")
    if importlib.util.find_spec("matplotlib") is None:
        raise ClickthroughError(f"a diagram needs matplotlib: {install_hint('plot')}")


def draw_reliability(record: dict[str, Any], path: Path) -> None:
    """Draw the bins of a model: mean prediction against click rate, with two standard errors.

    Args:
        record: an evaluation, see :func:`clickthrough.evaluation.report.evaluation`.
        path: .svg, .png or .pdf.
    """
    from matplotlib.figure import Figure  # without pyplot: no window, no state

    bins, name = record["reliability"], next(iter(record["results"]))
    predicted = [one["predicted"] for one in bins]
    rates = [one["click_rate"] for one in bins]
    figure = Figure(figsize=(_SIZE, _SIZE), layout="constrained")
    axes = figure.add_subplot()
    most = 1.08 * max(*predicted, *rates)
    axes.plot([0, most], [0, most], color="0.6", linewidth=1, label="calibrated")
    errors = [2 * one["error"] for one in bins]
    axes.errorbar(predicted, rates, yerr=errors, fmt="none", ecolor="C0", capsize=2, linewidth=1)
    label = f"{name}, ± 2 standard errors"
    axes.plot(predicted, rates, "o-", markersize=4, linewidth=1, label=label, gid="bins")
    axes.set(xlim=(0, most), ylim=(0, most), aspect="equal")
    axes.set(xlabel="predicted click probability", ylabel="click rate")
    axes.set_title(_title(record, name), fontsize=10)
    axes.legend(loc="upper left", frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    write_figure(figure, path)


def _title(record: dict[str, Any], name: str) -> str:
    metrics, impressions = record["results"][name], record["impressions"]
    ratio, gap = metrics["calibration_ratio"], metrics["ece"]
    return f"{impressions:,} test impressions\ncalibration ratio {ratio:.3f}, ECE {gap:.4f}"
