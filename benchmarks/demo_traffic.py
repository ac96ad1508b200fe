"""The test part of the demo's own log, as its callers would send it."""

from itertools import groupby
from pathlib import Path

import numpy as np
import polars as pl
from exchange import Request
from traffic import LIKELY, Events, Raw, predict_bodies, rank_bodies

from clickthrough.bundle import load_bundle
from clickthrough.data.caller import raw_rows
from clickthrough.data.open import open_dataset
from clickthrough.data.split import TEST, with_part

_ROWS = 20_000


class DemoTraffic:
    """Requests and events of the test part.

    Args:
        folder: the bundle; its log must lie where it was when it was trained.
    """

    def __init__(self, folder: Path) -> None:
        bundle = load_bundle(folder)
        data = bundle.config.data
        dataset = open_dataset(data)
        rows = with_part(dataset, data.split).filter(pl.col("part") == TEST).sort("row")
        self._schema = dataset.schema
        self._rows = list(raw_rows(rows.head(_ROWS).collect(), dataset.schema))

    def predict(self) -> list[Request]:
        """Return requests of /predict with all fields of one impression."""
        step = max(1, len(self._rows) // LIKELY)
        return predict_bodies(self._rows[::step][:LIKELY])

    def rank(self) -> tuple[float, list[Request]]:
        """Return the mean number of candidates, and displays; what is of these is the context."""
        displays = [list(own) for _, own in groupby(self._rows, lambda row: row["request_id"])]
        displays = displays[:-1]  # the last may have been cut
        own = varying(displays)
        chosen = displays[:: max(1, len(displays) // LIKELY)][:LIKELY]
        mean = sum(map(len, chosen)) / len(chosen)
        return mean, rank_bodies([divided(rows, own) for rows in chosen])

    def rank_of(self, count: int) -> list[Request]:
        """Return displays' contexts with so many candidates, drawn from those of all."""
        displays = [list(own) for _, own in groupby(self._rows, lambda row: row["request_id"])][:-1]
        own = varying(displays)
        every = [{name: row[name] for name in own} for row in self._rows]
        rng = np.random.default_rng(1)
        chosen = displays[:: max(1, len(displays) // LIKELY)][:LIKELY]
        drawn = [[every[place] for place in rng.integers(0, len(every), count)] for _ in chosen]
        contexts = [divided(rows, own)[0] for rows in chosen]
        return rank_bodies(list(zip(contexts, drawn, strict=True)))

    def events(self) -> Events:
        """Return events of the same impressions."""
        return Events(self._rows[:2_000], self._schema.input_name("item"))


def varying(displays: list[list[Raw]]) -> set[str]:
    """Return the fields that differ within any display: those of candidates."""
    first = displays[0][0]
    return {
        name
        for name in first
        if any(row[name] != rows[0][name] for rows in displays for row in rows)
    }


def divided(rows: list[Raw], own: set[str]) -> tuple[Raw, list[Raw]]:
    """Divide a display's rows into what it says of the request, and of each candidate."""
    context = {name: value for name, value in rows[0].items() if name not in own}
    return context, [{n: v for n, v in row.items() if n in own} for row in rows]
