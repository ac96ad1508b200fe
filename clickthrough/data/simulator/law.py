"""The law of clicks: what a utility is made of, and how strong each part is.

The strengths are set so that the smoothed ad rate ranks as well as on the real log
(``benchmarks/simulator.py`` prints it); quality is mostly the advertiser's, as it is there.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clickthrough.data.simulator.catalogue import Catalogue
from clickthrough.data.simulator.chance import Floats, Ints, Part, generator
from clickthrough.data.simulator.clock import END_MS
from clickthrough.data.simulator.documents import CATEGORIES
from clickthrough.data.simulator.places import COUNTRIES

QUALITY = {"advertiser": 0.85, "campaign": 0.38, "document": 0.25, "ad": 0.3}
"""Standard deviation of hidden quality at each level, over impressions."""
EXPOSED = 0.1
"""What is shown more often differs more: deviations grow with exposure to this power."""
DRIFT = 0.3
"""Standard deviation of an ad's change from the middle of the log to its end."""
INTEREST, COSINE = 1.1, 1.4
"""An ad of the theme that the user likes; an ad about the page's own topics."""
PLATFORM, HOUR, COUNTRY = 0.25, 0.2, 0.25
"""Standard deviations: category by platform, category by hour, advertiser by country."""
POSITION = -0.045
"""A place further down."""
NOVELTY, NOVELTY_DAYS = 0.5, 2.0
"""What an ad has the day it is born, and how fast that wears out."""


@dataclass(frozen=True)
class Effects:
    """Drawn effects.

    Attributes:
        quality: hidden, of each ad, all levels together, shape (ads,).
        drift: hidden, of each ad, shape (ads,).
        platform: shape (categories, 3).
        hour: cosine and sine amplitudes, shape (categories, 2).
        country: hidden, shape (advertisers, countries).
    """

    quality: Floats
    drift: NDArray[np.float32]
    platform: Floats
    hour: Floats
    country: NDArray[np.float32]


def trend(time: Ints) -> Floats:
    """Return how far the log has gone, -1 to 1: what an ad's drift is multiplied by."""
    return time / END_MS * 2 - 1


def deviations(ads: Catalogue) -> dict[str, Floats]:
    """Return the standard deviation of the quality of each key of each level."""
    return {name: _deviations(key, ads.exposure, QUALITY[name]) for name, key in ads.levels.items()}


def _deviations(key: NDArray[np.int32], exposure: Floats, typical: float) -> Floats:
    share = np.bincount(key, exposure)
    growth = share**EXPOSED
    made: Floats = typical * growth / np.sqrt(np.sum(share * growth**2) / np.sum(share))
    return made


def _pinned(effect: Floats, share: Floats, deviation: float) -> Floats:
    """Give effects a mean of 0 and this deviation over impressions.

    Few advertisers have most impressions; left to chance, worlds would differ in difficulty.
    """
    centred = effect - np.sum(share * effect)
    made: Floats = centred * (deviation / np.sqrt(np.sum(share * centred**2)))
    return made


def make_effects(seed: int, ads: Catalogue) -> Effects:
    """Draw every effect."""
    rng = generator(seed, Part.QUALITY)
    n = len(ads.campaign)
    quality = np.zeros(n)
    for name, deviation in deviations(ads).items():
        drawn = (deviation * rng.standard_normal(len(deviation)))[ads.levels[name]]
        quality += _pinned(drawn, ads.exposure, QUALITY[name])
    quality = _pinned(quality, ads.exposure, float(np.linalg.norm(list(QUALITY.values()))))
    rng = generator(seed, Part.EFFECTS)
    country = COUNTRY * rng.standard_normal((ads.advertiser.max() + 1, COUNTRIES))
    return Effects(
        quality=quality,
        drift=(DRIFT * rng.standard_normal(n)).astype(np.float32),
        platform=PLATFORM * rng.standard_normal((CATEGORIES, 3)),
        hour=HOUR * rng.standard_normal((CATEGORIES, 2)),
        country=country.astype(np.float32),
    )
