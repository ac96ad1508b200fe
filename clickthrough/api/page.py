"""What a notebook shows of a model: what was guessed, the leaderboard, the verdict, reliability."""

from collections.abc import Iterator
from typing import Any

from clickthrough.api.board import board_columns
from clickthrough.bundle.load import Bundle
from clickthrough.init.run import Looked
from clickthrough.report import quality
from clickthrough.report.notebook import shown
from clickthrough.report.page import verdicts_of
from clickthrough.report.parts import Figure, Section, Table

_BOARD = ("log_loss", "auc", "request_auc", "calibration_ratio")


def view(bundle: Bundle, looked: Looked | None) -> str:
    """Return a model's page for a notebook.

    Args:
        bundle: the model.
        looked: what was guessed of its log, where anything was.
    """
    metrics = bundle.metrics
    text = [one.sentence for one in verdicts_of(metrics)]
    figures = [*_guesses(looked), *_board(metrics), *_reliability(metrics)]
    title = f"{bundle.config.model.name}, bundle {bundle.manifest.version}"
    return shown(Section("model", title, text, figures)).html


def _guesses(looked: Looked | None) -> Iterator[Figure]:
    if looked is None or not looked.lines:
        return
    head = ("column", "type", "distinct", "becomes", "why")
    rows = [(o.column, o.type, o.distinct, o.becomes, o.why) for o in looked.lines]
    text = " ".join(f"Note: {note}." for note in looked.notes)
    table = Table(head, rows, texts=True)
    yield Figure(f"What was guessed: {looked.found}", text=text, table=table, open=True, wide=True)


def _board(metrics: dict[str, Any]) -> Iterator[Figure]:
    if "board" not in metrics:
        return
    columns = board_columns(metrics)
    first = next(name for name in columns if name.startswith("validation_"))
    wanted = [first, *(f"{part}_{m}" for part in ("validation", "test") for m in _BOARD)]
    names = [name for name in dict.fromkeys(wanted) if name in columns]
    rows = [
        (f"{name} (kept)" if kept else name, *(_figure(columns[m][row]) for m in names))
        for row, (name, kept) in enumerate(zip(columns["name"], columns["kept"], strict=True))
    ]
    head = ("", *(name.replace("_", " ") for name in names))
    yield Figure("Leaderboard", table=Table(head, rows), open=True, wide=True)


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _reliability(metrics: dict[str, Any]) -> Iterator[Figure]:
    found = quality.reliability(metrics["test"]) if "test" in metrics else None
    if found is not None:
        yield from found.figures
