"""Which ads a display holds: drawn by exposure from those alive that day, some by theme."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from clickthrough.data.simulator.catalogue import Catalogue
from clickthrough.data.simulator.chance import Ints, Part, generator
from clickthrough.data.simulator.documents import THEMES

SLOTS = 2**22
TARGETED = 0.3
"""Share of ads drawn among those of the page's theme."""
MOST_ADS = 12
FEW = 4
"""Real displays of up to four ads hardly ever repeat an advertiser; larger ones do."""


@dataclass
class Exposure:
    """Draws ads; keeps the table of one day at a time."""

    seed: int
    catalogue: Catalogue
    _order: Ints = field(init=False)
    _themes: Ints = field(init=False)
    _day: int = field(init=False, default=-1)
    _slots: NDArray[np.int32] = field(init=False)
    _theme_slots: Ints = field(init=False)

    def __post_init__(self) -> None:
        theme = self.catalogue.landing_themes[self.catalogue.document]
        self._order = np.argsort(theme, kind="stable")
        self._themes = np.searchsorted(theme[self._order], np.arange(THEMES + 1))

    def draw(self, rng: np.random.Generator, day: Ints, theme: Ints, size: Ints) -> Ints:
        """Return ads, shape (displays, 12): the first ``size`` of each row count.

        No display holds a landing page twice.

        Args:
            rng: of the block.
            day: of each display, ascending.
            theme: of the page.
            size: how many ads each display holds.
        """
        ads = np.empty((len(day), MOST_ADS), np.int64)
        edges = np.flatnonzero(np.diff(day)) + 1
        for start, end in pairwise([0, *edges.tolist(), len(day)]):
            if end > start:
                self._prepare(int(day[start]))
                ads[start:end] = self._draw_day(rng, theme[start:end], size[start:end])
        return ads

    def _draw_day(self, rng: np.random.Generator, theme: Ints, size: Ints) -> Ints:
        ads = self._one(rng, np.repeat(theme, MOST_ADS)).reshape(-1, MOST_ADS)
        rows = np.arange(len(ads))
        while len(rows):
            again = self._repeated(ads[rows], size[rows])
            rows, again = rows[again.any(1)], again[again.any(1)]
            row, column = np.nonzero(again)
            ads[rows[row], column] = self._one(rng, theme[rows[row]])
        return ads

    def _one(self, rng: np.random.Generator, theme: Ints) -> Ints:
        targeted = rng.random(len(theme)) < TARGETED
        start = np.where(targeted, self._theme_slots[theme], 0)
        end = np.where(targeted, self._theme_slots[theme + 1], len(self._slots))
        place = start + (rng.random(len(theme)) * (end - start)).astype(np.int64)
        drawn: Ints = self._slots[place].astype(np.int64)
        return drawn

    def _repeated(self, ads: Ints, size: Ints) -> NDArray[np.bool_]:
        document, advertiser = self.catalogue.document[ads], self.catalogue.advertiser[ads]
        few = size <= FEW
        again = np.zeros(ads.shape, bool)
        for one, other in _pairs(int(size.max())):
            same = document[:, one] == document[:, other]
            same |= few & (advertiser[:, one] == advertiser[:, other])
            again[:, other] |= same & (other < size)
        return again

    def _prepare(self, day: int) -> None:
        """Fill slots with the ads alive on a day, each as often as it is exposed."""
        if day == self._day:
            return
        ads = self.catalogue
        alive = (ads.born <= day) & (day < ads.ends)
        ends = np.cumsum((ads.exposure * alive)[self._order])
        start = generator(self.seed, Part.EXPOSURE, day).random()
        slots = np.floor(ends / ends[-1] * (SLOTS - 1) + start).astype(np.int64)
        self._slots = np.repeat(self._order.astype(np.int32), np.diff(slots, prepend=0))
        self._theme_slots = np.append(0, slots)[self._themes]
        self._day = day


def _pairs(size: int) -> Iterator[tuple[int, int]]:
    return ((one, other) for other in range(size) for one in range(other))
