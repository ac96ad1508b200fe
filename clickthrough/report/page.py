"""The page itself: sections in one HTML file that needs nothing else."""

from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template
from markupsafe import Markup

from clickthrough._version import __version__
from clickthrough.bundle.load import Bundle
from clickthrough.report import data, model, origin, quality
from clickthrough.report.parts import Section
from clickthrough.report.verdict import Verdict, verdicts

_HOW = "clickthrough train --report"


def page(bundle: Bundle, latency: list[dict[str, float]], other: Bundle | None = None) -> str:
    """Return the report of a bundle as HTML.

    Args:
        bundle: whose.
        latency: see :func:`clickthrough.report.latency.measured`.
        other: what it is compared with.
    """
    metrics = bundle.metrics
    test, examined = metrics.get("test"), metrics.get("examined", {})
    return _template().render(
        title=f"{bundle.config.model.name}, bundle {bundle.manifest.version}",
        made=bundle.manifest.created[:10],
        version=__version__,
        verdicts=_verdicts(test),
        sections=[section for section in _sections(bundle, latency, other) if section],
        lacking="" if examined else f"not examined: {_HOW} adds importance, drift and counters",
        style=Markup(_read("style.css")),  # noqa: S704 - our own file
    )


def _verdicts(test: dict[str, object] | None) -> list[Verdict]:
    if test is None:
        return [Verdict("bad", "Nothing can be said: the log has no test part with labels.")]
    return verdicts(test)


def _sections(
    bundle: Bundle, latency: list[dict[str, float]], other: Bundle | None
) -> list[Section | None]:
    metrics = bundle.metrics
    test, examined = metrics.get("test"), metrics.get("examined", {})
    losses = metrics.get("calibration", {}).get("log_loss", {"raw": None, "calibrated": None})
    monitored = bundle.config.training.monitor
    of_test: list[Section | None] = []
    if test is not None and "curves" in test:
        of_test = [
            quality.comparison(test), quality.reliability(test), quality.curves(test),
            quality.slices(test),
        ]  # fmt: skip
    return [
        *of_test,
        origin.against(bundle, other) if other is not None else None,
        model.frozen(test, examined.get("frozen")) if test is not None else None,
        model.importance(examined.get("importance")),
        data.log(metrics.get("log"), test),
        data.drift(examined.get("drift")),
        model.learning(metrics.get("epochs", []), monitored, losses),
        origin.history(metrics.get("origin", {})),
        model.latency(latency),
        origin.made_of(bundle),
    ]


def _template() -> Template:
    loader = FunctionLoader(_read)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template("report.html.j2")


def _read(name: str) -> str:
    return (files("clickthrough.report") / name).read_text(encoding="utf-8")
