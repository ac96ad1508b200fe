"""The verb that writes what editors know a configuration by, and the reference of its settings."""

from pathlib import Path
from typing import Annotated

import typer

from clickthrough.cli.output import result, then
from clickthrough.cli.root import app
from clickthrough.errors import ClickthroughError


@app.command()
def schema(
    out: Annotated[
        Path | None, typer.Option(help="Where the schema goes.", show_default="standard output")
    ] = None,
    reference: Annotated[
        Path | None, typer.Option(help="Write all settings to a page of Markdown instead.")
    ] = None,
) -> None:
    """Write the JSON schema of a configuration, by which editors complete and check it.

    A first line '# yaml-language-server: $schema=clickthrough.schema.json' names it to them.
    """
    from clickthrough.config.json_schema import written
    from clickthrough.config.reference import reference as page
    from clickthrough.whole_file import write_whole

    if reference is not None and out is not None:
        raise ClickthroughError("expected either --out or --reference, not both")
    if reference is not None:
        write_whole(reference, page())
        result(f"all settings in {reference}")
    elif out is not None:
        write_whole(out, written())
        result(f"the schema in {out}")
        then(f"# yaml-language-server: $schema={out} as the first line of a configuration")
    else:
        print(written(), end="")
