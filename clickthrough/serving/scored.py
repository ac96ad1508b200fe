"""What scoring gives: predictions of a body, a ranking, the numbers of a file."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from clickthrough.features.values import Value
from clickthrough.serving.contract import Prediction

_COLUMNS = ("request_id", "item", "probability", "logit", "missing", "unseen")


class Answers:
    """Answers of a model, which data frames take as columns."""

    predictions: list[Prediction]

    def columns(self) -> dict[str, list[Any]]:
        """Return the answers by columns, a row an answer, in their order.

        ``request_id``, ``item``, ``probability``, ``logit``, and the lists ``missing`` and
        ``unseen``: ``pandas.DataFrame(scored.columns())`` is a frame of them, and so is that of
        Polars.
        """
        return {name: [getattr(one, name) for one in self.predictions] for name in _COLUMNS}


@dataclass(frozen=True)
class Scored(Answers):
    """The answer for a body of impressions, in its order.

    Attributes:
        ignored: fields that were sent and mean nothing to the model.
        frozen: whether the store did not answer in time, and counters are those of the bundle.
    """

    predictions: list[Prediction]
    ignored: list[str]
    frozen: bool = False


@dataclass(frozen=True)
class Ranking(Answers):
    """Candidates of one request, best first.

    Attributes:
        request_id: the caller's, or a new one: events name it.
        order: the caller's position of each candidate.
        predictions: in the same order.
        frozen: see :class:`Scored`.
    """

    request_id: str
    order: list[int]
    predictions: list[Prediction]
    ignored: list[str]
    frozen: bool = False


@dataclass(frozen=True)
class Scores:
    """What is predicted of many impressions, in their order, a list each."""

    request_id: Sequence[str | None]
    item: Sequence[Value]
    probability: Sequence[float]
    logit: Sequence[float]

    def of(self, rows: Sequence[int]) -> "Scores":
        """Return those of some rows, which may repeat."""
        return Scores(
            [self.request_id[row] for row in rows],
            [self.item[row] for row in rows],
            [self.probability[row] for row in rows],
            [self.logit[row] for row in rows],
        )
