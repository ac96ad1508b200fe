"""The law of clicks: what a utility is made of, and how strong each part is.

The strengths are set so that the smoothed ad rate and the truth rank as well as on the real log
(``benchmarks/simulator.py`` prints both); quality is mostly the advertiser's, as it is there.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clickthrough.data.simulator.catalogue import Catalogue
from clickthrough.data.simulator.chance import Floats, Part, generator
from clickthrough.data.simulator.documents import CATEGORIES
from clickthrough.data.simulator.places import COUNTRIES

LEVELS = ("advertiser", "campaign", "document", "ad")
QUALITY = {"advertiser": 0.8, "campaign": 0.45, "document": 0.35, "ad": 0.4}
"""Standard deviation of hidden quality at each level."""
DRIFT = 0.25
"""Standard deviation of an ad's change from the middle of the log to its end."""
INTEREST, COSINE = 0.9, 1.0
"""An ad of the theme that the user likes; an ad about the page's own topics."""
PLATFORM, HOUR, COUNTRY = 0.25, 0.2, 0.3
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
        country: hidden, shape (advertisers, countries); 0 in the United States.
    """

    quality: Floats
    drift: NDArray[np.float32]
    platform: Floats
    hour: Floats
    country: NDArray[np.float32]


def make_effects(seed: int, ads: Catalogue) -> Effects:
    """Draw every effect."""
    rng = generator(seed, Part.QUALITY)
    n = len(ads.campaign)
    quality = QUALITY["ad"] * rng.standard_normal(n)
    for name in LEVELS[:-1]:
        key = getattr(ads, name)
        quality += (QUALITY[name] * rng.standard_normal(key.max() + 1))[key]
    rng = generator(seed, Part.EFFECTS)
    country = COUNTRY * rng.standard_normal((ads.advertiser.max() + 1, COUNTRIES))
    country[:, 0] = 0
    return Effects(
        quality=quality,
        drift=(DRIFT * rng.standard_normal(n)).astype(np.float32),
        platform=PLATFORM * rng.standard_normal((CATEGORIES, 3)),
        hour=HOUR * rng.standard_normal((CATEGORIES, 2)),
        country=country.astype(np.float32),
    )
