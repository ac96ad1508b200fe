"""What verbs that train leave beside the bundle: the run, and its report."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clickthrough.runs.tracking import Tracked


def keep(out: Path, report: bool, listeners: "Tracked | None" = None) -> Path:
    """Keep the run whose bundle lies there, and write its report where that was asked for.

    Args:
        out: the bundle; ``runs`` lies beside it.
        report: whether its report is written.
        listeners: who is told of the run's end.

    Returns:
        The run's directory.
    """
    from clickthrough.bundle import load_bundle
    from clickthrough.runs.keep import RUNS, keep_run

    bundle = load_bundle(out)
    folder = keep_run(bundle, out.parent / RUNS)
    if report:
        from clickthrough.report.write import REPORT, write_report

        write_report(bundle, folder / REPORT)
    if listeners is not None:
        listeners.end(bundle, folder)
    return folder
