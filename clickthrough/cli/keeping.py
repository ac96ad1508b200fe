"""What verbs that train leave beside the bundle: the run, and its report."""

from pathlib import Path


def keep(out: Path, report: bool) -> Path:
    """Keep the run whose bundle lies there, and write its report where that was asked for.

    Args:
        out: the bundle; ``runs`` lies beside it.
        report: whether its report is written.

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
    return folder
