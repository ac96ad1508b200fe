"""Replay: the test part pushed through the live path, request by request, event by event.

What the service answers must equal what the batch side computes for the same impressions. This
is the proof, on a user's own log, that training and serving see the same features.
"""

import http.client
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Any, Protocol
from urllib.parse import urlsplit

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clickthrough.bundle.load import Bundle
from clickthrough.bundle.log import check_parts, counters_until, how_counted
from clickthrough.data.caller import Raw, raw_events, raw_rows, raw_views
from clickthrough.data.dataset import Dataset
from clickthrough.data.split import TEST, with_part
from clickthrough.errors import ClickthroughError, DataError
from clickthrough.evaluation.report import evaluation
from clickthrough.features.table import request_offsets
from clickthrough.schema import Schema
from clickthrough.serving.predictor import Predictor
from clickthrough.steps import counted
from clickthrough.training.evaluating.evaluate import Scorer
from clickthrough.training.prepare import prepare
from clickthrough.training.refusals import refuse_other_types, refuse_unlabelled

_MOST_EVENTS = 1_000
"""Page views that are told at once."""
_AT_ONCE = 500
"""Requests whose rows are made at once."""
_CONTEXT = ("request_id", "time")


class Live(Protocol):
    """A live path: ranks a request, takes events."""

    def rank(self, context: Raw, candidates: list[Raw]) -> list[float]:
        """Return the probability of each candidate, in the order given."""

    def events(self, events: list[Raw]) -> None:
        """Tell what was shown and clicked."""


@dataclass(frozen=True)
class InProcess:
    """The live path of a predictor in this process."""

    predictor: Predictor

    def rank(self, context: Raw, candidates: list[Raw]) -> list[float]:
        """Return the probability of each candidate, in the order given."""
        ranking = self.predictor.rank(context, candidates)
        return _in_order(
            ranking.order, [prediction.probability for prediction in ranking.predictions]
        )

    def events(self, events: list[Raw]) -> None:
        """Tell what was shown and clicked."""
        self.predictor.observe(events)


class OverHttp:
    """The live path of a running service.

    Args:
        url: where it runs, such as ``http://127.0.0.1:8000``; a service that wants to know a token
            for events is told that of ``CTR_EVENTS_TOKEN``.
    """

    def __init__(self, url: str) -> None:
        wrong = ClickthroughError(f"{url}: expected an address such as http://127.0.0.1:8000")
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:  # also of a port that is none
            raise wrong from None
        if parts.scheme != "http" or host is None:
            raise wrong
        self._url = url
        self._connection = http.client.HTTPConnection(host, port or 80, timeout=60)

    def rank(self, context: Raw, candidates: list[Raw]) -> list[float]:
        """Return the probability of each candidate, in the order given."""
        answer = self._post("/rank", {"context": context, "candidates": candidates})
        ranked = answer["ranking"]
        places = [entry["candidate"] for entry in ranked]
        return _in_order(places, [entry["probability"] for entry in ranked])

    def events(self, events: list[Raw]) -> None:
        """Tell what was shown and clicked."""
        self._post("/events", {"events": events})

    def _post(self, path: str, body: Raw) -> Raw:
        headers = {"content-type": "application/json"}
        if token := os.environ.get("CTR_EVENTS_TOKEN"):
            headers["authorization"] = f"Bearer {token}"
        try:
            self._connection.request("POST", path, json.dumps(body), headers)
            response = self._connection.getresponse()
            text = response.read()
        except OSError as error:
            raise ClickthroughError(f"{self._url}{path}: {error}") from None
        if response.status != http.client.OK:
            raise ClickthroughError(f"{self._url}{path}: {response.status}: {text[:500]!r}")
        answer: Raw = json.loads(text)
        return answer


def _refuse_counted_twice(bundle: Bundle, dataset: Dataset) -> None:
    """Refuse a log of which the bundle counts some events: the live path would count them again.

    Raises:
        DataError: it is neither the bundle's own, nor one that comes after.
    """
    if dataset.known is None and dataset.part is None:
        why = how_counted(bundle, dataset)
        if why:
            raise DataError(f"{dataset.name}: cannot be replayed: {'; '.join(why)}")


