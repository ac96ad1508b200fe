"""Where a model comes from, how it was searched for, and how another differs."""

from collections.abc import Mapping
from itertools import accumulate
from typing import Any

import yaml

from clickthrough.bundle.load import Bundle
from clickthrough.bundle.save import kept_settings
from clickthrough.report.charts import Axes, Line, legend, lines
from clickthrough.report.parts import Figure, Section, Table, number, signed
from clickthrough.report.quality import called

_COMPARED = ("auc", "request_auc", "map_at_12", "log_loss", "normalized_entropy",
             "calibration_ratio", "ece")  # fmt: skip


def history(origin: Mapping[str, Any]) -> Section | None:
    """Return the searches that wrote the configuration; None where there were none."""
    figures = []
    if (tuning := origin.get("tuning")) and tuning["trials"]:
        figures.append(_tuning(tuning))
    if selection := origin.get("selection"):
        figures.append(_selection(selection))
    return Section("history", "How it was searched for", (), figures) if figures else None


def _tuning(found: Mapping[str, Any]) -> Figure:
    metric, trials = found["metric"], found["trials"]
    better = min if found["lower_is_better"] else max
    best = [*accumulate((value for _, value in trials), better)]
    numbers = [float(number) for number, _ in trials]
    series = [
        Line("each trial", trials, dots=True),
        Line("the best so far", [[n, b] for n, b in zip(numbers, best, strict=True)]),
    ]
    title = f"Tuning: validation {metric.replace('_', ' ')} of {len(trials)} trials"
    axes = Axes("trial", metric.replace("_", " "), whole=True)
    rows = [[str(n), number(value), number(b)] for (n, value), b in zip(trials, best, strict=True)]
    table = Table(["trial", metric, "best so far"], rows)
    return Figure(title, lines(series, axes, title), legend(series), table=table)


def _selection(found: Mapping[str, Any]) -> Figure:
    points = [[point["features"], point["auc"]] for point in found["curve"]]
    kept = len(found["kept"])
    title = f"Selection: {kept} of {found['candidates']} features kept"
    drawn = lines(
        [Line("validation AUC", points, dots=True)], Axes("features", "AUC", whole=True), title
    )
    rows = [[str(n), number(auc)] for n, auc in points]
    return Figure(title, drawn, table=Table(["features", "validation AUC"], rows))


def made_of(bundle: Bundle) -> Section:
    """Return what reproduces a bundle."""
    manifest, origin = bundle.manifest, bundle.metrics.get("origin", {})
    log = bundle.metrics.get("log", {})
    facts = [
        ["bundle", manifest.version],
        ["made", manifest.created],
        ["command", _command(origin, bundle.metrics)],
        ["fingerprint of the log", log.get("fingerprint", "–")],
        ["seed", str(origin.get("seed", bundle.config.training.seed))],
        ["counters until", manifest.counters_until],
        *([name, text] for name, text in origin.get("versions", {}).items()),
        ["machine", origin.get("machine", "–")],
    ]
    settings = yaml.safe_dump(kept_settings(bundle.config), sort_keys=False, allow_unicode=True)
    lines_ = [[line] for line in settings.splitlines()]
    figures = [
        Figure("What reproduces it", table=Table(["", ""], facts, texts=True), open=True),
        Figure("Its configuration, whole", table=Table(["", ""], lines_, texts=True)),
    ]
    return Section("origin", "Where it comes from", (), figures)


def _command(origin: Mapping[str, Any], metrics: Mapping[str, Any]) -> str:
    """Return what made a bundle."""
    made: str = origin.get("command") or "called from Python"
    anew = metrics.get("calibration", {}).get("anew")
    return f"{made}; then clickthrough calibrate" if anew else made


def against(bundle: Bundle, other: Bundle) -> Section:
    """Return how a bundle differs from another: in figures, and in settings."""
    ours, theirs = (one.metrics.get("test") for one in (bundle, other))
    names = [
        "",
        f"this ({bundle.manifest.version})",
        f"other ({other.manifest.version})",
        "difference",
    ]
    figures = []
    if ours and theirs:
        one, two = (next(iter(record["results"].values())) for record in (ours, theirs))
        rows = [
            [called(name), number(one[name]), number(two[name]),
             signed(one[name] - two[name])]
            for name in _COMPARED
            if one.get(name) is not None and two.get(name) is not None
        ]  # fmt: skip
        figures.append(
            Figure(
                "Figures of their own test parts", table=Table(names, rows), open=True, wide=True
            )
        )
    changed = [*_changed("", kept_settings(bundle.config), kept_settings(other.config))]
    table = Table(["setting", "this", "other"], changed or [["none", "", ""]], texts=True)
    figures.append(Figure("Settings that differ", table=table, open=True, wide=True))
    logs = [one.metrics.get("log", {}).get("fingerprint") for one in (bundle, other)]
    same = logs[0] is not None and logs[0] == logs[1]
    text = [
        "Both were trained and tested on the same log."
        if same
        else "Their logs are not known to be the same: figures of other rows do not compare."
    ]
    return Section("against", "Beside another bundle", text, figures)


def _changed(name: str, ours: Any, theirs: Any) -> list[list[str]]:  # noqa: ANN401 - of JSON
    """Return settings that differ: the path, and both values."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        keys = dict.fromkeys([*ours, *theirs])
        return [
            row
            for key in keys
            for row in _changed(f"{name}.{key}" if name else key, ours.get(key), theirs.get(key))
        ]
    return [] if ours == theirs else [[name, _short(ours), _short(theirs)]]


def _short(value: object, most: int = 300) -> str:
    text = "–" if value is None else str(value)
    return text if len(text) <= most else text[: most - 1] + "…"
