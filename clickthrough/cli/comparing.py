"""Verbs that choose: models, features."""

from pathlib import Path
from typing import Annotated

import typer

from clickthrough.cli.options import ConfigArgument, DataOption, SettingsOption
from clickthrough.cli.output import quoted, result, then
from clickthrough.cli.progress import progress, told
from clickthrough.cli.root import app


@app.command()
def compare(
    config: ConfigArgument,
    models: Annotated[
        str, typer.Option(help="Families, by commas; settings in brackets: mlp\\[members=4].")
    ],
    data: DataOption = None,
    seeds: Annotated[int, typer.Option(min=1, max=1_000, help="Runs of each.")] = 3,
    out: Annotated[
        Path, typer.Option(help="Keeps each run as it ends; asked again, it goes on.")
    ] = Path("comparison"),
    settings: SettingsOption = None,
) -> None:
    """Fit models on the same rows over several seeds: accuracy, its spread, and what it takes."""
    import importlib.util

    from clickthrough.comparison.compare import compare as run
    from clickthrough.comparison.contenders import contenders
    from clickthrough.comparison.report import markdown, write_report
    from clickthrough.config.load import load_config

    loaded = load_config(config, data, settings or [])
    some = contenders(models, loaded.model)
    with progress():
        summary = run(loaded, some, seeds, out, told())
    write_report(summary, out, importlib.util.find_spec("matplotlib") is not None)
    result(markdown(summary))
    result(f"comparison.md, summary.json and every run in {out}")
    own = quoted(config)
    then(f"clickthrough train {own} --set model.name=FAMILY trains the one that you choose")


@app.command()
def select(  # noqa: PLR0913, PLR0917 - a verb has its options
    config: ConfigArgument,
    data: DataOption = None,
    out: Annotated[
        Path, typer.Option(help="A directory for selected.yaml, tables and pictures.")
    ] = Path("selection"),
    top: Annotated[int, typer.Option(help="The most features.")] = 150,
    percentile: Annotated[
        float | None, typer.Option(help="Those from this percentile of importance up.")
    ] = None,
    retain: Annotated[
        float | None, typer.Option(help="The fewest that keep this share of AUC above one half.")
    ] = None,
    keep: Annotated[
        list[str] | None, typer.Option(help="A feature that always stays; again for more.")
    ] = None,
    deny: Annotated[
        list[str] | None, typer.Option(help="A feature that never stays; again for more.")
    ] = None,
    generate: Annotated[
        bool, typer.Option("--generate", help="Make candidates of the log's fields as well.")
    ] = False,
    most: Annotated[
        int, typer.Option(min=1, help="Numbers that candidates make, with --generate.")
    ] = 1_000,
    settings: SettingsOption = None,
) -> None:
    """Choose features: by trees over time, against what noise reaches; writes a configuration."""
    from clickthrough.config.load import load_config
    from clickthrough.selection import Choice, select
    from clickthrough.selection.show import selection_table, selection_text

    choice = Choice(top, percentile, retain, keep or [], deny or [], generate, most)
    loaded = load_config(config, data, settings or [])
    with progress():
        made = select(loaded, out, choice, told())
    result(selection_table(made))
    result(selection_text(made))
    result(f"selected.yaml, importances.csv, selection.json in {out}")
    then(f"clickthrough train {quoted(out / 'selected.yaml')}, or clickthrough tune the same first")
