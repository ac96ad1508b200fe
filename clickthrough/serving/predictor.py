"""From raw fields to calibrated probabilities, in process."""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from clickthrough.bundle.load import Bundle, load_bundle
from clickthrough.config.serving import Runtime
from clickthrough.errors import RequestError
from clickthrough.features.encoding.lookup import IdEncoder
from clickthrough.features.history.online import Histories, online_histories
from clickthrough.features.history.ticks import tick_of
from clickthrough.features.rows import RawRow, RowParser, Rows, TextLimits, Value
from clickthrough.features.shown import shown
from clickthrough.serving.findings import Finder, Findings
from clickthrough.store import Store, open_store
from clickthrough.streaming.recorder import Receipt, Recorder


class Prediction(msgspec.Struct, frozen=True, gc=False):
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


@dataclass(frozen=True)
class Scores:
    """What the model says of rows: calibrated logits and probabilities, shape (n,)."""

    logits: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    found: Findings


_NOBODY: list[Value] = [None]
_TYPICAL = (1, 10, 100, 100)
"""Rows of a typical request: once more to see how long it takes when all is warm."""


class Predictor:
    """Scores impressions with a bundle, and learns from events. Safe to share among threads.

    >>> predictor = Predictor.load("models")  # doctest: +SKIP
    >>> predictor.rank({"user": 7}, [{"item": 1}, {"item": 2}]).predictions  # doctest: +SKIP

    Attributes:
        row_seconds: what a row of many takes; 0 until :meth:`warm_up` has tried.
    """

    def __init__(self, bundle: Bundle, store: Store) -> None:
        self.bundle = bundle
        self.store = store
        plan, schema = bundle.plan, bundle.schema
        serving = bundle.config.serving
        limits = TextLimits(serving.max_id_bytes, serving.max_text_bytes)
        fields = [*plan.fields, *({"item"} & set(schema.fields))]
        self._parser = RowParser(schema, fields, limits)
        self._tick_seconds = plan.counters.tick
        self._arrays, self._lengths = plan.array_fields, plan.list_lengths
        histories = online_histories(plan, schema, bundle.snapshots)
        self._histories = Histories(histories)
        self._ids = IdEncoder(bundle.encoder, schema)
        self._finder = Finder(bundle)
        self.row_seconds = 0.0
        self._recorder = Recorder(self._parser, histories, store, serving)

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
            store: ``memory`` (events are forgotten with the process) or an SQLite file.
            runtime: what computes the model's graph; by default what the bundle says.

        Raises:
            BundleError: the bundle cannot be used.
            StoreError: the store cannot be used.
        """
        loaded = load_bundle(bundle, runtime)
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
        (scored,) = self.predict_each([impressions])
        if isinstance(scored, RequestError):
            raise scored
        return scored

    def predict_each(self, bodies: Sequence[Sequence[RawRow]]) -> list[Scored | RequestError]:
        """Score the impressions of several callers at once: :meth:`predict` for each.

        Returns:
            The answer to each caller, or what is wrong with its impressions.
        """
        now = time.time_ns() // 1_000
        faults: dict[int, RequestError] = {}
        whole = [place for place, rows in enumerate(bodies) if len(rows)]
        try:
            made = self._predict([bodies[place] for place in whole], now)
        except RequestError as error:
            faults = {whole[0]: error} if len(whole) == 1 else self._faults(bodies, now)
            whole = [place for place in whole if place not in faults]
            made = self._predict([bodies[place] for place in whole], now)
        answers: list[Scored | RequestError] = [
            faults.get(place, Scored([], [])) for place in range(len(bodies))
        ]
        for place, scored in zip(whole, made, strict=True):
            answers[place] = scored
        return answers

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
        if not candidates:
            return Ranking(request_id, [], [], [])
        now = time.time_ns() // 1_000
        rows = self._parser.parse_request(context, candidates, request_id, now)
        scores = self._score(rows)
        logits = scores.logits
        if not isinstance(rows.row_of, range):  # repeats rank as the row that stands for them
            logits = logits[np.array(rows.row_of)]
        order = (-logits).argsort(kind="stable")[:top].tolist()
        whole = self._answer(rows, scores)
        return Ranking(request_id, order, [whole[place] for place in order], rows.ignored[0])

    def observe(self, events: Sequence[RawRow]) -> Receipt:
        """Count impressions shown and clicked; see :class:`Recorder`."""
        return self._recorder.record(events)

    def succeeded_by(self, bundle: Bundle) -> Self:
        """Return a predictor of another bundle, whose counters are alike, over the same store."""
        made = type(self)(bundle, self.store)
        made._recorder.go_on_from(self._recorder)
        return made

    def warm_up(self) -> None:
        """Score as the first callers will, so that none of them waits."""
        for rows in _TYPICAL:
            self.predict([{}] * rows)
            began = time.perf_counter()
            self.rank({}, [{}] * rows)
            self.row_seconds = (time.perf_counter() - began) / rows

    def close(self) -> None:
        """Close the store."""
        self.store.close()

    def _score(self, rows: Rows) -> Scores:
        """Score rows: fields, history, model, calibration."""
        bundle = self.bundle
        columns = rows.columns(bundle.schema, self._lengths, self._arrays)
        ticks = tick_of(rows.time, self._tick_seconds)
        columns |= self._histories.read(self.store, rows.values, ticks)
        ids = self._ids.encode(rows.values, columns, len(rows))
        encoded = bundle.encoder.encode(columns, rows.offsets, ids)
        logits = bundle.calibrator.logit(bundle.model.logits(encoded), encoded.ids)
        found = self._finder.find(rows.values, columns, encoded)
        return Scores(logits, bundle.calibrator.probability_of(logits), found)

    def _predict(self, bodies: Sequence[Sequence[RawRow]], now: int) -> list[Scored]:
        """Score sound bodies, none of them empty."""
        if not bodies:
            return []
        rows = self._parser.parse_each(bodies, now)
        made = iter(self._answer(rows, self._score(rows)))
        return [
            Scored(list(islice(made, len(body))), ignored)
            for body, ignored in zip(bodies, rows.ignored, strict=True)
        ]

    def _faults(self, bodies: Sequence[Sequence[RawRow]], now: int) -> dict[int, RequestError]:
        """Return what is wrong with bodies, by their place."""
        faults: dict[int, RequestError] = {}
        for place, body in enumerate(bodies):
            try:
                self._parser.parse(body, now)
            except RequestError as error:
                faults[place] = error
        return faults

    def _answer(self, rows: Rows, scores: Scores) -> list[Prediction]:
        """Return the answer at each of the caller's places, repeats included."""
        items: Sequence[Value] = rows.values.get("item", _NOBODY)
        answers = zip(
            rows.request_ids,
            items if len(items) == len(rows) else [*items] * len(rows),
            scores.probabilities.tolist(),
            scores.logits.tolist(),
            scores.found.missing,
            scores.found.unseen,
            strict=True,
        )
        made = [Prediction(*answer) for answer in answers]
        if isinstance(rows.row_of, range):
            return made
        return [made[row] for row in rows.row_of]

    def _request_id(self, context: RawRow) -> str:
        """Return the request's id, a new one where the caller gives none."""
        if not isinstance(context, Mapping):
            raise RequestError(f"context: expected an object of raw fields, found {shown(context)}")
        (named,) = self._parser.rename([context])
        return self._parser.request_id(named, "context") or os.urandom(16).hex()
