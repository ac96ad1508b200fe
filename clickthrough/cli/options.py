"""Arguments and options that several verbs take."""

from pathlib import Path
from typing import Annotated

import typer

from clickthrough.serving.listening import port_of

BundleArgument = Annotated[Path, typer.Argument(help="The bundle's directory.")]
ConfigArgument = Annotated[str, typer.Argument(help="A YAML file, or the name of a preset.")]
DataOption = Annotated[
    list[Path] | None,
    typer.Option("--data", help="Where the log lies, instead of data.path; again for more of it."),
]
DiagramOption = Annotated[
    Path | None,
    typer.Option(help="Draw predictions against click rates: .svg, .png or .pdf."),
]
PortOption = Annotated[
    int,
    typer.Option(
        parser=lambda text: port_of(text, "--port, or CTR_PORT"),
        metavar="0..65535",
        envvar="CTR_PORT",
        help="0 takes one that is free.",
    ),
]
TruthOption = Annotated[
    Path | None, typer.Option("--truth", help="Parquet: request, item, probability[, observable].")
]
SettingsOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="section.key=value: replaces the file's; again for more."),
]
