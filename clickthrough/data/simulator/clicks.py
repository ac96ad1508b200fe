"""Utilities, probabilities and the one click of a display."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clickthrough.data.simulator.catalogue import Catalogue
from clickthrough.data.simulator.chance import Floats, Ints
from clickthrough.data.simulator.clock import DAY_MS, hour_of
from clickthrough.data.simulator.displays import Displays
from clickthrough.data.simulator.documents import Documents
from clickthrough.data.simulator.law import (
    COSINE,
    INTEREST,
    NOVELTY,
    NOVELTY_DAYS,
    POSITION,
    Effects,
    trend,
)
from clickthrough.data.simulator.places import COUNTRY_OF


@dataclass(frozen=True)
class Utilities:
    """Utilities of a block's impressions, shape (impressions,).

    Attributes:
        plain: what everybody can see: page, platform, hour, position, age.
        theme: hidden theme of the ad.
        true: all of it.
    """

    plain: Floats
    theme: NDArray[np.int8]
    true: Floats


def utilities(shown: Displays, ads: Catalogue, documents: Documents, effects: Effects) -> Utilities:
    """Return the utilities of the impressions of a block."""
    display = np.repeat(np.arange(len(shown.size)), shown.size)
    landing, time = ads.document[shown.ads].astype(np.int64), shown.time[display]
    plain = COSINE * documents.cosine(shown.page[display], landing)
    plain += _context(shown, display, documents.category[landing], effects)
    plain += _age(time / DAY_MS, ads.born[shown.ads])
    theme = documents.theme[landing]
    hidden = effects.quality[shown.ads]
    hidden += effects.drift[shown.ads] * trend(time)
    country = COUNTRY_OF[shown.users.place][display]
    hidden += effects.country[ads.advertiser[shown.ads], country]
    hidden += INTEREST * (theme == shown.users.interest[display])
    return Utilities(plain, theme, plain + hidden)


def _context(
    shown: Displays, display: Ints, category: NDArray[np.int8], effects: Effects
) -> Floats:
    position = np.arange(len(display)) - shown.offsets[:-1][display]
    angle = hour_of(shown.time) / 24 * 2 * np.pi
    hour = effects.hour[category]
    made: Floats = POSITION * position + effects.platform[category, shown.users.platform[display]]
    made += hour[:, 0] * np.cos(angle)[display] + hour[:, 1] * np.sin(angle)[display]
    return made


def _age(day: Floats, born: Ints) -> Floats:
    return NOVELTY * np.exp(-np.maximum(day - born, 0) / NOVELTY_DAYS)


def softmax(utility: Floats, offsets: Ints) -> Floats:
    """Return probabilities that sum to 1 over each display.

    Args:
        utility: shape (impressions,).
        offsets: where each display starts, and the end, shape (displays + 1,).
    """
    weight = np.exp(utility)
    total = np.add.reduceat(weight, offsets[:-1])
    made: Floats = weight / np.repeat(total, np.diff(offsets))
    return made


def draw_clicks(rng: np.random.Generator, probability: Floats, offsets: Ints) -> NDArray[np.int8]:
    """Draw one click a display from its probabilities."""
    ends = np.cumsum(probability)
    before = ends[offsets[:-1]] - probability[offsets[:-1]]
    after = ends[offsets[1:] - 1]
    place = np.searchsorted(ends, before + rng.random(len(before)) * (after - before), side="right")
    clicked = np.zeros(len(probability), np.int8)
    clicked[np.clip(place, offsets[:-1], offsets[1:] - 1)] = 1
    return clicked
