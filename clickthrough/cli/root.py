"""The command itself, which verbs register with, and the options that all of them share."""

from typing import Annotated

import typer

from clickthrough._version import __version__
from clickthrough.cli import output
from clickthrough.errors import ClickthroughError

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="From raw ad logs to a calibrated click probability behind an API, and back.",
)


def _show_version(asked: bool) -> None:
    if asked:
        print(f"clickthrough {__version__}")
        raise typer.Exit


@app.callback()
def settle(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
    quiet: Annotated[
        bool, typer.Option("-q", "--quiet", help="Print results and errors, and nothing else.")
    ] = False,
    verbose: Annotated[
        int,
        typer.Option(
            "-v",
            "--verbose",
            count=True,
            show_default=False,
            help="Log what is done, -vv in detail; show tracebacks.",
        ),
    ] = 0,
) -> None:
    """Settle how much is said; options stand before the verb."""
    if quiet and verbose:
        raise ClickthroughError("expected either --quiet or --verbose, not both")
    output.settle(quiet, verbose)
