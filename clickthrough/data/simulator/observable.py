"""The oracle that sees only what the log shows: how far could a perfect model get?

**Observable** is what the tables hold as of a display, read by one who knows the world's law:

- *plain* effects, exactly: page-ad topic cosine, category by platform and by hour, position, age;
- the user's interest, as its posterior given the themes of the pages that the user has read: the
  page of the display, and page views of earlier ticks (written ones only);
- quality, as its posterior mean given the clicks of clicks_train at earlier ticks. Quality is a
  sum of advertiser, campaign, document and ad, each normal with known variance and mean 0, so an
  ad never shown has its advertiser's estimate, and an advertiser never shown has 0.

It knows no effect that a log cannot show: not the quality of an ad beyond the clicks on it, not its
drift, not the advertiser's standing in a country, not the user's interest, nor any click of
clicks_test. The posterior is a Gaussian filter with independent keys (as in Graepel et al., 2010,
'Web-scale Bayesian click-through rate prediction', with the softmax's own gradient and curvature),
so it is near, not at, the best that these data allow; the part of a theme that the topics of a
document leave open is taken as known.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from clickthrough.data.simulator.catalogue import Catalogue
from clickthrough.data.simulator.chance import Floats, Ints
from clickthrough.data.simulator.displays import READ_BY_INTEREST
from clickthrough.data.simulator.documents import THEME_SHARES, THEMES
from clickthrough.data.simulator.law import INTEREST, LEVELS, QUALITY


def expected_interest(counts: NDArray[np.int64], theme: NDArray[np.int8], display: Ints) -> Floats:
    """Return the expected utility of an ad's theme, given the pages that its user has read.

    Args:
        counts: pages known to be read by theme, shape (displays, themes).
        theme: of each ad, shape (impressions,).
        display: of each ad, shape (impressions,).
    """
    ratio = READ_BY_INTEREST / (1 - READ_BY_INTEREST) / THEME_SHARES + 1
    weight = THEME_SHARES * ratio**counts
    posterior = weight / weight.sum(1, keepdims=True)
    made: Floats = INTEREST * posterior[display, theme]
    return made


def theme_counts(display: Ints, theme: NDArray[np.int8], displays: int) -> NDArray[np.int64]:
    """Count pages by display and theme, shape (displays, themes)."""
    flat = np.bincount(display * THEMES + theme, minlength=displays * THEMES)
    return flat.reshape(displays, THEMES)


@dataclass
class QualityFilter:
    """Estimates of quality, level by level, from the clicks seen so far."""

    keys: tuple[NDArray[np.int32], ...]
    """The key of each ad at each level, shape (ads,)."""
    mean: list[Floats] = field(init=False)
    variance: list[Floats] = field(init=False)
    _waiting: list[tuple[Ints, Floats, Floats]] = field(init=False, default_factory=list)
    _tick: int = field(init=False, default=-1)

    @classmethod
    def of(cls, ads: Catalogue) -> "QualityFilter":
        """Start from the known variances."""
        ad = np.arange(len(ads.campaign), dtype=np.int32)
        return cls((ads.advertiser, ads.campaign, ads.document, ad))

    def __post_init__(self) -> None:
        sizes = [int(key.max()) + 1 for key in self.keys]
        self.mean = [np.zeros(size) for size in sizes]
        variances = [QUALITY[name] ** 2 for name in LEVELS]
        self.variance = [np.full(n, v) for n, v in zip(sizes, variances, strict=True)]

    def forecast(
        self,
        tick: int,
        ads: Ints,
        offsets: Ints,
        known: Floats,
        clicked: NDArray[np.int8],
        train: NDArray[np.bool_],
    ) -> Floats:
        """Return probabilities of the displays of a tick, then keep their clicks for later ones.

        Args:
            tick: of all these displays, never earlier than the last.
            ads: shape (impressions,).
            offsets: where each display starts, and the end.
            known: the other expected utilities, shape (impressions,).
            clicked: 0 or 1, shape (impressions,).
            train: whether the log shows the click, shape (impressions,).
        """
        if tick != self._tick:
            self._learn()
            self._tick = tick
        utility = known.copy()
        for key, mean in zip(self.keys, self.mean, strict=True):
            utility += mean[key[ads]]
        weight = np.exp(utility)
        made: Floats = weight / np.repeat(np.add.reduceat(weight, offsets[:-1]), np.diff(offsets))
        seen = made[train]
        self._waiting.append((ads[train], clicked[train] - seen, seen * (1 - seen)))
        return made

    def _learn(self) -> None:
        if not self._waiting:
            return
        ads, gradient, curvature = (np.concatenate(x) for x in zip(*self._waiting, strict=True))
        self._waiting.clear()
        keys = [key[ads] for key in self.keys]
        spread = [variance[key] for key, variance in zip(keys, self.variance, strict=True)]
        total = np.sum(spread, axis=0)
        for level, key in enumerate(keys):
            # what a click says about one level is blurred by how little is known of the others
            information = curvature / (1 + curvature * (total - spread[level]))
            touched, place = np.unique(key, return_inverse=True)
            precision = 1 / self.variance[level][touched] + np.bincount(place, information)
            pull = np.bincount(place, gradient * information / np.maximum(curvature, 1e-12))
            self.variance[level][touched] = 1 / precision
            self.mean[level][touched] += pull / precision
