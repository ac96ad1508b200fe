"""A selection as files: the configuration that it comes to, tables, pictures."""

import csv
import importlib.util
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from clickthrough.config.features import Feature
from clickthrough.config.load import anchor
from clickthrough.config.origins import origins_of
from clickthrough.config.root import Config
from clickthrough.evaluation.drawn import write_figure
from clickthrough.selection.decide import Decision
from clickthrough.whole_file import write_whole

if TYPE_CHECKING:
    from clickthrough.selection.run import Selection

_MOST_DRAWN = 40
"""Features in a picture."""


def write_selection(made: "Selection", out: Path) -> None:
    """Write a selection into a directory.

    ``selected.yaml``, ``importances.csv``, ``selection.json`` and, with matplotlib,
    ``importances.svg`` and ``curve.svg``.
    """
    out.mkdir(parents=True, exist_ok=True)
    write_whole(out / "importances.csv", table(made.decisions))
    write_whole(out / "selection.json", json.dumps(summary(made), indent=2) + "\n")
    if importlib.util.find_spec("matplotlib") is not None:
        draw_importances(made, out / "importances.svg")
        draw_curve(made, out / "curve.svg")
    write_whole(out / "selected.yaml", as_yaml(made))


def as_yaml(made: "Selection") -> str:
    """Return the configuration with what stays, a comment a feature saying why."""
    config, why = made.config, {one.name: one.why for one in made.decisions}
    sections = _sections(config)
    lines = ["# What stays of a configuration, chosen by clickthrough select.", ""]
    for name, section in sections.items():
        if name != "features":
            lines += [*yaml.safe_dump({name: section}, sort_keys=False).splitlines(), ""]
            continue
        lines.append("features:")
        for feature, said in zip(config.features, section, strict=True):
            lines += [f"  # {line}" for line in _reasons(feature, why)]
            lines.append(f"  - {_flow(said)}")
        lines.append("")
    gone = [one for one in made.decisions if not one.kept]
    lines += ["# What went:", *(f"#   {one.name}: {one.why}" for one in gone)] if gone else []
    return "\n".join(lines).rstrip() + "\n"


def _sections(config: Config) -> dict[str, Any]:
    """Return what is said of each section, and nothing that is so by default."""
    said = config.model_dump(mode="json", exclude_unset=True, exclude={"features", "drop"})
    anchor(said["data"], Path.cwd())
    features = [one.model_dump(mode="json", exclude_defaults=True) for one in config.features]
    kinds = [{"kind": one.kind} | rest for one, rest in zip(config.features, features, strict=True)]
    return {"data": said.pop("data"), "features": kinds, **said}


def _flow(values: Mapping[str, Any]) -> str:
    text: str = yaml.safe_dump(dict(values), sort_keys=False, default_flow_style=True, width=1_000)
    return text.strip()


def _reasons(feature: Feature, why: Mapping[str, str]) -> Iterator[str]:
    for name in origins_of(feature):
        yield f"{name}: {why[name]}"


def table(decisions: list[Decision]) -> str:
    """Return every candidate as CSV, the most important first."""
    text = io.StringIO()
    writer = csv.writer(text)
    names = ("feature", "kept", "why", "worth", "spread", "above_noise", "gain_share", "splits")
    writer.writerow(names)
    for one in decisions:
        figures = (one.worth, one.spread, one.above_noise, one.gain, one.splits)
        kept = "yes" if one.kept else "no"
        writer.writerow([one.name, kept, one.why, *(f"{value:.6g}" for value in figures)])
    return text.getvalue()


def summary(made: "Selection") -> dict[str, Any]:
    """Return what was chosen and what it retains."""
    curve = made.curve
    return {
        "candidates": len(made.decisions),
        "kept": made.kept,
        "columns": {"all": made.columns[0], "kept": made.columns[1]},
        "reads": {"all": made.reads[0], "kept": made.reads[1]},
        "validation": {"all": vars(curve.whole), "kept": vars(curve.kept)},
        "retained": curve.retained,
        "area_under_curve": curve.area,
        "curve": [vars(point) for point in curve.points],
    }


def draw_importances(made: "Selection", path: Path) -> None:
    """Draw the worth of the most important features, each fold a dot, beside the level of noise."""
    from matplotlib.figure import Figure  # without pyplot: no window, no state

    found, some = made.importances, made.decisions[:_MOST_DRAWN]
    places = [found.names.index(one.name) for one in some]
    figure = Figure(figsize=(8, 1.2 + 0.22 * len(some)), layout="constrained")
    axes = figure.add_subplot()
    rows = range(len(some))
    colours = ["C0" if one.kept else "0.7" for one in some]
    axes.barh(rows, [one.worth for one in some], color=colours)
    for own in found.worth()[:, places]:
        axes.plot(own, rows, ".", color="black", markersize=3)
    level = found.level()
    axes.axvline(level, color="C3", linewidth=1, label="the best column on noise")
    axes.set_xscale("symlog", linthresh=max(level, 1e-6))
    axes.set_yticks(rows, [one.name for one in some], fontsize=7)
    axes.invert_yaxis()
    axes.set(xlabel="log loss lowered on later rows, nats an impression (dots: folds)")
    axes.legend(loc="lower right", fontsize=7)
    write_figure(figure, path)


def draw_curve(made: "Selection", path: Path) -> None:
    """Draw validation AUC against the number of features, and where what stays lies."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.5, 3.6), layout="constrained")
    axes = figure.add_subplot()
    points, kept = made.curve.points, made.curve.kept
    sizes = [point.features for point in points]
    axes.plot(sizes, [point.auc for point in points], "o-", label="the best by importance")
    axes.plot([kept.features], [kept.auc], "s", color="C3", label="what stays")
    axes.axhline(made.curve.whole.auc, color="0.6", linewidth=1, label="all candidates")
    axes.set_xscale("log", base=2)
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.set(xlabel="features", ylabel="validation AUC of trees")
    axes.legend(fontsize=8)
    write_figure(figure, path)
