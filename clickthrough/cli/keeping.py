"""What verbs that train leave beside the bundle: the run, and its report."""

from pathlib import Path
from typing import TYPE_CHECKING

from clickthrough.cli.output import say, warn
from clickthrough.errors import ClickthroughError

if TYPE_CHECKING:
    from clickthrough.runs.tracking import Tracked


def runs_beside(out: Path) -> Path:
    """Return where the runs of a bundle are kept.

    Raises:
        ClickthroughError: they could not be kept there.
    """
    from clickthrough.runs.keep import RUNS

    whole = out.resolve()
    folder = whole.parent / RUNS
    if whole == folder:
        raise ClickthroughError(f"{out}: runs are kept there; name another place for the bundle")
    if folder.exists() and not folder.is_dir():
        raise ClickthroughError(f"{folder}: is a file; runs are kept in a directory of that name")
    return out.parent / RUNS if out.name else folder


def keep(out: Path, report: bool, listeners: "Tracked | None" = None) -> None:
    """Keep the run whose bundle lies there, and write its report where that was asked for.

    The bundle is whole, whatever happens here: what cannot be kept is a warning.

    Args:
        out: the bundle.
        report: whether its report is written.
        listeners: who is told of the run's end.
    """
    from clickthrough.bundle import load_bundle
    from clickthrough.runs.keep import keep_run

    bundle = load_bundle(out)
    try:
        folder = keep_run(bundle, runs_beside(out))
        say(f"the run is kept in {folder}")
        if report:
            from clickthrough.report.write import REPORT, write_report

            write_report(bundle, folder / REPORT)
    except ClickthroughError as error:
        warn(f"the bundle is in {out}, but not all of its run is kept: {error}")
        return
    if listeners is not None:
        listeners.end(bundle, folder)
