"""A comparison as Markdown, JSON and a picture."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from clickthrough.comparison.summary import Row, Spread, Summary
from clickthrough.evaluation.diagram import check_diagram
from clickthrough.evaluation.drawn import write_figure
from clickthrough.whole_file import write_whole

_TEST = {
    "request_auc": "per-request AUC",
    "auc": "AUC",
    "map_at_12": "MAP@12",
    "log_loss": "log loss",
    "normalized_entropy": "norm. entropy",
    "calibration_ratio": "calibration",
}
_MEASURES = {
    "seconds": "seconds",
    "epochs": "epochs",
    "weights": "weights",
    "megabytes": "MB",
    "ms_1": "ms, 1 row",
    "ms_100": "ms, 100 rows",
}
_DIFFERENCES = ("request_auc", "auc", "log_loss")


def write_report(summary: Summary, out: Path, picture: bool = True) -> None:
    """Write ``comparison.md``, ``summary.json`` and ``comparison.svg`` into a directory.

    Args:
        summary: what is written.
        out: the directory.
        picture: whether matplotlib draws it.
    """
    write_whole(out / "comparison.md", markdown(summary))
    write_whole(out / "summary.json", json.dumps(asdict(summary), indent=2) + "\n")
    if picture:
        check_diagram(out / "comparison.svg")
        draw(summary, out / "comparison.svg")


def markdown(summary: Summary) -> str:
    """Return tables of means ± deviations over seeds, and of differences to the first."""
    return "\n".join([*_results(summary), "", *_paired(summary), ""])


def _results(summary: Summary) -> Iterator[str]:
    yield (
        f"Test: {summary.impressions:,} impressions, {summary.requests:,} requests, "
        f"{summary.clicks:,} clicks. Mean ± deviation over seeds; the validation part before "
        "calibration, the test part after it."
    )
    yield ""
    chosen = [m for m in _TEST if any(row.test.get(m) is not None for row in summary.rows)]
    monitored = list(summary.rows[0].validation)
    heads = ["", "seeds", *(f"validation {m}, raw" for m in monitored), *(_TEST[m] for m in chosen)]
    yield _line([*heads, *_MEASURES.values()])
    yield _line(["---"] * (len(heads) + len(_MEASURES)))
    for row in summary.rows:
        found = [*(row.validation[m] for m in monitored), *(row.test[m] for m in chosen)]
        took = [f"{row.measures[m]:,.4g}" for m in _MEASURES]
        yield _line([row.name, str(row.seeds), *map(_spread, found), *took])


def _paired(summary: Summary) -> Iterator[str]:
    others = [row for row in summary.rows if row.differences]
    if not others:
        return
    yield (
        f"Less {summary.rows[0].name}: difference of the means, with its "
        f"{100 * summary.confidence:g}% interval over {summary.resamples} resamples of requests."
    )
    yield ""
    yield _line(["", *(_TEST[m] for m in _DIFFERENCES)])
    yield _line(["---"] * (1 + len(_DIFFERENCES)))
    for row in others:
        yield _line([row.name, *(_difference(row, m) for m in _DIFFERENCES)])


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _spread(found: Spread | None) -> str:
    if found is None:
        return "–"
    mean, deviation = found
    return f"{mean:.4f}" if deviation is None else f"{mean:.4f} ± {deviation:.4f}"


def _difference(row: Row, metric: str) -> str:
    found = row.differences.get(metric)
    return "–" if found is None else f"{found[0]:+.4f} ({found[1]:+.4f} to {found[2]:+.4f})"


def draw(summary: Summary, path: Path) -> None:
    """Draw each contender: its log loss with a deviation of seeds, and its time for 100 rows."""
    from matplotlib.figure import Figure  # without pyplot: no window, no state

    rows = summary.rows
    figure = Figure(figsize=(7.5, 1.2 + 0.35 * len(rows)), layout="constrained")
    losses, times = figure.subplots(1, 2, sharey=True)
    places = range(len(rows))
    spreads = [row.test["log_loss"] or (float("nan"), 0.0) for row in rows]
    losses.errorbar(
        [mean for mean, _ in spreads],
        places,
        xerr=[deviation or 0.0 for _, deviation in spreads],
        fmt="o",
        markersize=4,
        capsize=2,
    )
    losses.set(xlabel="test log loss, ± deviation of seeds", yticks=list(places))
    losses.set_yticklabels([row.name for row in rows])
    losses.invert_yaxis()
    times.barh(places, [row.measures["ms_100"] for row in rows], height=0.5)
    times.set(xlabel="ms for 100 candidates, one thread")
    for axes in (losses, times):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="x", linewidth=0.3)
    write_figure(figure, path)
