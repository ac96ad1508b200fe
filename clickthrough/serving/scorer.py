"""From raw fields to calibrated probabilities: a bundle, and nothing that changes."""

import os
import time
from collections.abc import Mapping, Sequence
from itertools import islice

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from clickthrough.bundle.load import Bundle
from clickthrough.config.serving import Serving
from clickthrough.errors import BundleError, RequestError
from clickthrough.explain.explainer import Explainer
from clickthrough.features.encoding.encoder import Encoded
from clickthrough.features.encoding.lookup import IdEncoder
from clickthrough.features.history.online import Histories, online_histories
from clickthrough.features.history.ticks import tick_of
from clickthrough.features.rows import RawRow, RowColumns, RowParser, Rows, TextLimits, Value
from clickthrough.features.shown import shown
from clickthrough.schema import Columns
from clickthrough.serving.contract import Prediction
from clickthrough.serving.findings import Finder
from clickthrough.serving.nesting import Nesting
from clickthrough.serving.scored import Ranking, Scored, Scores
from clickthrough.store.base import Layered, Reader

__all__ = ["Ranking", "Scored", "Scorer", "Scores"]

_NOBODY: list[Value] = [None]


class Scorer:
    """Scores impressions with a bundle, over whatever store. Safe to share among threads.

    Args:
        bundle: what scores.
        settings: how long ids and texts may be; by default what the bundle says.

    Attributes:
        parser: reads the raw fields that the bundle knows.
        histories: what the bundle reads of the past.
        explainer: finds the reasons of its answers.
        nesting: makes bodies flat, where the bundle knows fields of nested objects.
    """

    def __init__(self, bundle: Bundle, settings: Serving | None = None) -> None:
        self.bundle = bundle
        plan, schema, serving = bundle.plan, bundle.schema, settings or bundle.config.serving
        limits = TextLimits(serving.max_id_bytes, serving.max_text_bytes)
        fields = [*plan.fields, *({"item"} & set(schema.fields))]
        self.nesting = Nesting.of(schema.aliases())
        self.parser = RowParser(schema, fields, limits, serving.strict_time, bundle.sides)
        self.histories = online_histories(plan, schema, bundle.snapshots)
        self._tick_seconds = plan.counters.tick
        self._arrays, self._lengths = plan.array_fields, plan.list_lengths
        self._histories = Histories(self.histories)
        self._ids = IdEncoder(bundle.encoder, schema)
        self._finder = Finder(bundle)
        self.explainer = Explainer.of(bundle)
        self._most_explained = serving.max_explained

    @property
    def version(self) -> str:
        """The version of the bundle."""
        return self.bundle.manifest.version

    def predict_each(
        self, store: Reader, bodies: Sequence[Sequence[RawRow]]
    ) -> list[Scored | RequestError]:
        """Score the impressions of several callers at once, each as if alone.

        Args:
            store: where the states of counters are.
            bodies: of each caller raw fields of impressions; those that share a ``request_id``
                are one request.

        Returns:
            The answer to each caller, or what is wrong with its impressions.
        """
        now = time.time_ns() // 1_000
        faults: dict[int, RequestError] = {}
        whole = [place for place, rows in enumerate(bodies) if len(rows)]
        try:
            made = self._predict(store, [bodies[place] for place in whole], now)
        except RequestError as error:
            faults = {whole[0]: error} if len(whole) == 1 else self._faults(bodies, now)
            whole = [place for place in whole if place not in faults]
            made = self._predict(store, [bodies[place] for place in whole], now)
        answers: list[Scored | RequestError] = [
            faults.get(place, Scored([], [])) for place in range(len(bodies))
        ]
        for place, scored in zip(whole, made, strict=True):
            answers[place] = scored
        return answers

    def explained(self, store: Reader, impressions: Sequence[RawRow], reasons: int) -> Scored:
        """Score the impressions of a caller, each with its strongest reasons.

        Raises:
            RequestError: a field is malformed, or there are more than are explained.
        """
        if len(impressions) > self._most_explained:
            raise RequestError(
                f"{len(impressions)} impressions to explain: at most {self._most_explained} "
                "(serving.max_explained)"
            )
        if not impressions:
            return Scored([], [])
        rows = self.parser.parse_each([impressions], time.time_ns() // 1_000)
        layered = Layered(store)
        made, encoded = self._score(layered, rows)
        why = self.explainer.explain(encoded, reasons)
        told = [replace(p, explanation=why[r]) for p, r in zip(made, rows.row_of, strict=True)]
        return Scored(told, rows.ignored[0], layered.frozen)

    def rank(
        self,
        store: Reader,
        context: RawRow,
        candidates: Sequence[RawRow],
        top: int | None,
        explain: int | None = None,
    ) -> Ranking:
        """Rank the candidates of one request, best first; see :meth:`Predictor.rank`.

        Raises:
            RequestError: a field is malformed.
        """
        request_id = self._request_id(context)
        if not candidates:
            return Ranking(request_id, [], [], [])
        now = time.time_ns() // 1_000
        rows = self.parser.parse_request(context, candidates, request_id, now)
        layered = Layered(store)
        whole, encoded = self._score(layered, rows)
        logits = np.array([prediction.logit for prediction in whole])
        order = (-logits).argsort(kind="stable").tolist()
        chosen = [whole[place] for place in order[:top]]
        if explain is not None:
            best = min(len(chosen), self._most_explained)
            ranked = encoded[np.array([rows.row_of[place] for place in order[: best + 1]])]
            why = self.explainer.explain_ranked(ranked, order, best, explain)
            told = [replace(p, explanation=e) for p, e in zip(chosen, why)]  # noqa: B905 - the best
            chosen = [*told, *chosen[best:]]
        return Ranking(request_id, order[:top], chosen, rows.ignored[0], layered.frozen)

    def score(self, store: Reader, said: RowColumns) -> Scores:
        """Score the impressions of a file, of which nothing more is told.

        Raises:
            RequestError: a field is malformed.
        """
        rows = self.parser.parse_columns(said, time.time_ns() // 1_000)
        _, _, logits = self._logits(store, rows)
        probabilities = self.bundle.calibrator.probability_of(logits)
        whole = Scores(rows.request_ids, _items(rows), probabilities.tolist(), logits.tolist())
        return whole if isinstance(rows.row_of, range) else whole.of(rows.row_of)

    def encode(self, store: Reader, impressions: Sequence[RawRow]) -> Encoded:
        """Return what the model is given for each of some impressions.

        Raises:
            RequestError: a field is malformed.
        """
        # a single row has what no row has: the shapes and types of all arrays
        rows = self.parser.parse(impressions or [{}], time.time_ns() // 1_000)
        encoded = self._encode(Layered(store), rows)[1]
        return encoded[np.array(rows.row_of[: len(impressions)], np.int64)]

    def _encode(self, store: Reader, rows: Rows) -> tuple[Columns, Encoded]:
        """Return the columns of rows, and the model's input."""
        columns = rows.columns(self.bundle.schema, self._lengths, self._arrays)
        ticks = tick_of(rows.time, self._tick_seconds)
        columns |= self._histories.read(store, rows.values, ticks)
        ids = self._ids.encode(rows.values, columns, len(rows))
        return columns, self.bundle.encoder.encode(columns, rows.offsets, ids)

    def _logits(self, store: Reader, rows: Rows) -> tuple[Columns, Encoded, NDArray[np.float64]]:
        """Return the columns of rows, the model's input, and its calibrated answers."""
        bundle = self.bundle
        columns, encoded = self._encode(store, rows)
        logits = bundle.calibrator.logit(bundle.model.logits(encoded), encoded.ids)
        if not np.isfinite(logits).all():
            raise BundleError(f"{bundle.path}: gives no finite score for these impressions")
        return columns, encoded, logits

    def _score(self, store: Reader, rows: Rows) -> tuple[list[Prediction], Encoded]:
        """Return the answer at each of the caller's places, and the model's input of each row."""
        bundle = self.bundle
        columns, encoded, logits = self._logits(store, rows)
        found = self._finder.find(rows.values, columns, encoded)
        for unseen, odd in zip(found.unseen, rows.odd_times):  # noqa: B905 - mostly there is none
            if odd:
                unseen.append(bundle.schema.input_name("time"))
        answers = zip(
            rows.request_ids,
            _items(rows),
            bundle.calibrator.probability_of(logits).tolist(),
            logits.tolist(),
            found.missing,
            found.unseen,
            strict=True,
        )
        made = [Prediction(*answer) for answer in answers]
        # a row stands for all of its repeats
        if not isinstance(rows.row_of, range):
            made = [made[row] for row in rows.row_of]
        return made, encoded

    def _predict(self, store: Reader, bodies: Sequence[Sequence[RawRow]], now: int) -> list[Scored]:
        """Score sound bodies, none of them empty."""
        if not bodies:
            return []
        rows = self.parser.parse_each(bodies, now)
        layered = Layered(store)
        made = iter(self._score(layered, rows)[0])
        return [
            Scored(list(islice(made, len(body))), ignored, layered.frozen)
            for body, ignored in zip(bodies, rows.ignored, strict=True)
        ]

    def _faults(self, bodies: Sequence[Sequence[RawRow]], now: int) -> dict[int, RequestError]:
        """Return what is wrong with bodies, by their place."""
        faults: dict[int, RequestError] = {}
        for place, body in enumerate(bodies):
            try:
                self.parser.parse(body, now)
            except RequestError as error:
                faults[place] = error
        return faults

    def _request_id(self, context: RawRow) -> str:
        """Return the request's id, a new one where the caller gives none."""
        if not isinstance(context, Mapping):
            raise RequestError(f"context: expected an object of raw fields, found {shown(context)}")
        (named,) = self.parser.rename([context])
        return self.parser.request_id(named, "context") or os.urandom(16).hex()


def _items(rows: Rows) -> Sequence[Value]:
    """Return the item of each row."""
    items: Sequence[Value] = rows.values.get("item", _NOBODY)
    return items if len(items) == len(rows) else [*items] * len(rows)
