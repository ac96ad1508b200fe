"""The oracle that sees only what the log shows: how far could a perfect model get?

**Observable** is what the tables hold as of a display, read by one who knows the world's law
(which effects there are, their shape and their spread) and computes well:

- what every row shows, exactly: the cosine of the page's and the ad's topics, category by platform
  and by hour, position, days since the ad was born;
- the user's interest, as its posterior given the themes of pages that the user has read: the page
  of the display, and the page views around it of earlier ticks (written ones only). A document's
  theme shows in its categories and topics;
- quality of advertiser, campaign, document and ad, and an advertiser's standing in a country: their
  posterior means given the clicks of clicks_train at earlier ticks (10 minutes).

So of an ad never shown it knows what its advertiser's other ads have shown, and of an advertiser
never shown nothing. It sees no click of clicks_test, no later tick, and neither the user's interest
nor any quality itself. Keys are estimated independently, an ad's slow drift and the earlier
displays of a returning user are left out, so it stands near, not at, the best that a log allows.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from clickthrough.data.simulator.catalogue import Catalogue
from clickthrough.data.simulator.chance import Floats, Ints
from clickthrough.data.simulator.clock import TICK_MS
from clickthrough.data.simulator.displays import READ_BY_INTEREST, Displays
from clickthrough.data.simulator.documents import THEME_SHARES, THEMES, Documents
from clickthrough.data.simulator.filtering import Filter, Rows
from clickthrough.data.simulator.law import COUNTRY, INTEREST, deviations
from clickthrough.data.simulator.places import COUNTRIES, COUNTRY_OF
from clickthrough.data.simulator.views import Views


def expected_interest(counts: Ints, theme: NDArray[np.int8], display: Ints) -> Floats:
    """Return the expected utility of an ad's theme, given the pages that its user has read.

    Args:
        counts: pages known to be read by theme, shape (displays, themes).
        theme: of each ad, shape (impressions,).
        display: of each ad, shape (impressions,).
    """
    # how much likelier a page of a theme is for those who like it
    ratio = 1 + READ_BY_INTEREST / (1 - READ_BY_INTEREST) / THEME_SHARES
    weight = THEME_SHARES * ratio**counts
    posterior = weight / weight.sum(1, keepdims=True)
    made: Floats = INTEREST * posterior[display, theme]
    return made


def pages_read(shown: Displays, views: Views, documents: Documents) -> Ints:
    """Count the pages that each display's user is known to have read, by theme.

    Returns:
        The display's own page and page views of earlier ticks, shape (displays, themes).
    """
    earlier = views.time // TICK_MS < shown.time[views.display] // TICK_MS
    display = np.concatenate([np.arange(len(shown.size)), views.display[earlier]])
    theme = documents.theme[np.concatenate([shown.page, views.page[earlier]])]
    counts = np.bincount(display * THEMES + theme, minlength=len(shown.size) * THEMES)
    return counts.reshape(-1, THEMES)


def make_filter(ads: Catalogue) -> Filter:
    """Return what is known of every hidden effect before the log begins."""
    country = np.full((int(ads.advertiser.max()) + 1) * COUNTRIES, COUNTRY)
    return Filter([*deviations(ads).values(), country])


def observe(
    oracle: Filter, shown: Displays, ads: Catalogue, known: Floats, clicked: NDArray[np.int8]
) -> Floats:
    """Return the oracle's probabilities of a block, and let it learn from the block's clicks.

    Args:
        oracle: as of the end of the block before.
        shown: the displays of the block.
        ads: every ad.
        known: all of the expected utility but the filter's effects, shape (impressions,).
        clicked: 0 or 1, shape (impressions,).
    """
    tick = shown.time // TICK_MS
    rows = _rows(shown, ads, known, clicked)
    edges = [0, *(np.flatnonzero(np.diff(tick)) + 1).tolist(), len(tick)]
    made = [oracle.forecast(int(tick[a]), rows.part(a, b)) for a, b in pairwise(edges)]
    return np.concatenate(made)


def _rows(shown: Displays, ads: Catalogue, known: Floats, clicked: NDArray[np.int8]) -> Rows:
    display = np.repeat(np.arange(len(shown.size)), shown.size)
    advertiser, country = ads.advertiser[shown.ads], COUNTRY_OF[shown.users.place][display]
    levels = [key[shown.ads] for key in ads.levels.values()]
    return Rows(
        keys=(*levels, advertiser * COUNTRIES + country),
        offsets=shown.offsets,
        known=known,
        clicked=clicked,
        shown=shown.train[display],
    )
