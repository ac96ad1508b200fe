"""Arguments and options that several verbs take."""

from pathlib import Path
from typing import Annotated

import typer

BundleArgument = Annotated[Path, typer.Argument(help="The bundle's directory.")]
DataOption = Annotated[
    Path | None, typer.Option("--data", help="Where the log lies, instead of data.path.")
]
DiagramOption = Annotated[
    Path | None,
    typer.Option(help="Draw predictions against click rates: .svg, .png or .pdf."),
]
TruthOption = Annotated[
    Path | None, typer.Option("--truth", help="Parquet: request, item, probability[, observable].")
]
