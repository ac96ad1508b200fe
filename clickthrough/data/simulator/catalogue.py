"""Advertisers, their campaigns, ads and landing pages: who is shown how often, and from when.

The catalogue has the real log's size whatever the number of impressions, so samples of equal size
have equal skews. Quantiles are those of the published ``promoted_content`` table.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clickthrough.data.simulator.chance import Floats, Ints, Part, generator, pick
from clickthrough.data.simulator.documents import THEME_SHARES

ADVERTISERS = 4_385
CAMPAIGNS_QUANTILES = (
    (0, 0.5, 0.6, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 1),
    (1, 1, 2, 4, 12, 27, 79, 143, 244, 385, 448),
)
ADS_QUANTILES = (
    (0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 1),
    (1, 1, 2, 5, 12, 30, 56, 99, 170, 276, 958, 3_806),
)
OWN_THEME, SHARED_DOCUMENT = 0.7, 0.22
SPREADS = {"advertiser": 1.65, "campaign": 0.3, "document": 0.7, "ad": 1.45}
"""Of the logarithm of exposure at each level, within the level above."""
GROWTH = {"advertiser": 0.36, "campaign": 0.3}
"""Exposure grows with the number of ads to this power."""
DORMANT = {"advertiser": (0.5, 5.0), "ad": (0.43, 5.0)}
"""Share that is hardly shown, and by how much less (logarithm)."""
MOST = {"advertiser": 0.024, "campaign": 0.015, "ad": 0.01}
"""Exposure bends towards this share: budgets end."""
BORN_LATER, ENDS_EARLY, DAYS = 0.08, 0.06, 15


@dataclass(frozen=True)
class Catalogue:
    """Every ad, ordered by advertiser and campaign.

    Attributes:
        advertiser, campaign, document: of each ad, counted from 0, shape (ads,).
        exposure: how often it is shown beside others, shape (ads,).
        born: day of its first showing, negative before the log, shape (ads,).
        ends: day after its last, shape (ads,).
        landing_themes: hidden theme of each landing page.
    """

    advertiser: NDArray[np.int32]
    campaign: NDArray[np.int32]
    document: NDArray[np.int32]
    exposure: Floats
    born: Ints
    ends: Ints
    landing_themes: NDArray[np.int8]

    @property
    def levels(self) -> dict[str, NDArray[np.int32]]:
        """The keys of each ad, from the widest to the ad itself."""
        return {
            "advertiser": self.advertiser,
            "campaign": self.campaign,
            "document": self.document,
            "ad": np.arange(len(self.campaign), dtype=np.int32),
        }


def make_catalogue(seed: int) -> Catalogue:
    """Draw the catalogue."""
    rng = generator(seed, Part.CATALOGUE)
    campaigns = sizes(rng, ADVERTISERS, CAMPAIGNS_QUANTILES)
    owner = np.repeat(np.arange(ADVERTISERS), campaigns)
    ads = sizes(rng, len(owner), ADS_QUANTILES)
    campaign = np.repeat(np.arange(len(owner)), ads)
    document, of_advertiser = _documents(rng, ads, owner)
    advertiser = owner[campaign]
    born, ends = _lives(rng, len(campaign))
    return Catalogue(
        advertiser=advertiser.astype(np.int32),
        campaign=campaign.astype(np.int32),
        document=document.astype(np.int32),
        exposure=_exposure(rng, owner, campaign, document),
        born=born,
        ends=ends,
        landing_themes=_themes(rng, of_advertiser),
    )


def sizes(
    rng: np.random.Generator, n: int, quantiles: tuple[tuple[float, ...], tuple[float, ...]]
) -> Ints:
    """Return n whole numbers with these quantiles (shares, values), in random order."""
    shares, values = quantiles
    at = (np.arange(n) + 0.5) / n
    # straight in log size against log share above: the tail is Pareto's between quantiles
    knots = np.log1p(-np.minimum(shares, at[-1]))
    made = np.exp(np.interp(-np.log1p(-at), -knots, np.log(values)))
    return rng.permutation(np.maximum(1, np.round(made)).astype(np.int64))


def _documents(rng: np.random.Generator, ads: Ints, owner: Ints) -> tuple[Ints, Ints]:
    """Return the landing page of each ad, and the advertiser of each landing page.

    Most campaigns show variants of one page; large ones more often promote many pages.
    """
    many = rng.random(len(ads)) < 0.1 * np.log2(ads)
    pages = np.where(many, np.ceil(ads * rng.uniform(0.4, 1.0, len(ads))), 1).astype(np.int64)
    campaign = np.repeat(np.arange(len(ads)), ads)
    within = np.arange(len(campaign)) - (np.cumsum(ads) - ads)[campaign]
    first = (np.cumsum(pages) - pages)[campaign]
    pair = first + within * pages[campaign] // ads[campaign]
    of_pair = np.repeat(owner, pages)
    # some take the page before it of the same advertiser
    new = (rng.random(len(of_pair)) >= SHARED_DOCUMENT) | (np.diff(of_pair, prepend=-1) != 0)
    return (np.cumsum(new) - 1)[pair], of_pair[new]


def _exposure(rng: np.random.Generator, owner: Ints, campaign: Ints, document: Ints) -> Floats:
    """Return shares of impressions: an advertiser's, times its campaign's, times the ad's."""
    ads = np.bincount(campaign)
    of_document = SPREADS["document"] * rng.standard_normal(document.max() + 1)
    ad = _level(rng, np.zeros(len(campaign)), "ad") * np.exp(of_document[document])
    within = _level(rng, np.log(ads), "campaign")
    over = _level(rng, np.log(np.bincount(owner[campaign])), "advertiser")
    over = _bent(over / over.sum(), MOST["advertiser"])
    within = _bent(within * (over / np.bincount(owner, within))[owner], MOST["campaign"])
    share = ad * (within / np.bincount(campaign, ad))[campaign]
    return _bent(share, MOST["ad"])


def _level(rng: np.random.Generator, log_ads: Floats, name: str) -> Floats:
    share, less = DORMANT.get(name, (0.0, 0.0))
    log = SPREADS[name] * rng.standard_normal(len(log_ads)) + GROWTH.get(name, 0.0) * log_ads
    return np.exp(log - less * (rng.random(len(log_ads)) < share))


def _bent(share: Floats, most: float) -> Floats:
    bent = share / (1 + share / most)
    made: Floats = bent / bent.sum()
    return made


def _lives(rng: np.random.Generator, n: int) -> tuple[Ints, Ints]:
    born = np.where(rng.random(n) < BORN_LATER, rng.integers(1, DAYS, n), -rng.integers(1, 60, n))
    ends = np.where(rng.random(n) < ENDS_EARLY, rng.integers(1, DAYS + 1, n), DAYS)
    return born, np.maximum(ends, born + 1)


def _themes(rng: np.random.Generator, of_advertiser: Ints) -> NDArray[np.int8]:
    main = pick(THEME_SHARES, rng.random(ADVERTISERS))[of_advertiser]
    other = pick(THEME_SHARES, rng.random(len(of_advertiser)))
    return np.where(rng.random(len(main)) < OWN_THEME, main, other).astype(np.int8)
