"""Estimates of keyed effects from softmax clicks: one Gaussian a key, updated tick by tick."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from clickthrough.data.simulator.chance import Floats, Ints


@dataclass(frozen=True)
class Rows:
    """Impressions, display by display.

    Attributes:
        keys: of each level, shape (impressions,) each.
        offsets: where each display starts, and the end, shape (displays + 1,).
        known: the rest of the expected utility, shape (impressions,).
        clicked: 0 or 1, shape (impressions,).
        shown: whether the log shows the click, shape (impressions,).
    """

    keys: tuple[NDArray[np.integer], ...]
    offsets: Ints
    known: Floats
    clicked: NDArray[np.int8]
    shown: NDArray[np.bool_]

    def part(self, start: int, end: int) -> "Rows":
        """Return the impressions of displays ``start`` to ``end``, not included."""
        rows = slice(self.offsets[start], self.offsets[end])
        return Rows(
            tuple(key[rows] for key in self.keys),
            self.offsets[start : end + 1] - self.offsets[start],
            self.known[rows],
            self.clicked[rows],
            self.shown[rows],
        )


@dataclass
class Filter:
    """Posterior means and variances of every key of every level, as of a tick.

    Keys are taken as independent, and a tick's clicks as one step (Graepel et al., 2010, 'Web-scale
    Bayesian click-through rate prediction', with gradient and curvature of the softmax).
    """

    deviations: Sequence[Floats]
    """Of each level, before anything is seen: the standard deviation of each key's effect."""
    mean: list[Floats] = field(init=False)
    variance: list[Floats] = field(init=False)
    _waiting: list[tuple[Rows, Floats]] = field(init=False, default_factory=list)
    _tick: int = field(init=False, default=-1)

    def __post_init__(self) -> None:
        self.mean = [np.zeros(len(level)) for level in self.deviations]
        self.variance = [level**2 for level in self.deviations]

    def forecast(self, tick: int, rows: Rows) -> Floats:
        """Return probabilities of a tick's impressions; their clicks count from the next tick on.

        Args:
            tick: of all these displays, never earlier than the last.
            rows: what is known of them.
        """
        if tick != self._tick:
            self._learn()
            self._tick = tick
        utility = rows.known.copy()
        for key, mean in zip(rows.keys, self.mean, strict=True):
            utility += mean[key]
        weight = np.exp(utility)
        total = np.add.reduceat(weight, rows.offsets[:-1])
        made: Floats = weight / np.repeat(total, np.diff(rows.offsets))
        self._waiting.append((rows, made))
        return made

    def _learn(self) -> None:
        for rows, forecast in self._waiting:
            p = forecast[rows.shown]
            keys = [key[rows.shown] for key in rows.keys]
            self._step(keys, rows.clicked[rows.shown] - p, p * (1 - p))
        self._waiting.clear()

    def _step(self, keys: list[NDArray[np.integer]], gradient: Floats, curvature: Floats) -> None:
        spreads = [variance[key] for key, variance in zip(keys, self.variance, strict=True)]
        total = np.sum(spreads, axis=0)
        for level, key in enumerate(keys):
            # what a click says about one level is blurred by how little is known of the others
            blur = 1 / (1 + curvature * (total - spreads[level]))
            touched, place = np.unique(key, return_inverse=True)
            precision = 1 / self.variance[level][touched] + np.bincount(place, curvature * blur)
            self.variance[level][touched] = 1 / precision
            self.mean[level][touched] += np.bincount(place, gradient * blur) / precision
