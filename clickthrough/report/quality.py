"""How good the predictions are: beside baselines, by threshold, by level, by slice."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from clickthrough.evaluation.evidence import ORACLES, differences_to_baselines
from clickthrough.evaluation.reliability import with_intervals
from clickthrough.evaluation.tables import COLUMNS
from clickthrough.report.charts import Axes, Bar, Line, bars, legend, lines
from clickthrough.report.parts import Figure, Section, Table, number, share, signed

Record = Mapping[str, Any]
_DRAWN = 4
"""Names in a chart of curves: the model, and the baselines that come nearest."""
_MOST_PARTS = 12
"""Parts of a slice in its chart, the worst first."""


def comparison(record: Record) -> Section:
    """Return the table of all names, and the differences with their intervals."""
    results = record["results"]
    shown = [name for name in COLUMNS if any(name in own for own in results.values())]
    head = ["", *(called(name) for name in shown)]
    rows = [[name, *(_cell(own.get(m), m) for m in shown)] for name, own in results.items()]
    figures = [Figure("Every metric", table=Table(head, rows), open=True, wide=True)]
    figures += _differences(record)
    figures += _gaps(record)
    notes = [*record.get("notes", [])]
    if len(results) == 1:
        notes.append("No baselines were fitted beside it: these figures stand alone.")
    return Section("comparison", "Beside its baselines", notes, figures)


def called(metric: str) -> str:
    """Return what readers call a metric."""
    return COLUMNS[metric][0].replace("\n", " ").replace("norm.", "normalized")


def _cell(value: float | None, metric: str) -> str:
    return "–" if value is None else COLUMNS[metric][1].format(value)


def _differences(record: Record) -> Iterator[Figure]:
    bootstrap = record.get("bootstrap")
    if not bootstrap or not bootstrap["differences"]:
        return
    model = next(iter(record["results"]))
    percent = f"{100 * bootstrap['confidence']:g} %"
    for metric, better in (("log_loss", "below 0"), ("request_auc", "above 0")):
        found = differences_to_baselines(record, metric)
        found.pop("constant", None)
        if not found:
            continue
        name = called(metric)
        rows = [Bar(f"less {name}", *own) for name, own in found.items()]
        title = f"{model}: {name}, less that of each baseline"
        text = f"{better} {model} is better; {percent} intervals over requests"
        cells = [[name, *(signed(end) for end in own)] for name, own in found.items()]
        table = Table(["baseline", "difference", "low", "high"], cells)
        yield Figure(title, bars(rows, f"difference of {name}", title), text=text, table=table)


def _gaps(record: Record) -> Iterator[Figure]:
    for target, found in record.get("gap_closed", {}).items():
        metrics = list(next(iter(found.values())))
        rows = [[n, *(number(own[m], 3) for m in metrics)] for n, own in found.items()]
        head = ["", *(called(m) for m in metrics)]
        text = "0 is the smoothed item rate, 1 what is to be reached"
        title = f"Share closed of the gap to {target}"
        yield Figure(title, text=text, table=Table(head, rows), open=True)


def curves(record: Record) -> Section:
    """Return ROC, precision and recall, gain and lift."""
    own = {name: record["curves"][name] for name in _nearest(record)}
    own = {name: found for name, found in own.items() if found}
    model = next(iter(record["results"]))
    base = record["clicks"] / record["impressions"]
    axes = {
        "roc": Axes("share of non-clicks above the threshold", "share of clicks", True, True),
        "precision": Axes("share of clicks found", "click rate of what is found", True),
        "gain": Axes("share of impressions, the highest first", "share of clicks", True, True),
    }
    titles = {
        "roc": "ROC: clicks above non-clicks",
        "precision": "Precision and recall",
        "gain": "Gain: what the first of a list hold",
    }
    figures = [_curve(own, name, axes[name], titles[name]) for name in axes] if own else []
    if own:
        figures.append(_lift(own, base))
    beside = ", and the baselines that come nearest to it" if len(own) > 1 else ""
    text = [f"Of the test part; {model}{beside}."]
    return Section("curves", "By threshold", text, figures)


def _nearest(record: Record) -> list[str]:
    model, *others = record["results"]
    rest = [name for name in others if name not in (*ORACLES, "constant")]
    rest.sort(key=lambda name: record["results"][name]["log_loss"])
    return [model, *rest[: _DRAWN - 1]]


def _curve(own: Mapping[str, Any], name: str, axes: Axes, title: str) -> Figure:
    series = [Line(of, found[name]) for of, found in own.items()]
    return Figure(title, lines(series, axes, title), legend(series), table=_points(series, axes))


def _lift(own: Mapping[str, Any], base: float) -> Figure:
    title = "Lift: click rate by that of all"
    series = [
        Line(name, [[x, y / x] for x, y in found["gain"] if x > 0]) for name, found in own.items()
    ]
    axes = Axes("share of impressions, the highest first", "times the click rate")
    text = f"the click rate of all is {share(base, 2)}"
    drawn = lines(series, axes, title)
    return Figure(title, drawn, legend(series), text, _points(series, axes))


def _points(series: list[Line], axes: Axes) -> Table:
    """Return every fifth point of the first series, and what the others have about there."""
    head = [axes.x, *(line.name for line in series)]
    rows = []
    for x, y in [*series[0].points[::5]]:
        near = [min(line.points, key=lambda point: abs(point[0] - x))[1] for line in series[1:]]
        rows.append([number(x, 3), number(y, 3), *(number(value, 3) for value in near)])
    return Table(head, rows)


def reliability(record: Record) -> Section:
    """Return what is predicted beside what is clicked, before and after calibration."""
    before, after = record.get("raw_reliability"), record["reliability"]
    figures = [_bins("After calibration: what is served", after)]
    if before is not None:
        figures.append(_bins("Before calibration", before))
    raw = record.get("raw_log_loss")
    model = next(iter(record["results"].values()))
    text = ["On the line, what is predicted is what is clicked; 95 % Wilson intervals."]
    if raw is not None:
        text.append(f"Log loss {number(raw)} before, {number(model['log_loss'])} after.")
    return Section("reliability", "Can a probability be taken at its word?", text, figures)


def _bins(title: str, bins: list[dict[str, float]]) -> Figure:
    bins = with_intervals(bins)
    points = [[one["predicted"], one["click_rate"]] for one in bins]
    ends = [(one["low"], one["high"]) for one in bins]
    line = Line("bins of equal size", points, ends, dots=True)
    axes = Axes("predicted click probability", "click rate", zero=True, diagonal=True)
    rows = [
        [
            number(one["predicted"], 5), number(one["click_rate"], 5), number(one["low"], 5),
            number(one["high"], 5), f"{one['impressions']:,}",
        ]
        for one in bins
    ]  # fmt: skip
    head = ["predicted", "click rate", "low", "high", "impressions"]
    return Figure(title, lines([line], axes, title), table=Table(head, rows))


def slices(record: Record) -> Section | None:
    """Return parts of the test, the worst first; None where there are none."""
    if not record.get("slices"):
        return None
    model = next(iter(record["results"]))
    figures = [_slice(name, parts, model) for name, parts in record["slices"].items()]
    text = ["Normalized entropy: 1 is to know the click rate alone, lower is better. Worst first."]
    return Section("slices", "Where it is weak", text, figures)


def _slice(name: str, parts: Mapping[str, Any], model: str) -> Figure:
    told = [
        (value_of(name, value), part, part["results"][model].get("normalized_entropy"))
        for value, part in parts.items()
    ]
    known = [(value, entropy) for value, _, entropy in told if entropy is not None]
    known.sort(key=lambda item: -item[1])
    title = f"By {name.replace('_', ' ')}"
    rows = [Bar(value, entropy) for value, entropy in known[:_MOST_PARTS]]
    cells = [
        [
            value, f"{part['impressions']:,}", share(part["clicks"] / part["impressions"], 2),
            number(part["results"][model].get("auc")), number(entropy, 3),
            number(part["results"][model].get("calibration_ratio"), 3),
        ]
        for value, part, entropy in sorted(told, key=lambda item: -(item[2] or 0))
    ]  # fmt: skip
    head = [name, "impressions", "click rate", "AUC", "norm. entropy", "calibration"]
    return Figure(title, bars(rows, "normalized entropy", title), table=Table(head, cells))


_IDS = re.compile(r"(^|_)(id|ids|uuid|user|item)$", re.IGNORECASE)


def value_of(field: str, value: str) -> str:
    """Return the value of a slice as it may be mailed: of an id, a digest.

    >>> value_of("platform", "mobile"), value_of("advertiser_id", "17")
    ('mobile', '#3e92af')
    """
    if not _IDS.search(field):
        return value
    return "#" + hashlib.blake2b(value.encode(), digest_size=3).hexdigest()
