"""The verb that goes the whole way: a simulated log, a bundle, the service."""

from pathlib import Path
from typing import Annotated

import typer

from clickthrough.cli.keeping import keep
from clickthrough.cli.options import PortOption
from clickthrough.cli.output import show, then_serve
from clickthrough.cli.progress import progress, told
from clickthrough.cli.root import app
from clickthrough.cli.service import serve


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Where the log goes.")] = Path("demo"),
    bundle: Annotated[Path, typer.Option(help="Where the bundle goes.")] = Path("models"),
    impressions: Annotated[int, typer.Option(min=5_000, help="How many.")] = 300_000,
    serve_after: Annotated[bool, typer.Option("--serve/--no-serve")] = True,
    port: PortOption = 8000,
) -> None:
    """Go the whole way on a simulated log: data, training, evaluation, service."""
    from clickthrough.demo import run_demo

    with progress(lines=True):
        record = run_demo(folder, bundle, impressions, told())
    show(record)
    keep(bundle, report=False)
    if serve_after:
        serve(bundle, port=port)
    else:
        then_serve(bundle)
