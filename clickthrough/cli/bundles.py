"""Verbs that use a bundle: score a file, show what it holds, write its model for others."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clickthrough.cli.entry import missing
from clickthrough.cli.options import BundleArgument, DataOption, DiagramOption
from clickthrough.cli.output import check_diagram, quoted, result, say, show, then, warn
from clickthrough.cli.progress import progress
from clickthrough.cli.root import app
from clickthrough.config.base import unknown_name
from clickthrough.errors import ClickthroughError
from clickthrough.export.homes import HOMES, Home
from clickthrough.steps import step

if TYPE_CHECKING:
    from clickthrough.bundle import Bundle
    from clickthrough.export.example import Example


@app.command()
def predict(
    bundle: BundleArgument,
    source: Annotated[
        Path, typer.Argument(help="CSV, Parquet or JSON lines, an impression a row.")
    ],
    out: Annotated[
        Path, typer.Option(help=".csv, .jsonl (both also with .gz), .parquet, or - for CSV.")
    ] = Path("predictions.csv"),
    keep: Annotated[
        list[str] | None,
        typer.Option(help="A column of the file to write beside, * for all; again for more."),
    ] = None,
    store: Annotated[str, typer.Option(help="'memory', or an SQLite file.")] = "memory",
) -> None:
    """Score a file of impressions."""
    from clickthrough.scoring import score_file
    from clickthrough.serving.garbage import loaded_for_good
    from clickthrough.serving.predictor import Predictor

    if not source.is_file():
        raise ClickthroughError(f"{source}: no such file")
    with progress(shown=str(out) != "-"), step(f"scoring {source.name}"):
        predictor = Predictor.load(bundle, store)
        with loaded_for_good():
            made = score_file(predictor, source, out, keep or [])
    for note in made.notes:
        warn(f"{source}: {note}")
    if str(out) != "-":
        result(f"{made.rows:,} predictions in {out}")
        then(f"clickthrough serve {quoted(bundle)} answers the same over HTTP")


@app.command()
def inspect(bundle: BundleArgument, diagram: DiagramOption = None) -> None:
    """Show what a bundle holds: its inputs, its counters, its evaluation."""
    from clickthrough.bundle import load_bundle
    from clickthrough.inspection import bundle_tables

    check_diagram(diagram)
    loaded = load_bundle(bundle)
    for table in bundle_tables(loaded):
        result(table)
    show(loaded.metrics.get("test"), diagram=diagram)
    then(f"clickthrough report {quoted(bundle)} shows it on a page")


@app.command()
def export(
    bundle: BundleArgument,
    to: Annotated[str, typer.Option("--to", help=f"Which home: {', '.join(HOMES)}.")],
    out: Annotated[
        Path | None,
        typer.Option(help="A new or empty directory.", show_default="exported/HOME"),
    ] = None,
    data: DataOption = None,
    example: Annotated[
        bool, typer.Option(help="Write rows of the log's last part beside, as example.jsonl.")
    ] = True,
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier export.")] = False,
) -> None:
    """Write a bundle's model for another server or program.

    Calibration is part of it, and nothing is ever read back. The example is of the log's rows;
    where the log is not at hand, it is left out.
    """
    if to not in HOMES:
        raise ClickthroughError(f"--to: {unknown_name(to, 'home', list(HOMES))}")
    from clickthrough.bundle import load_bundle
    from clickthrough.export.place import check_place
    from clickthrough.export.run import export_bundle

    home, loaded = HOMES[to], load_bundle(bundle)
    target = out or Path("exported") / home.name
    check_place(loaded, home, target, force)
    rows = _log_example(loaded, home, data) if example else None
    export_bundle(loaded, home, target, rows, force)
    result(f"bundle {loaded.manifest.version} in {target}")
    then(home.then)


def _log_example(bundle: "Bundle", home: Home, data: list[Path] | None) -> "Example | None":
    """Return impressions of the bundle's log; none, and say why, where it is not at hand."""
    try:
        from clickthrough.bundle.log import log_of
        from clickthrough.export.sample import log_example

        return log_example(bundle, log_of(bundle, data), home)
    except (ClickthroughError, ModuleNotFoundError) as error:
        if data or (isinstance(error, ModuleNotFoundError) and home.takes_columns):
            raise
        why = missing(error.name or "") if isinstance(error, ModuleNotFoundError) else str(error)
        say(f"no example.jsonl (--data names the log): {why}")
        return None
