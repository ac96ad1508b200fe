"""From raw fields to calibrated probabilities, in process."""

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from clickthrough.bundle.load import Bundle, load_bundle
from clickthrough.errors import RequestError
from clickthrough.features.history.online import online_histories
from clickthrough.features.history.ticks import tick_of
from clickthrough.features.rows import RawRow, RowParser, Rows, Value
from clickthrough.schema import Columns
from clickthrough.serving.findings import find
from clickthrough.store import Store, open_store
from clickthrough.streaming.recorder import Receipt, Recorder


@dataclass(frozen=True)
class Prediction:
    """The answer for one impression.

    Attributes:
        probability: calibrated click probability, strictly between 0 and 1.
        logit: of that probability, before rounding: what ranking uses.
        missing: fields that were absent or null.
        unseen: fields whose value the model or its counters have not met.
    """

    request_id: str | None
    item: Value
    probability: float
    logit: float
    missing: list[str]
    unseen: list[str]


@dataclass(frozen=True)
class Scored:
    """The answer for a body of impressions, in its order.

    Attributes:
        ignored: fields that were sent and mean nothing to the model.
    """

    predictions: list[Prediction]
    ignored: list[str]


@dataclass(frozen=True)
class Ranking:
    """Candidates of one request, best first.

    Attributes:
        request_id: the caller's, or a new one: events name it.
        order: the caller's position of each candidate.
        predictions: in the same order.
    """

    request_id: str
    order: list[int]
    predictions: list[Prediction]
    ignored: list[str]


class Predictor:
    """Scores impressions with a bundle, and learns from events. Safe to share among threads.

    >>> predictor = Predictor.load("models")  # doctest: +SKIP
    >>> predictor.rank({"user": 7}, [{"item": 1}, {"item": 2}]).predictions  # doctest: +SKIP
    """

    def __init__(self, bundle: Bundle, store: Store) -> None:
        self.bundle = bundle
        self.store = store
        plan, schema = bundle.plan, bundle.schema
        self._parser = RowParser(schema, [*plan.fields, *({"item"} & set(schema.fields))])
        self._tick_seconds = plan.counters.tick
        self._histories = online_histories(plan, schema, bundle.snapshots)
        self._recorder = Recorder(self._parser, self._histories, store, bundle.config.serving)

    @classmethod
    def load(cls, bundle: str | Path, store: str | Path = "memory") -> Self:
        """Verify and load a bundle, and open a store.

        Args:
            bundle: its directory.
            store: ``memory`` (events are forgotten with the process) or an SQLite file.

        Raises:
            BundleError: the bundle cannot be used.
            StoreError: the store cannot be used.
        """
        loaded = load_bundle(bundle)
        return cls(loaded, open_store(store, loaded.manifest.counters))

    def predict(self, impressions: Sequence[RawRow]) -> Scored:
        """Score impressions; those that share a ``request_id`` are one request.

        Args:
            impressions: raw fields by the log's column names (or ``user``, ``item``, ...).

        Returns:
            Predictions in the order given.

        Raises:
            RequestError: an impression is malformed: names its row and field.
        """
        if not impressions:
            return Scored([], [])
        rows = self._parser.parse(impressions, time.time_ns() // 1_000)
        return self._answer(rows, impressions)

    def rank(
        self, context: RawRow, candidates: Sequence[RawRow], top: int | None = None
    ) -> Ranking:
        """Rank the candidates of one request, best first.

        Args:
            context: raw fields of the request: user, time, page, ...
            candidates: raw fields of each candidate.
            top: how many to return; all by default.

        Raises:
            RequestError: a field is malformed.
        """
        request_id = self._request_id(context)
        rows = [self._candidate(context, row, request_id, i) for i, row in enumerate(candidates)]
        scored = self.predict(rows)
        order = sorted(range(len(rows)), key=lambda i: -scored.predictions[i].logit)
        chosen = order if top is None else order[:top]
        return Ranking(request_id, chosen, [scored.predictions[i] for i in chosen], scored.ignored)

    def observe(self, events: Sequence[RawRow]) -> Receipt:
        """Count impressions shown and clicked; see :class:`Recorder`."""
        return self._recorder.record(events)

    def warm_up(self) -> None:
        """Score once with every field missing, so that the first caller does not wait."""
        self.predict([{}])

    def close(self) -> None:
        """Close the store."""
        self.store.close()

    def _answer(self, rows: Rows, raw: Sequence[RawRow]) -> Scored:
        columns = self._columns(rows)
        encoded = self.bundle.encoder.encode(columns, rows.offsets)
        logits = self.bundle.calibrator.logit(self.bundle.model.logits(encoded), encoded.ids)
        probabilities = self.bundle.calibrator.probability_of(logits)
        found = find(self.bundle, rows, columns, encoded)
        made: list[Prediction | None] = [None] * len(rows)
        items = rows.values.get("item", [None] * len(rows))
        for i, place in enumerate(rows.order):
            made[place] = Prediction(
                rows.request_ids[i],
                items[i],
                float(probabilities[i]),
                float(logits[i]),
                found.missing[i],
                found.unseen[i],
            )
        return Scored([prediction for prediction in made if prediction], rows.ignored)

    def _columns(self, rows: Rows) -> Columns:
        """Return fields and history columns of rows."""
        columns = rows.columns(self.bundle.schema, self.bundle.plan.list_lengths)
        ticks = tick_of(rows.time, self._tick_seconds)
        for history in self._histories:
            columns.update(history.read(self.store, rows.values, ticks))
        return columns

    def _request_id(self, context: RawRow) -> str:
        """Return the request's id, a new one where the caller gives none."""
        if not isinstance(context, Mapping):
            raise RequestError(f"context: expected an object of raw fields, found {context!r}")
        named, _ = self._parser.rename([context])
        return self._parser.request_id(named[0], 0) or uuid.uuid4().hex

    def _candidate(
        self, context: RawRow, candidate: RawRow, request_id: str, place: int
    ) -> dict[str, object]:
        """Return a candidate's raw fields joined with those of its request."""
        if not isinstance(candidate, Mapping):
            raise RequestError(
                f"candidate {place}: expected an object of raw fields, found {candidate!r}"
            )
        row = {**context, **candidate}
        row.pop(self.bundle.schema.input_name("request_id"), None)
        return {**row, "request_id": request_id}