def replay(
    bundle: Bundle,
    dataset: Dataset,
    live: Live,
    requests: int | None = None,
) -> dict[str, Any]:
    """Replay the test part of a log, and compare the answers with the batch side's.

    Of a log that comes after the bundle's, that is all of it.

    Args:
        bundle: what the live path serves; its store must hold nothing but the snapshot.
        dataset: the log.
        live: the live path.
        requests: only so many requests, from the first.

    Returns:
        The evaluation record of both sides, and the largest difference of a probability.

    Raises:
        DataError: the log has no test part, none of its impressions a label, texts are numbers, or
            it is another than the bundle's and begins before the bundle's counters end.
    """
    refuse_other_types(dataset, bundle.schema, bundle.plan.fields, str(bundle.path))
    check_parts(bundle, dataset)
    _refuse_counted_twice(bundle, dataset)
    refuse_unlabelled(dataset, bundle.config.data.split)
    rows = with_part(dataset, bundle.config.data.split).filter(pl.col("part") == TEST)
    frame = rows.sort("row").collect()
    offsets = request_offsets(frame)[: None if requests is None else requests + 1]
    frame = frame.head(int(offsets[-1]))
    known = frame["label"].is_not_null()
    viewing = _Viewing(_views_after_snapshot(dataset, bundle), dataset.schema, live)
    answers = _answers(frame, offsets, viewing)[known.to_numpy()]
    batch = batch_probabilities(bundle, dataset)[: len(answers)]
    shown = frame.filter(known)
    predictions = {"over the live path": answers, "in batch": batch}
    labels, notes = shown["label"].to_numpy(), how_counted(bundle, dataset)
    record = evaluation(labels, request_offsets(shown), predictions, "live", notes)
    return record | {"largest_difference": float(np.max(np.abs(answers - batch)))}


def batch_probabilities(bundle: Bundle, dataset: Dataset) -> NDArray[np.float64]:
    """Return what the batch side says of the labelled impressions of the test part."""
    table = prepare(dataset, bundle.config, "live", bundle.encoder, {TEST}).tables["test"]
    scorer = Scorer(bundle.config.model.name, bundle.model, bundle.calibrator)
    return scorer.probabilities(table.inputs)


class _Viewing:
    """Tells a live path of page views up to a moment, each once.

    Args:
        views: page views in order of time.
        schema: their fields.
        live: the live path.
    """

    def __init__(self, views: pl.DataFrame, schema: Schema, live: Live) -> None:
        self.live = live
        self.schema = schema
        self._views = views
        self._times = views["time"].to_numpy()
        self._told = 0

    def until(self, time: int) -> None:
        """Tell of every view before a moment that was not told yet."""
        end = int(np.searchsorted(self._times, time))
        for start in range(self._told, end, _MOST_EVENTS):
            stop = min(start + _MOST_EVENTS, end)
            self.live.events(list(raw_views(self._views[start:stop], self.schema)))
        self._told = max(self._told, end)


def _views_after_snapshot(dataset: Dataset, bundle: Bundle) -> pl.DataFrame:
    """Return the page views that the bundle does not know of."""
    views = dataset.views()
    if views is None:
        return pl.DataFrame(schema={"time": pl.Int64})
    return views.filter(pl.col("time") >= counters_until(bundle)).collect()


def _answers(
    frame: pl.DataFrame,
    offsets: NDArray[np.int64],
    viewing: _Viewing,
) -> NDArray[np.float64]:
    """Rank each request and report its outcome, in order of time; return the probabilities."""
    live, schema = viewing.live, viewing.schema
    item = schema.input_name("item") if "item" in schema.fields else None
    answers: list[float] = []
    for rows, labels, time in counted(_requests(frame, offsets, schema), len(offsets) - 1):
        viewing.until(time)
        answers += live.rank(*_request(rows, item))
        live.events(list(raw_events(rows, labels)))
    return np.array(answers)


def _requests(
    frame: pl.DataFrame, offsets: NDArray[np.int64], schema: Schema
) -> Iterator[tuple[list[Raw], list[int | None], int]]:
    """Yield the rows of each request, their labels and the moment of the first."""
    spans = pairwise(offsets.tolist())
    while some := [*islice(spans, _AT_ONCE)]:  # the rows of all would fill the memory
        begin = some[0][0]
        part = frame[begin : some[-1][1]]
        raw, labels, times = (*raw_rows(part, schema),), part["label"].to_list(), part["time"]
        for start, end in some:
            own = slice(start - begin, end - begin)
            yield [*raw[own]], labels[own], times[start - begin]


def _request(rows: list[Raw], item: str | None) -> tuple[Raw, list[Raw]]:
    """Return what the candidates of a request share, as its context, and the rest of each."""
    first, *others = rows
    shared = {
        name: value
        for name, value in first.items()
        if name in _CONTEXT
        or (others and name != item and all(row[name] == value for row in others))
    }
    return shared, [{n: v for n, v in row.items() if n not in shared} for row in rows]


def _in_order(places: Sequence[int], values: Sequence[float]) -> list[float]:
    return [value for _, value in sorted(zip(places, values, strict=True))]
