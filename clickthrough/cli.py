"""The command line: one verb a part of the way."""

import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from clickthrough.config.serving import Serving
from clickthrough.errors import ClickthroughError

if TYPE_CHECKING:
    from clickthrough.bundle import Bundle
    from clickthrough.bundle.classic import Example
    from clickthrough.training.run import Told

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="From raw ad logs to a calibrated click probability behind an API, and back.",
)
_console = Console(width=None if sys.stdout.isatty() else 120)
_errors = Console(stderr=True, highlight=False)
_INTERRUPTED = 130
"""How a shell reports Ctrl-C: 128 and the number of the signal."""

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


def _settings_help() -> str:
    """Return a line a setting of the service."""
    return "Settings:\n\n" + "\n\n".join(
        f"{name} (default {one.get_default()}): {one.description}"
        for name, one in Serving.model_fields.items()
    )


def main() -> None:
    """Run the command line: a user's mistake is one message and exit code 2, Ctrl-C one and 130."""
    try:
        app()
    except SystemExit as ended:
        if ended.code == _INTERRUPTED:
            _errors.print("interrupted")
        raise
    except ClickthroughError as error:
        _errors.print(f"[bold red]error:[/] {_escape(str(error))}", soft_wrap=True)
        sys.exit(2)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("clickthrough"):
            raise
        _errors.print(
            f"[bold red]error:[/] this needs '{error.name}': "
            + _escape("pip install 'clickthrough[train]'"),
            soft_wrap=True,
        )
        sys.exit(2)


@app.command()
def init(  # noqa: PLR0913, PLR0917 (an option each)
    data: Annotated[Path, typer.Argument(help="A CSV or Parquet file, or a directory of some.")],
    out: Annotated[Path, typer.Option(help="The configuration to write.")] = Path("config.yaml"),
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    label: Annotated[str | None, typer.Option(help="The column of clicks.")] = None,
    label_at_least: Annotated[
        float | None, typer.Option(help="From where on a label is a click, where not 0 and 1.")
    ] = None,
    time: Annotated[str | None, typer.Option(help="The column of times.")] = None,
    request: Annotated[str | None, typer.Option(help="The column of request ids.")] = None,
    user: Annotated[str | None, typer.Option(help="The column of users.")] = None,
    item: Annotated[str | None, typer.Option(help="The column of items.")] = None,
) -> None:
    """Look at a log, and write a commented configuration to train with."""
    from clickthrough.init.roles import Named
    from clickthrough.init.run import init as run
    from clickthrough.init.show import column_table

    written = run(data, out, Named(label, time, request, user, item, label_at_least), force)
    _console.print(_escape(written.found), soft_wrap=True)
    if written.lines:
        _console.print(column_table(written.lines))
    for note in written.notes:
        _console.print(f"[yellow]note:[/] {_escape(note)}", soft_wrap=True)
    _console.print(f"wrote {written.config}; now: clickthrough train {written.config}")


@app.command()
def train(  # noqa: PLR0913, PLR0917
    config: Annotated[str, typer.Argument(help="A YAML file, or the name of a preset.")],
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
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="section.key=value: replaces the file's; again for more."),
    ] = None,
) -> None:
    """Train on a log, evaluate, and leave a bundle.

    In several processes: torchrun --nproc-per-node N -m clickthrough train ...
    """
    from clickthrough.config.load import load_config
    from clickthrough.training.distributed.join import joined, leave

    with joined() as leads:
        from clickthrough.training.run import Begin
        from clickthrough.training.run import train as run

        loaded = load_config(config, data, settings or [])
        with _progress(shown=leads) as progress:
            made = run(loaded, out, _told(progress), baselines, truth, Begin(start, resume))
    if leads:
        _show(made.metrics.get("test"))
        _console.print(f"bundle {made.manifest.version} in {out}")
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
    """Evaluate a bundle on the test part of its log."""
    from clickthrough.bundle import load_bundle
    from clickthrough.config.load import with_data
    from clickthrough.data.open import open_dataset
    from clickthrough.training.evaluate import evaluate_bundle
    from clickthrough.whole_file import write_whole

    _check_diagram(diagram)
    loaded = load_bundle(bundle)
    config = with_data(loaded.config, data)
    dataset = open_dataset(config.data)
    record = evaluate_bundle(loaded, dataset, counters, baselines, truth, slices or [])
    _show(record, reliability, diagram)
    if json_out is not None:
        write_whole(json_out, json.dumps(record, indent=2) + "\n")


