"""On what data a model rests, and how far it moved."""

from collections.abc import Mapping
from typing import Any

from clickthrough.report.charts import Axes, Bar, Line, bars, lines
from clickthrough.report.parts import Figure, Section, Table, number, share

_MOST = 15
"""Features in a chart; its table has all."""
_SMALL, _LARGE = 0.1, 0.25


def log(record: Mapping[str, Any] | None, test: Mapping[str, Any] | None) -> Section | None:
    """Return what the log holds, by day; None where the bundle does not say."""
    if record is None:
        return None
    facts = [
        ["impressions", f"{record['impressions']:,}"],
        ["requests", f"{record['requests']:,}"],
        ["clicks", f"{record['clicks']:,}"],
        ["without a known label", f"{record['unlabelled']:,}"],
        ["first", _moment(record["first"])],
        ["last", _moment(record["last"])],
    ]
    if test is not None:
        parts = f"{test['impressions']:,} impressions, {test['requests']:,} requests"
        facts.append(["of these, the test part", parts])
    figures = [Figure("The log", table=Table(["", ""], facts, texts=True), open=True)]
    figures += _days(record["days"])
    return Section("data", "The data", record["notes"], figures)


def _moment(text: str | None) -> str:
    return "–" if text is None else text[:19].replace("T", " ") + " UTC"


def _days(days: list[dict[str, Any]]) -> list[Figure]:
    if len(days) < 2:
        return []
    labels = [(float(place), day["day"][5:]) for place, day in enumerate(days)]
    rates = [[float(place), day["clicks"] / day["impressions"]] for place, day in enumerate(days)]
    title = "Click rate by day"
    axes = Axes("day", "click rate", labels=labels)
    drawn = lines([Line("click rate", rates, dots=len(days) <= 40)], axes, title)
    rows = [
        [day["day"], f"{day['impressions']:,}", f"{day['clicks']:,}", share(rate, 2)]
        for day, (_, rate) in zip(days, rates, strict=True)
    ]
    return [Figure(title, drawn, table=Table(["day", "impressions", "clicks", "rate"], rows))]


def drift(found: list[dict[str, Any]] | None) -> Section | None:
    """Return which inputs moved between training and test; None where that was not examined."""
    if found is None:
        return None
    moved = [one for one in found if one["psi"] > _LARGE]
    some = [one for one in found if _SMALL < one["psi"] <= _LARGE]
    text = [
        "Population stability index of each feature's inputs, training against test: up to .1 is "
        "no change, above .25 a large one.",
        f"{len(moved)} of {len(found)} features moved much, {len(some)} somewhat. What counts the "
        "past, or tells the day, moves by itself.",
    ]
    title = "What moved most"
    rows = [Bar(one["feature"], one["psi"]) for one in found[:_MOST]]
    cells = [
        [one["feature"], one["words"], number(one["psi"], 3), *_pair(one, "unseen"),
         *_pair(one, "missing")]
        for one in found
    ]  # fmt: skip
    head = ["feature", "in words", "index", "unseen in training", "in test", "missing in training",
            "in test"]  # fmt: skip
    figure = Figure(
        title, bars(rows, "population stability index", title), table=Table(head, cells), wide=True
    )
    return Section("drift", "What moved between training and test", text, [figure])


def _pair(one: dict[str, Any], name: str) -> list[str]:
    pair = one.get(name)
    return ["–", "–"] if pair is None else [share(part, 2) for part in pair]
