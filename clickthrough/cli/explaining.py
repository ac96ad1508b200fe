"""The verb that says why a request of the log was answered as it was."""

from typing import Annotated

import typer

from clickthrough.cli.options import BundleArgument, DataOption
from clickthrough.cli.output import result, then
from clickthrough.cli.root import app


@app.command()
def explain(
    bundle: BundleArgument,
    row: Annotated[str, typer.Option("--row", help="The id of a request that the log holds.")],
    data: DataOption = None,
    reasons: Annotated[int, typer.Option(min=1, help="How many an answer gets.")] = 3,
    top: Annotated[int, typer.Option(min=1, help="How many answers are shown, best first.")] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Print what /rank answers.")] = False,
) -> None:
    """Say why a request's candidates are ranked as they are, by declared features.

    Counters are the bundle's own, as in a service that no event has reached.
    """
    from clickthrough.bundle import load_bundle
    from clickthrough.bundle.log import log_of
    from clickthrough.explaining import explain_request, reason_tables
    from clickthrough.serving.answering import rankings

    loaded = load_bundle(bundle)
    ranking = explain_request(loaded, log_of(loaded, data), row, reasons, top)
    if as_json:
        print(rankings(ranking, loaded.manifest.version, "live").decode())
        return
    for table in reason_tables(ranking):
        result(table)
    then('"explain": 3 in a body of /predict or /rank asks the service for the same')