@app.command()
def replay(
    bundle: BundleArgument,
    data: DataOption = None,
    url: Annotated[
        str | None, typer.Option(help="A running service; without it, a predictor in process.")
    ] = None,
    requests: Annotated[int | None, typer.Option(min=1, help="Only so many.")] = None,
) -> None:
    """Push the test part through the live path; the figures must equal evaluate's."""
    from clickthrough.bundle import load_bundle
    from clickthrough.config.load import with_data
    from clickthrough.data.open import open_dataset
    from clickthrough.replay import InProcess, OverHttp
    from clickthrough.replay import replay as run
    from clickthrough.serving.predictor import Predictor

    loaded = load_bundle(bundle)
    dataset = open_dataset(with_data(loaded.config, data).data)
    live = OverHttp(url) if url else InProcess(Predictor.load(bundle))
    with _progress() as progress:
        task = progress.add_task("replay")
        record = run(
            loaded,
            dataset,
            live,
            requests,
            lambda done, total: progress.update(task, completed=done, total=total),
        )
    _show(record)
    _console.print(f"largest difference of a probability: {record['largest_difference']:.1e}")


@app.command()
def predict(
    bundle: BundleArgument,
    source: Annotated[
        Path, typer.Argument(help="CSV, Parquet or JSON lines, an impression a row.")
    ],
    out: Annotated[
        Path, typer.Option(help=".csv, .jsonl (both also with .gz), .parquet, or - for CSV.")
    ] = Path("predictions.csv"),
    keep: Annotated[
        list[str] | None,
        typer.Option(help="A column of the file to write beside, * for all; again for more."),
    ] = None,
    store: Annotated[str, typer.Option(help="'memory', or an SQLite file.")] = "memory",
) -> None:
    """Score a file of impressions."""
    from clickthrough.scoring import score_file
    from clickthrough.serving.predictor import Predictor

    if not source.is_file():
        raise ClickthroughError(f"{source}: no such file")
    made = score_file(Predictor.load(bundle, store), source, out, keep or [])
    for note in made.notes:
        _errors.print(_escape(f"{source}: {note}"), soft_wrap=True)
    if str(out) != "-":
        _console.print(f"{made.rows:,} predictions in {out}")


@app.command(epilog=_settings_help())
def serve(
    bundle: Annotated[
        Path, typer.Argument(envvar="CTR_BUNDLE", help="The bundle's directory.")
    ] = Path("models"),
    host: str = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535)] = 8000,
    store: Annotated[
        str | None,
        typer.Option(
            envvar="CTR_STORE", help="'memory', or an SQLite file; by default beside the bundle."
        ),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="YAML with settings; by default what CTR_CONFIG names.")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="NAME=VALUE: a setting; again for more.")
    ] = None,
) -> None:
    """Serve a bundle over HTTP; http://HOST:PORT/docs describes the routes.

    Settings come from the bundle, a file, the environment (CTR_MAX_WAIT_MS, ...)
    and --set; of these the later one holds. GET /model shows them.
    """
    import uvicorn

    from clickthrough.serving.app import create_app
    from clickthrough.serving.connections import GuardedProtocol
    from clickthrough.serving.environment import Environment
    from clickthrough.serving.listening import listen
    from clickthrough.serving.settings import Overrides

    sockets = listen(host, port)
    made = create_app(bundle, store, overrides=Overrides.read(settings or [], config))
    _console.print(f"serving {bundle} on http://{host}:{port} (docs: /docs)")
    logged: dict[str, Any] = {"log_level": "warning"}
    if Environment.read().json_log:
        logged = {"log_config": None}  # the application has set up the logs
    with suppress(KeyboardInterrupt):
        uvicorn.Server(uvicorn.Config(made, http=GuardedProtocol, **logged)).run(sockets)


