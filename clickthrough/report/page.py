"""The page itself: sections in one HTML file that needs nothing else."""

import re
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template
from markupsafe import Markup

from clickthrough._version import __version__
from clickthrough.bundle.load import Bundle
from clickthrough.report import data, model, origin, quality
from clickthrough.report.parts import Section
from clickthrough.report.verdict import Verdict, verdicts

MOST_ROWS = 150
"""Rows of a table: the page stays small whatever a log holds."""
_HOW = "clickthrough train --report"


def page(bundle: Bundle, sections: Sequence[Section]) -> str:
    """Return the report of a bundle as HTML.

    Args:
        bundle: whose.
        sections: see :func:`sections_of`.
    """
    metrics = bundle.metrics
    return template("report.html.j2").render(
        title=f"{bundle.config.model.name}, bundle {bundle.manifest.version}",
        made=bundle.manifest.created[:10],
        version=__version__,
        verdicts=verdicts_of(metrics),
        sections=sections,
        most_rows=MOST_ROWS,
        lacking="" if "examined" in metrics else f"{_HOW} adds importance, drift, frozen counters",
        style=Markup(read("style.css")),  # noqa: S704 - our own file
    )


def sections_of(
    bundle: Bundle, latency: list[dict[str, float]], other: Bundle | None = None
) -> list[Section]:
    """Return all that there is to show of a bundle.

    Args:
        bundle: whose evaluation is shown, as it was kept.
        latency: see :func:`clickthrough.report.latency.measured`.
        other: what it is compared with.
    """
    metrics = bundle.metrics
    test, examined = metrics.get("test"), metrics.get("examined", {})
    losses = metrics.get("calibration", {}).get("log_loss", {"raw": None, "calibrated": None})
    made = [
        *(_of_test(test) if test is not None else []),
        origin.against(bundle, other) if other is not None else None,
        model.frozen(test, examined.get("frozen")) if test is not None else None,
        model.importance(examined.get("importance")),
        data.log(metrics.get("log"), test),
        data.drift(examined.get("drift")),
        model.learning(metrics.get("epochs", []), bundle.config.training.monitor, losses),
        origin.history(metrics.get("origin", {})),
        model.latency(latency),
        origin.made_of(bundle),
    ]
    return [section for section in made if section is not None]


def _of_test(test: dict[str, Any]) -> list[Section | None]:
    return [
        quality.comparison(test),
        quality.reliability(test),
        quality.curves(test) if "curves" in test else None,
        quality.slices(test),
    ]


def verdicts_of(metrics: dict[str, Any]) -> list[Verdict]:
    """Judge a model by what its bundle keeps of its training."""
    if (test := metrics.get("test")) is not None:
        return verdicts(test)
    why = "the log had no test part with labels"
    if metrics.get("calibration", {}).get("anew"):
        why = "it was calibrated anew, and not evaluated since: clickthrough evaluate does that"
    return [Verdict("bad", f"Nothing can be said: {why}.")]


def template(name: str) -> Template:
    """Return a template that lies beside this file; what goes into it is escaped."""
    environment = Environment(
        loader=FunctionLoader(read),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)


def read(name: str) -> str:
    """Return a file that lies beside this one."""
    return (files("clickthrough.report") / name).read_text(encoding="utf-8")


def light_style() -> str:
    """Return the style with the colours of the light page, for who knows no variables."""
    text = read("style.css")
    colours = dict(re.findall(r"--(\w+): (#\w+);", text.split("@media")[0]))
    return re.sub(r"var\(--(\w+)\)", lambda found: colours[found[1]], text)
