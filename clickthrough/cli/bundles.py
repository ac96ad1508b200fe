"""Verbs that use a bundle: score a file, show what it holds, write its model for others."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clickthrough.cli.options import BundleArgument, DataOption, DiagramOption
from clickthrough.cli.output import check_diagram, escape, result, say, show, warn
from clickthrough.cli.progress import progress
from clickthrough.cli.root import app
from clickthrough.errors import ClickthroughError
from clickthrough.steps import step

if TYPE_CHECKING:
    from clickthrough.bundle import Bundle
    from clickthrough.bundle.classic import Example


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


@app.command()
def export(
    bundle: BundleArgument,
    classic: Annotated[
        Path | None, typer.Option("--classic", help="A directory for .pth and .pkl files.")
    ] = None,
    data: DataOption = None,
    example: Annotated[
        bool, typer.Option(help="Write rows of the log's last part beside, as example.jsonl.")
    ] = True,
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier export.")] = False,
) -> None:
    """Write a bundle's model for other programs: plain torch, pickle and scikit-learn.

    Nothing of clickthrough reads these files back: a pickle can run code.

    The example is of the log's rows; where the log is not at hand, it is left out.
    """
    if classic is None:
        raise ClickthroughError("expected --classic DIR: where the .pth and .pkl files go")
    from clickthrough.bundle import load_bundle
    from clickthrough.bundle.classic import check_place, export_classic

    loaded = load_bundle(bundle)
    check_place(loaded, classic, force)
    rows = _log_example(loaded, data) if example else None
    export_classic(loaded, classic, rows, force)
    how = "python score.py" if rows else "python score.py ROWS.jsonl"
    result(f"bundle {loaded.manifest.version} in {classic}; there: {how}")


def _log_example(bundle: "Bundle", data: Path | None) -> "Example | None":
    """Return impressions of the bundle's log; none, and say why, where it is not at hand."""
    from clickthrough.bundle.log import log_of
    from clickthrough.training.rows.sample import log_example

    try:
        return log_example(bundle, log_of(bundle, data))
    except ClickthroughError as error:
        if data is not None:
            raise
        say(f"no example.jsonl (--data names the log): {escape(str(error))}")
        return None