@app.command()
def inspect(bundle: BundleArgument, diagram: DiagramOption = None) -> None:
    """Show what a bundle holds: its inputs, its counters, its evaluation."""
    from clickthrough.bundle import load_bundle
    from clickthrough.inspection import bundle_tables

    _check_diagram(diagram)
    loaded = load_bundle(bundle)
    for table in bundle_tables(loaded):
        _console.print(table)
    _show(loaded.metrics.get("test"), diagram=diagram)


@app.command()
def export(
    bundle: BundleArgument,
    classic: Annotated[
        Path | None, typer.Option("--classic", help="A directory for .pth and .pkl files.")
    ] = None,
    data: DataOption = None,
    example: Annotated[
        bool, typer.Option(help="Write rows of the log's last part beside, as example.jsonl.")
    ] = True,
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier export.")] = False,
) -> None:
    """Write a bundle's model for other programs: plain torch, pickle and scikit-learn.

    Nothing of clickthrough reads these files back: a pickle can run code.

    The example is of the log's rows; where the log is not at hand, it is left out.
    """
    if classic is None:
        raise ClickthroughError("expected --classic DIR: where the .pth and .pkl files go")
    from clickthrough.bundle import load_bundle
    from clickthrough.bundle.classic import check_place, export_classic

    loaded = load_bundle(bundle)
    check_place(loaded, classic, force)
    rows = _log_example(loaded, data) if example else None
    export_classic(loaded, classic, rows, force)
    how = "python score.py" if rows else "python score.py ROWS.jsonl"
    _console.print(f"bundle {loaded.manifest.version} in {classic}; there: {how}")


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
        _console.print(table)


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
    _console.print(f"a log of {impressions:,} impressions in {out}; its truth in {out / 'truth'}")


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Where the log goes.")] = Path("demo"),
    bundle: Annotated[Path, typer.Option(help="Where the bundle goes.")] = Path("models"),
    impressions: Annotated[int, typer.Option(min=5_000, help="How many.")] = 300_000,
    serve_after: Annotated[bool, typer.Option("--serve/--no-serve")] = True,
    port: int = 8000,
) -> None:
    """Go the whole way on a simulated log: data, training, evaluation, service."""
    from clickthrough.demo import run_demo

    with _progress() as progress:
        record = run_demo(folder, bundle, impressions, _told(progress))
    _show(record)
    if serve_after:
        serve(bundle, port=port)


def _log_example(bundle: "Bundle", data: Path | None) -> "Example | None":
    """Return impressions of the bundle's log; none, and say why, where it is not at hand."""
    from clickthrough.config.load import with_data
    from clickthrough.data.open import open_dataset
    from clickthrough.training.sample import log_example

    try:
        return log_example(bundle, open_dataset(with_data(bundle.config, data).data))
    except ClickthroughError as error:
        if data is not None:
            raise
        _console.print(f"no example.jsonl (--data names the log): {_escape(str(error))}")
        return None


def _told(progress: Progress) -> "Told":
    """Report lines above a bar that shows the running epoch."""
    from clickthrough.training.run import Told

    task = progress.add_task("training", total=None, visible=False)

    def step(epoch: int, done: int, total: int) -> None:
        progress.update(
            task, description=f"epoch {epoch}", completed=done, total=total, visible=True
        )

    return Told(lambda line: progress.console.print(_escape(line)), step)


def _progress(shown: bool = True) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,} of {task.total:,}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=_console,
        transient=True,
        disable=not shown,
    )


def _show(
    record: dict[str, Any] | None, reliability: bool = False, diagram: Path | None = None
) -> None:
    if record is None:
        return
    from clickthrough.evaluation.tables import tables

    for table in tables(record, reliability):
        _console.print(table)
    if diagram is not None:
        from clickthrough.evaluation.diagram import draw_reliability

        draw_reliability(record, diagram)
        _console.print(f"reliability diagram in {diagram}")


def _check_diagram(path: Path | None) -> None:
    if path is not None:
        from clickthrough.evaluation.diagram import check_diagram

        check_diagram(path)


def _escape(text: str) -> str:
    return text.replace("[", r"\[")
