"""How a model was learned, on what it rests, what it costs."""

from collections.abc import Mapping
from typing import Any

from clickthrough.report.charts import Axes, Bar, Line, bars, legend, lines
from clickthrough.report.parts import Figure, Section, Table, number, signed
from clickthrough.report.quality import called

_MOST = 15
"""Features in a chart; its table has all."""
_FROZEN = ("auc", "request_auc", "map_at_12", "log_loss", "normalized_entropy", "calibration_ratio")


def learning(epochs: list[dict[str, Any]], monitored: str, losses: Mapping[str, float]) -> Section:
    """Return the loss of training and the monitored metric of validation, epoch by epoch."""
    validation = [[one["number"], one["monitored"]] for one in epochs]
    loss = [[one["number"], one["loss"]] for one in epochs if one["loss"] is not None]
    axes = Axes("epoch", monitored.replace("_", " "), whole=True)
    title = f"Validation: {monitored.replace('_', ' ')}"
    head = ["epoch", "training loss", f"validation {monitored.replace('_', ' ')}"]
    rows = [[str(e["number"]), number(e["loss"]), number(e["monitored"])] for e in epochs]
    series = [Line("validation", validation, dots=True)]
    figures = [Figure(title, lines(series, axes, title), table=Table(head, rows))]
    if loss:
        name = "Training loss"
        drawn = lines([Line("training", loss, dots=True)], Axes("epoch", "loss", whole=True), name)
        text = "with dropout and weights of clicks, so not to be compared with validation"
        figures.append(Figure(name, drawn, text=text, table=Table(head[:2], [r[:2] for r in rows])))
    before, after = number(losses["raw"]), number(losses["calibrated"])
    told = [f"Validation log loss {before} before calibration, {after} after."]
    return Section("learning", "Learning", told, figures if epochs else [])


def importance(found: list[dict[str, Any]] | None) -> Section | None:
    """Return what the model rests on; None where that was not examined."""
    if found is None:
        return None
    drop, size = "Log loss without it", "Size of its reasons"
    first = [
        Bar(one["feature"], one["log_loss"], one["log_loss"] - one["spread"],
            one["log_loss"] + one["spread"])
        for one in found[:_MOST]
    ]  # fmt: skip
    by_reason = sorted(found, key=lambda one: -one["reason"])[:_MOST]
    cells = [
        [one["feature"], one["words"], signed(one["log_loss"], 5), number(one["spread"], 5),
         signed(one["auc"], 5), number(one["reason"], 4)]
        for one in found
    ]  # fmt: skip
    head = ["feature", "in words", "log loss more", "spread", "AUC less", "mean size of its reason"]
    text = [
        "By how much validation log loss rises where a feature is another row's (mean and spread "
        "of repeats). Features that say the same each look small: the model has the other."
    ]
    figures = [
        Figure(drop, bars(first, "rise of log loss", drop), table=Table(head, cells), wide=False),
        Figure(
            size,
            bars([Bar(one["feature"], one["reason"]) for one in by_reason], "mean |logit|", size),
            text="the mean size of its share in a logit: what 'explain' tells",
        ),
    ]
    return Section("importance", "What it rests on", text, figures)


def frozen(live: Mapping[str, Any], found: Mapping[str, Any] | None) -> Section | None:
    """Return live against frozen counters; None where that was not examined."""
    if found is None:
        return None
    model = next(iter(live["results"]))
    one, other = live["results"][model], found["results"][model]
    rows = [
        [called(name), number(one.get(name)), number(other.get(name)),
         signed((other[name] or 0) - (one[name] or 0))]
        for name in _FROZEN
        if one.get(name) is not None and other.get(name) is not None
    ]  # fmt: skip
    text = [
        "Live: counters learn from events through the test, as a service does that gets events. "
        "Frozen: they stay as the bundle left them, as in a service that gets none."
    ]
    table = Table(["", "live", "frozen", "frozen less live"], rows)
    figure = Figure("Counters live and frozen", table=table, open=True)
    return Section("frozen", "What events are worth", text, [figure])


def latency(found: list[dict[str, float]]) -> Section:
    """Return how long answers take."""
    rows = [[f"{one['rows']:.0f}", number(one["p50"], 2), number(one["p99"], 2)] for one in found]
    text = [
        "In process, on the machine that made this page, with ids drawn from the bundle's "
        "vocabularies. HTTP adds some tenths of a millisecond."
    ]
    head = ["candidates of a request", "p50, ms", "p99, ms"]
    series = [Line(name, [[one["rows"], one[name]] for one in found], dots=True)
              for name in ("p50", "p99")]  # fmt: skip
    title = "Time of a request"
    drawn = lines(series, Axes("candidates", "ms", zero=True), title)
    figure = Figure(title, drawn, legend(series), table=Table(head, rows))
    return Section("latency", "How long an answer takes", text, [figure])
