"""The reasons of answers to a request that a log holds, as the service would give them."""

from collections.abc import Iterator

import polars as pl
from rich.table import Table

from clickthrough.bundle.load import Bundle
from clickthrough.data.caller import raw_rows
from clickthrough.data.dataset import Dataset
from clickthrough.errors import DataError
from clickthrough.explain.answer import Explanation, Reason
from clickthrough.serving.contract import Prediction
from clickthrough.serving.predictor import Predictor
from clickthrough.serving.scored import Ranking
from clickthrough.store import open_store


def explain_request(
    bundle: Bundle, dataset: Dataset, request_id: str, reasons: int, top: int | None = None
) -> Ranking:
    """Rank the candidates of a request of a log, with reasons, by the bundle's own counters.

    Args:
        bundle: what answers.
        dataset: the log.
        request_id: as the log has it.
        reasons: how many each answer gets.
        top: how many answers; all by default.

    Raises:
        DataError: the log has no such request.
    """
    named = pl.col("request_id").cast(pl.String) == request_id
    rows = dataset.impressions().filter(named).collect()
    if rows.is_empty():
        raise DataError(
            f"{dataset.name}: has no request '{request_id}' "
            f"(column '{dataset.schema.input_name('request_id')}')"
        )
    candidates = [*raw_rows(rows, dataset.schema)]
    request = {"request_id": candidates[0].pop("request_id")}
    for other in candidates[1:]:
        other.pop("request_id")
    all_of_them = {"max_explained": len(candidates), "max_impressions": len(candidates)}
    settings = bundle.config.serving.model_copy(update=all_of_them)
    predictor = Predictor(bundle, open_store("memory"), settings)
    try:
        return predictor.rank(request, candidates, top, explain=reasons)
    finally:
        predictor.close()


def reason_tables(ranking: Ranking) -> Iterator[Table]:
    """Return a table for each explained answer, and one against the candidate ranked next."""
    for place, prediction in enumerate(ranking.predictions, 1):
        why = prediction.explanation
        if not isinstance(why, Explanation):
            return
        yield _table(f"place {place}: {_of(prediction)}, {prediction.probability:.4f}", why)
        if isinstance(why.runner_up, Explanation):
            yield _table(f"place {place} above place {place + 1}", why.runner_up)


def _of(prediction: Prediction) -> str:
    return "no item" if prediction.item is None else f"item {prediction.item}"


def _table(title: str, why: Explanation) -> Table:
    table = Table(title=title, title_justify="left", width=_WIDTH)
    table.add_column("why", ratio=1)
    for heading in ("share\n(logit)", "without\nit", "comes\nfrom", "user can\nchange it"):
        table.add_column(heading, justify="right")
    table.add_row(f"[dim]{why.against}[/]", f"{why.baseline_logit:.3f}", "", "", "")
    for reason in why.reasons:
        table.add_row(*_cells(reason))
    table.add_row("[dim]all others[/]", f"{why.others:+.3f}", "", "", "")
    return table


_WIDTH = 80


def _cells(reason: Reason) -> tuple[str, ...]:
    changeable = "yes" if reason.changeable else "no"
    share, without = f"{reason.logit:+.3f}", f"{reason.without:.4f}"
    return reason.words.replace("[", r"\["), share, without, reason.source, changeable
