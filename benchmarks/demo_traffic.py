"""The test part of the demo's own log, as its callers would send it."""

from pathlib import Path

import numpy as np
from exchange import Request
from real_requests import displays_of, with_candidates
from traffic import LIKELY, Events, predict_bodies, rank_bodies

from clickthrough.bundle import load_bundle

_EVENTS = 2_000
"""Impressions that events are of."""


class DemoTraffic:
    """Requests and events of the test part.

    Args:
        folder: the bundle; its log must lie where it was when it was trained.
    """

    def __init__(self, folder: Path) -> None:
        bundle = load_bundle(folder)
        self._displays = displays_of(bundle)
        self._rows = [{**one.context, **own} for one in self._displays for own in one.candidates]
        self._item = bundle.schema.input_name("item")
        step = max(1, len(self._displays) // LIKELY)
        self._chosen = self._displays[::step][:LIKELY]

    def predict(self) -> list[Request]:
        """Return requests of /predict with all fields of one impression."""
        step = max(1, len(self._rows) // LIKELY)
        return predict_bodies(self._rows[::step][:LIKELY])

    def rank(self) -> tuple[float, list[Request]]:
        """Return the mean number of candidates, and displays; what is of these is the context."""
        mean = sum(len(one.candidates) for one in self._chosen) / len(self._chosen)
        return mean, rank_bodies([(one.context, one.candidates) for one in self._chosen])

    def rank_of(self, count: int) -> list[Request]:
        """Return displays' contexts with so many candidates, drawn from those of the chosen."""
        return rank_bodies(with_candidates(self._chosen, count, np.random.default_rng(1)))

    def events(self) -> Events:
        """Return events of the same impressions."""
        return Events(self._rows[:_EVENTS], self._item)
