"""A selection for the terminal."""

from rich.table import Table
from rich.text import Text

from clickthrough.selection.run import Selection

_RETAINED = 0.998
_MOST = 30
"""Features of each kind that are listed; all are in importances.csv."""


def selection_table(made: Selection) -> Table:
    """Return a table of what stays and what goes, the most important first."""
    table = Table("feature", "worth, 1e-6 nats", "gain", "splits", "")
    for kept in (True, False):
        some = [one for one in made.decisions if one.kept == kept]
        for one in some[:_MOST]:
            worth = f"{1e6 * one.worth:,.1f} ± {1e6 * one.spread:,.1f}"
            said = f"goes: {one.why}" if not kept else "stays" if one.worth > 0 else one.why
            cells = (one.name, worth, f"{one.gain:.2%}", f"{one.splits:,.1f}", said)
            table.add_row(*map(Text, cells))
        if len(some) > _MOST:
            table.add_row(f"{len(some) - _MOST:,} more", "", "", "", "stay" if kept else "go")
    return table


def selection_text(made: Selection) -> str:
    """Return what stays in numbers."""
    curve = made.curve
    lost = curve.retained < _RETAINED
    few = (
        " What is lost are features that this log is too small to tell from noise." if lost else ""
    )
    return (
        f"{len(made.kept):,} of {len(made.decisions):,} features stay: {made.columns[1]:,} of "
        f"{made.columns[0]:,} inputs, {made.reads[1]:,} of {made.reads[0]:,} histories read. "
        f"Trees on the validation part: AUC {curve.whole.auc:.4f} with all, {curve.kept.auc:.4f} "
        f"with these ({curve.retained:.1%} of what is above one half); within requests "
        f"{curve.whole.request_auc:.4f} and {curve.kept.request_auc:.4f}.{few}"
    )
