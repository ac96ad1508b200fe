"""Requests as a log holds them, for the benchmarks of serving: the test part of a bundle's log."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from clickthrough.bundle.load import Bundle
from clickthrough.bundle.log import log_of
from clickthrough.data.caller import raw_events, raw_rows
from clickthrough.data.split import TEST, with_part
from clickthrough.features.table import request_offsets

Raw = dict[str, Any]


class Display(NamedTuple):
    """A request of the log.

    Attributes:
        context: the fields that all candidates of every display share.
        candidates: the other fields of each.
        events: what was shown and clicked.
    """

    context: Raw
    candidates: list[Raw]
    events: list[Raw]


def displays_of(bundle: Bundle, log: Path | None = None, most: int = 20_000) -> list[Display]:
    """Return the first displays of the test part of a bundle's log, in order of time."""
    dataset = log_of(bundle, log)
    part = with_part(dataset, bundle.config.data.split).filter(pl.col("part") == TEST)
    frame = part.head(most).collect(engine="streaming").sort("row")  # the log lies in order
    offsets = request_offsets(frame)[:-1].tolist()  # the last one may be cut
    rows, labels = list(raw_rows(frame, dataset.schema)), frame["label"].to_list()
    spans = list(pairwise(offsets))
    shared = _shared(rows, spans)
    return [
        Display(
            {name: value for name, value in rows[start].items() if name in shared},
            [{n: v for n, v in row.items() if n not in shared} for row in rows[start:end]],
            list(raw_events(rows[start:end], labels[start:end])),
        )
        for start, end in spans
    ]


def ids_alone(bundle: Bundle, raw: Raw) -> Raw:
    """Return what a caller sends who leaves to a bundle's side tables what these hold."""
    told = {name for side in bundle.sides for way in side.form.ways for name in way.gives.values()}
    names = {bundle.schema.input_name(name) for name in told}
    return {name: value for name, value in raw.items() if name not in names}


def _shared(rows: Sequence[Raw], spans: Sequence[tuple[int, int]]) -> set[str]:
    """Return the fields that are the same throughout every display."""
    names = {name for row in rows for name in row}
    several = [(start, end) for start, end in spans if end - start > 1]
    return {
        name
        for name in names
        if all(rows[i].get(name) == rows[s].get(name) for s, e in several for i in range(s + 1, e))
    }


def with_candidates(
    displays: Sequence[Display], count: int, rng: np.random.Generator
) -> list[tuple[Raw, list[Raw]]]:
    """Return each display's context with so many candidates, drawn from those of all."""
    every = [candidate for display in displays for candidate in display.candidates]
    return [
        (display.context, [every[place] for place in rng.integers(0, len(every), count)])
        for display in displays
    ]
