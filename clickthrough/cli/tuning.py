"""The verb that searches settings."""

from pathlib import Path
from typing import Annotated

import typer

from clickthrough.cli.options import ConfigArgument, DataOption, SettingsOption
from clickthrough.cli.output import quoted, result, say, then
from clickthrough.cli.progress import progress
from clickthrough.cli.root import app


@app.command()
def tune(  # noqa: PLR0913, PLR0917
    config: ConfigArgument,
    data: DataOption = None,
    trials: Annotated[
        int, typer.Option(min=1, help="Of the whole study, earlier calls included.")
    ] = 100,
    workers: Annotated[
        int, typer.Option(min=1, max=1_000, help="Processes; each trains with one thread.")
    ] = 1,
    out: Annotated[Path, typer.Option(help="Keeps the study; asked again, it goes on.")] = Path(
        "tuning"
    ),
    storage: Annotated[
        str | None,
        typer.Option(
            help="A PostgreSQL URL, for several machines; also as CTR_TUNE_STORAGE.",
            show_default=False,
        ),
    ] = None,
    settings: SettingsOption = None,
) -> None:
    """Search settings by trials in several processes; best.yaml then trains without edits."""
    from clickthrough.tuning.result import best_text
    from clickthrough.tuning.run import tune as run

    with progress():
        tuned = run(
            config,
            trials=trials,
            workers=workers,
            out=out,
            data=data,
            settings=settings or [],
            storage=storage,
        )
    for trial in tuned.front[:1]:
        for name, value in trial.params.items():
            say(f"{name}: {value}")
    found = best_text(tuned.study, tuned.space.metrics) or "no trial was completed"
    result(f"{found}, of {len(tuned.trials)} trials")
    for error in tuned.errors[:1]:
        result(f"{len(tuned.errors)} could not be run; the first: {error}")
    result(f"{', '.join(tuned.written)} in {out}")
    if tuned.best is not None:
        then(f"clickthrough train {quoted(out / 'best.yaml')}")
    else:
        then(f"look at {out / 'trials.csv'}: no trial was completed")
