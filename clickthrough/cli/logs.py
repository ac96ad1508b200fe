"""Verbs that need a log: look at one, make one up, trace an impression of one."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from clickthrough.cli.options import DataOption
from clickthrough.cli.output import note, quoted, result, say, then
from clickthrough.cli.progress import progress
from clickthrough.cli.root import app
from clickthrough.errors import ConfigError
from clickthrough.steps import step


@app.command()
def init(  # noqa: PLR0913, PLR0917 (an option each)
    data: Annotated[Path, typer.Argument(help="CSV, Parquet or JSON lines, or a directory.")],
    out: Annotated[Path, typer.Option(help="The configuration to write.")] = Path("config.yaml"),
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    label: Annotated[str | None, typer.Option(help="The column of clicks.")] = None,
    label_at_least: Annotated[
        float | None, typer.Option(help="From where on a label is a click, where not 0 and 1.")
    ] = None,
    label_is: Annotated[
        list[str] | None,
        typer.Option(help="A text of the label that is a click; again for more."),
    ] = None,
    time: Annotated[str | None, typer.Option(help="The column of times.")] = None,
    request: Annotated[str | None, typer.Option(help="The column of request ids.")] = None,
    user: Annotated[str | None, typer.Option(help="The column of users.")] = None,
    item: Annotated[str | None, typer.Option(help="The column of items.")] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Of a CSV that is not UTF-8, where its bytes do not tell it.")
    ] = None,
) -> None:
    """Look at a log, and write a commented configuration to train with."""
    from clickthrough.init.roles import Named
    from clickthrough.init.run import init as run
    from clickthrough.init.show import column_table

    texts = tuple(label_is or ())
    named = Named(label, time, request, user, item, label_at_least, texts, _known(encoding))
    with progress(), step("looking at the log"):
        written = run(data, out, named, force)
    say(written.found)
    if written.lines:
        say(column_table(written.lines))
    for one in written.notes:
        note(one)
    result(f"wrote {written.config}")
    then(f"clickthrough train {quoted(written.config)}")


def _known(encoding: str | None) -> str | None:
    """Return the usual name of an encoding; refuse what is none."""
    from clickthrough.config.data import known_encoding

    try:
        return None if encoding is None else known_encoding(encoding)
    except ValueError as error:
        raise ConfigError(f"--encoding: {error}") from None


@app.command()
def features(
    source: Annotated[str, typer.Argument(help="A bundle, a YAML file, or the name of a preset.")],
    row: Annotated[str, typer.Option(help="The row's number in the sorted log, or REQUEST:ITEM.")],
    data: DataOption = None,
    events: Annotated[int, typer.Option(min=0, help="Show so many events a key.")] = 10,
) -> None:
    """Show one impression's features, batch and online side by side, with their events."""
    from clickthrough.inspection import trace_tables
    from clickthrough.trace import config_and_dataset_of, trace

    for table in trace_tables(trace(*config_and_dataset_of(source, data), row), events):
        result(table)
    then("clickthrough replay BUNDLE compares every row of the test part")


@app.command()
def simulate(  # noqa: PLR0913, PLR0917 - a verb has its options
    out: Annotated[Path, typer.Argument(help="Where the log goes.")],
    impressions: Annotated[int, typer.Option(min=1_000, help="Rows with a known click.")] = 300_000,
    seed: Annotated[int, typer.Option(min=0, help="Of all chance.")] = 7,
    page_views: Annotated[
        int | None, typer.Option(min=0, help="At most so many; three a display by default.")
    ] = None,
    test_share: Annotated[
        float, typer.Option(min=0.0, max=10.0, help="Test displays for each train display.")
    ] = 0.37,
    kind: Annotated[
        Literal["outbrain", "plain"],
        typer.Option(help="plain: independent clicks and a configuration, for the tabular reader."),
    ] = "outbrain",
    force: Annotated[bool, typer.Option("--force", help="Replace what lies there.")] = False,
) -> None:
    """Write a made-up log whose click probabilities are known, in Outbrain's layout."""
    from clickthrough.data.simulator.simulate import simulate as run
    from clickthrough.data.simulator.world import Settings

    run(out, Settings(impressions, seed, page_views, test_share), kind, force=force)
    result(f"a log of {impressions:,} impressions in {out}; its truth in {out / 'truth'}")
    with_truth = f"--truth {quoted(out / 'truth')}"
    if kind == "plain":
        then(f"clickthrough train {quoted(out / 'config.yaml')} {with_truth}")
    else:
        then(f"clickthrough train outbrain --data {quoted(out)} {with_truth}")
