"""The whole way in process: a scorer, a store, and the recorder that counts events into it."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from numpy.typing import NDArray

from clickthrough.bundle.graph import extremes
from clickthrough.bundle.load import Bundle, load_bundle
from clickthrough.config.serving import Runtime, Serving
from clickthrough.errors import RequestError
from clickthrough.features.rows import RawRow, RowColumns
from clickthrough.schema import to_microseconds
from clickthrough.serving.contract import Prediction
from clickthrough.serving.given import Given, rows_of
from clickthrough.serving.nesting import Nesting
from clickthrough.serving.scorer import Ranking, Scored, Scorer, Scores
from clickthrough.store import Store, open_store
from clickthrough.streaming.recorder import Receipt, Recorder, Source

__all__ = ["Prediction", "Predictor", "Ranking", "Scored", "Scores"]

_TYPICAL = (1, 10, 100, 100)
"""Rows of a typical request: once more when all is warm."""
_TRIES = 4


class Predictor:
    """Scores impressions with a bundle, and learns from events. Safe to share among threads.

    >>> predictor = Predictor.load("models")  # doctest: +SKIP
    >>> predictor.rank({"user": 7}, [{"item": 1}, {"item": 2}]).predictions  # doctest: +SKIP

    A block closes its store: ``with Predictor.load("models") as predictor: ...``.

    Args:
        bundle: what scores.
        store: where the states of counters are.
        settings: how events are attributed and kept; by default what the bundle says.

    Attributes:
        row_seconds: what a row of many takes; 0 until :meth:`warm_up` has tried.
        explained_seconds: what the reasons of an answer take; likewise.
    """

    def __init__(self, bundle: Bundle, store: Store, settings: Serving | None = None) -> None:
        self.bundle = bundle
        self.store = store
        self.settings = settings or bundle.config.serving
        self.row_seconds = self.explained_seconds = 0.0
        self.scorer = Scorer(bundle, self.settings)
        until = to_microseconds(datetime.fromisoformat(bundle.manifest.counters_until))
        source = Source(self.scorer.parser, self.scorer.histories, until)
        self.recorder = Recorder([source], store, self.settings)

    @classmethod
    def load(
        cls,
        bundle: str | Path,
        store: str | Path = "memory",
        runtime: Runtime | None = None,
    ) -> Self:
        """Verify and load a bundle, and open a store.

        Args:
            bundle: its directory.
            store: ``memory`` (events are forgotten with the process), an SQLite file, or
                ``redis://HOST``.
            runtime: what computes the model's graph; by default what the bundle says.

        Raises:
            BundleError: the bundle cannot be used.
            StoreError: the store cannot be used.
        """
        loaded = load_bundle(bundle, runtime)
        return cls(loaded, open_store(store))

    def predict(self, impressions: Given, explain: int | None = None) -> Scored:
        """Score impressions; those that share a ``request_id`` are one request.

        Args:
            impressions: raw fields by the log's column names (or ``user``, ``item``, ...): one
                impression as a dictionary, several, or a frame of pandas, Polars or Arrow. Values
                may be numpy's and pandas', moments of Python.
            explain: how many reasons each answer gets; by default none.

        Returns:
            Predictions in the order given.

        Raises:
            RequestError: an impression is malformed: names its row and field; or there are more
                than are explained (``serving.max_explained``).
        """
        rows = rows_of(impressions)
        if explain is not None:
            return self.scorer.explained(self.store, rows, explain)
        (scored,) = self.predict_each([rows])
        if isinstance(scored, RequestError):
            raise scored
        return scored

    def encode(self, impressions: Given) -> dict[str, NDArray[Any]]:
        """Return what the bundle's ONNX graph takes, to have it computed somewhere else.

        The arrays are those that :meth:`predict` gives the graph. Its ``logit`` for them, put
        through the bundle's ``calibrator.logit`` with ``ids``, is the logit that ``predict``
        answers, to the last bit where the same runtime computes it.

        Args:
            impressions: as :meth:`predict` takes them.

        Returns:
            By the names of the graph's inputs, a row for each impression in the order given:
            ``ids`` int32, shape (n, id columns); ``numeric`` float32, shape (n, numeric inputs);
            ``bag_ids`` int32 and ``bag_weights`` float32, shape (n, lengths of all bags). The graph
            leaves out an input that the model does not use.

        Raises:
            RequestError: an impression is malformed: names its row and field.
        """
        return self.scorer.encode(self.store, rows_of(impressions)).arrays()

    def score(self, said: RowColumns) -> Scores:
        """Score many impressions of a file at once, of which nothing more is told.

        Args:
            said: what the rows say, by columns.

        Raises:
            RequestError: a field is malformed.
        """
        return self.scorer.score(self.store, said)

    def predict_each(self, bodies: Sequence[Sequence[RawRow]]) -> list[Scored | RequestError]:
        """Score the impressions of several callers at once: :meth:`predict` for each."""
        return self.scorer.predict_each(self.store, bodies)

    def rank(
        self,
        context: RawRow,
        candidates: Given,
        top: int | None = None,
        explain: int | None = None,
    ) -> Ranking:
        """Rank the candidates of one request, best first.

        Args:
            context: raw fields of the request: user, time, page, ...
            candidates: raw fields of each candidate, as dictionaries or a frame.
            top: how many to return; all by default.
            explain: how many reasons the first answers get (``serving.max_explained`` of them),
                each also against the candidate ranked next; by default none.

        Raises:
            RequestError: a field is malformed.
        """
        return self.scorer.rank(self.store, context, rows_of(candidates), top, explain)

    def observe(self, events: Given) -> Receipt:
        """Count impressions shown and clicked; see :class:`Recorder`."""
        return self.recorder.record(rows_of(events))

    def observe_each(
        self, bodies: Sequence[Sequence[RawRow]], breathe: Callable[[], None]
    ) -> list[Receipt | RequestError]:
        """Count the events of several callers at once; see :meth:`Recorder.record_each`."""
        return self.recorder.record_each(bodies, breathe)

    @property
    def nesting(self) -> Nesting | None:
        """What makes bodies flat, where the bundle knows fields of nested objects."""
        return self.scorer.nesting

    @property
    def is_remote(self) -> bool:
        """Whether scoring waits for a network: not to be done where others wait for it."""
        return self.store.remote

    @property
    def is_soon(self) -> bool:
        """Whether a few events are soon counted: the store neither waits nor is to be tidied."""
        return not (self.store.waits or self.recorder.is_due)

    def succeeded_by(self, bundle: Bundle, settings: Serving) -> Self:
        """Return a predictor of another bundle over the same store."""
        made = type(self)(bundle, self.store, settings)
        made.recorder.go_on_from(self.recorder)
        return made

    def warm_up(self) -> None:
        """Score as the first callers will, so that none of them waits."""
        for rows in _TYPICAL:
            self.predict([{}] * rows)
            began = time.perf_counter()
            self.rank({}, [{}] * rows)
            self.row_seconds = (time.perf_counter() - began) / rows
        self.explained_seconds = self._explaining()

    def _explaining(self) -> float:
        """Return what the reasons of an answer take: the least of several tries, beside others."""
        self.scorer.explainer.warm_up()
        row = extremes(self.bundle.encoder)[1:]  # differs from what is typical in everything
        took = []
        for _ in range(_TRIES):
            began = time.perf_counter()
            self.scorer.explainer.explain(row, 1)
            took.append(time.perf_counter() - began)
        return min(took)

    def close(self) -> None:
        """Close the store."""
        self.store.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()
