"""Verbs that show what was made: the report of a bundle, the runs that were kept."""

from pathlib import Path
from typing import Annotated

import typer

from clickthrough.cli.options import BundleArgument
from clickthrough.cli.output import quoted, result, then, warn
from clickthrough.cli.root import app
from clickthrough.errors import ClickthroughError


@app.command()
def report(
    bundle: BundleArgument,
    out: Annotated[Path, typer.Option(help="The file, one page.")] = Path("report.html"),
    against: Annotated[
        Path | None, typer.Option(help="Another bundle: how this one differs from it.")
    ] = None,
    png: Annotated[bool, typer.Option("--png", help="Write each chart beside it too.")] = False,
) -> None:
    """Write one page that shows what a model is worth: for whoever decides.

    It is made of what the bundle keeps of its evaluation; train --report keeps more.
    """
    from clickthrough.bundle import load_bundle
    from clickthrough.report.write import write_report

    loaded = load_bundle(bundle)
    other = load_bundle(against) if against is not None else None
    written = write_report(loaded, out, other, png)
    for path in written:
        result(str(path))
    if "examined" not in loaded.metrics:
        then(
            "clickthrough train --report adds what the model rests on, what moved, frozen counters"
        )
    else:
        then(f"open {out}; --against BUNDLE compares, --png draws each chart")


@app.command()
def runs(
    names: Annotated[
        list[str] | None, typer.Argument(help="Two or more of them, to be compared.")
    ] = None,
    folder: Annotated[Path, typer.Option("--in", help="Where runs are kept.")] = Path("runs"),
) -> None:
    """List the runs that were kept, or compare some of them."""
    from clickthrough.runs.show import compared, kept_runs, listed, read_run

    if not names:
        found, wrong = kept_runs(folder)
        for line in wrong:
            warn(line)
        if not found:
            raise ClickthroughError(f"{folder}: holds no run; 'clickthrough train' makes one")
        result(listed(found))
        then("clickthrough runs NAME NAME compares two of them")
        return
    if len(names) < 2:
        raise ClickthroughError(f"expected two runs or more to compare, found one: {names[0]}")
    for table in compared([read_run(folder / name) for name in names]):
        result(table)
    then(f"clickthrough train {quoted(folder / names[0] / 'config.yaml')} trains the first again")
