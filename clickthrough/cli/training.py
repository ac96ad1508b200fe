"""Verbs that train a model and measure it on its log."""

import json
import shlex
from pathlib import Path
from typing import Annotated, Literal

import typer

from clickthrough.cli.keeping import keep, runs_beside
from clickthrough.cli.options import (
    BundleArgument,
    ConfigArgument,
    DataOption,
    DiagramOption,
    SettingsOption,
    TruthOption,
)
from clickthrough.cli.output import (
    check_diagram,
    command_line,
    quoted,
    result,
    say,
    show,
    then,
    then_serve,
)
from clickthrough.cli.progress import progress, told
from clickthrough.cli.root import app
from clickthrough.config.training import CalibrationMethod
from clickthrough.steps import step


@app.command()
def train(  # noqa: PLR0913, PLR0917
    config: ConfigArgument,
    data: DataOption = None,
    out: Annotated[Path, typer.Option(help="Where the bundle goes.")] = Path("models"),
    baselines: Annotated[bool, typer.Option(help="Fit the baselines beside.")] = True,
    truth: TruthOption = None,
    start: Annotated[
        Path | None,
        typer.Option("--from", help="A bundle: go on from its weights, on the days after it."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where an interrupted run stopped.")
    ] = False,
    report: Annotated[
        bool, typer.Option("--report", help="Examine the model too, and write report.html.")
    ] = False,
    track: Annotated[
        list[str] | None, typer.Option(help="tensorboard or mlflow listens; again for both.")
    ] = None,
    settings: SettingsOption = None,
) -> None:
    """Train on a log, evaluate, and leave a bundle.

    In several processes: torchrun --nproc-per-node N -m clickthrough train ...
    """
    from clickthrough.config.load import load_config
    from clickthrough.training.distributed.join import joined, leave

    with joined() as leads:
        from clickthrough.runs.tracking import tracked
        from clickthrough.training.examining.examine import Keep
        from clickthrough.training.run import Begin
        from clickthrough.training.run import train as run

        loaded = load_config(config, data, settings or [])
        runs = runs_beside(out)  # a wrong place is found before the work
        listeners = tracked(track or [] if leads else [], loaded, runs)
        with progress(shown=leads, lines=True):
            asked = Keep(report, command_line(), config)
            whom = told(listeners.epoch)
            try:
                made = run(loaded, out, whom, baselines, truth, Begin(start, resume), asked)
            except BaseException:
                listeners.failed()
                raise
    if leads:
        show(made.metrics.get("test"))
        result(f"bundle {made.manifest.version} in {out}")
        keep(out, report, listeners)
        then_serve(out)
    leave()


@app.command()
def evaluate(  # noqa: PLR0913, PLR0917
    bundle: BundleArgument,
    data: DataOption = None,
    counters: Annotated[
        Literal["live", "frozen"],
        typer.Option(help="live: learning from events through the test; frozen: as bundled."),
    ] = "live",
    baselines: Annotated[bool, typer.Option(help="Fit the baselines beside.")] = True,
    truth: TruthOption = None,
    slices: Annotated[
        list[str] | None, typer.Option("--slice", help="A field, also by its values.")
    ] = None,
    reliability: Annotated[
        bool, typer.Option("--reliability", help="Show predictions beside click rates, in bins.")
    ] = False,
    diagram: DiagramOption = None,
    json_out: Annotated[
        Path | None, typer.Option("--json", help="Write the figures to this file.")
    ] = None,
) -> None:
    """Evaluate a bundle on the test part of its log, or on a whole log that comes after it."""
    from clickthrough.bundle import load_bundle
    from clickthrough.bundle.log import log_of
    from clickthrough.training.evaluating.evaluate import evaluate_bundle
    from clickthrough.whole_file import write_whole

    check_diagram(diagram)
    loaded = load_bundle(bundle)
    with progress():
        dataset = log_of(loaded, data)
        asked = (baselines, truth, slices or [])
        record = evaluate_bundle(loaded, dataset, counters, *asked)
    show(record, reliability, diagram)
    if json_out is not None:
        write_whole(json_out, json.dumps(record, indent=2) + "\n")
    other = "frozen" if counters == "live" else "live"
    again = shlex.join(
        [str(bundle), *(part for path in data or () for part in ("--data", str(path)))]
    )
    then(f"clickthrough evaluate {again} --counters {other} shows what events are worth")


@app.command()
def calibrate(
    bundle: BundleArgument,
    data: DataOption = None,
    out: Annotated[
        Path | None, typer.Option(help="Where the new bundle goes, instead of the old one's place.")
    ] = None,
    method: Annotated[
        CalibrationMethod | None, typer.Option(help="Instead of the bundle's calibration.method.")
    ] = None,
    by: Annotated[
        str | None, typer.Option(help="A field whose values get maps of their own.")
    ] = None,
) -> None:
    """Fit a bundle's calibrator anew to the validation part of a log; nothing else is trained.

    Of a log that comes after the bundle's, all rows are that part.
    """
    from clickthrough.bundle import load_bundle
    from clickthrough.bundle.log import how_counted, log_of
    from clickthrough.data.split import VALIDATION
    from clickthrough.training.recalibrate import asked_for, recalibrate

    loaded = load_bundle(bundle)
    wanted = asked_for(loaded, method, by)
    with progress():
        dataset = log_of(loaded, data, VALIDATION)
        made = recalibrate(loaded, dataset, wanted, out or bundle)
    result(f"calibration: {made.text}")
    for note in how_counted(loaded, dataset):
        say(note)
    if "test" in loaded.metrics:
        say("the bundle's evaluation was of its former calibration: 'evaluate' makes another")
    result(f"bundle {made.manifest.version} in {out or bundle}")
    then(f"clickthrough evaluate {quoted(out or bundle)} shows what it is worth now")


@app.command()
def replay(
    bundle: BundleArgument,
    data: DataOption = None,
    url: Annotated[
        str | None, typer.Option(help="A running service; without it, a predictor in process.")
    ] = None,
    requests: Annotated[int | None, typer.Option(min=1, help="Only so many.")] = None,
) -> None:
    """Push the test part through the live path; the figures must equal evaluate's.

    Of a log that comes after the bundle's, all of it.
    """
    from clickthrough.bundle import load_bundle
    from clickthrough.bundle.log import log_of
    from clickthrough.replay import InProcess, OverHttp
    from clickthrough.replay import replay as run
    from clickthrough.serving.garbage import loaded_for_good
    from clickthrough.serving.predictor import Predictor

    loaded = load_bundle(bundle)
    live = OverHttp(url) if url else InProcess(Predictor.load(bundle))
    with progress():
        dataset = log_of(loaded, data)
        with loaded_for_good(), step("replaying, and comparing with the batch side"):
            record = run(loaded, dataset, live, requests)
    show(record)
    result(f"largest difference of a probability: {record['largest_difference']:.1e}")
    then(f"clickthrough serve {quoted(bundle)} serves what was replayed")
