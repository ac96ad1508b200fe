"""Page views of the users of displays: the page of the display itself, and others around it.

Views follow from what users like, never from what they click, so they tell of tastes and of
nothing that happens later. Real page views know many more users, who see no display.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clickthrough.data.simulator.chance import Floats, Ints, normalized
from clickthrough.data.simulator.clock import END_MS
from clickthrough.data.simulator.displays import Displays, read_pages
from clickthrough.data.simulator.documents import Documents

MEAN_DISTANCE_MS = 86_400_000
SOURCE_SHARES: Floats = normalized([1_293_550_863, 343_133_832, 397_590_753])
"""Internal, search and social, of all page views."""


@dataclass(frozen=True)
class Views:
    """Page views of a block, shape (views,).

    Attributes:
        display: whose user looks, index within the block.
        page: index of a document.
        time: milliseconds of the log's clock.
        source: 1 to 3.
    """

    display: Ints
    page: Ints
    time: Ints
    source: Ints


def make_views(
    rng: np.random.Generator,
    shown: Displays,
    documents: Documents,
    first: NDArray[np.bool_],
    most: int,
) -> Views:
    """Draw page views: at most ``most``, the displays' own before others.

    Args:
        rng: of the block.
        shown: the block's displays.
        documents: every document.
        first: whether a display is its user's first, shape (displays,).
        most: how many are written.
    """
    own = np.arange(len(first))
    if most < len(own):
        own = np.sort(rng.permutation(own)[:most])
    other = np.repeat(np.arange(len(first)), _others(rng, shown.users.warm, first, most - len(own)))
    other = other[: most - len(own)]
    away = np.minimum(rng.exponential(MEAN_DISTANCE_MS, len(other)), END_MS - 1).astype(np.int64)
    time = shown.time[other] + away * rng.choice([-1, 1], len(other))
    # the ends of the log reflect
    time = END_MS - 1 - np.abs(END_MS - 1 - np.abs(time))
    return Views(
        display=np.concatenate([own, other]),
        page=np.concatenate(
            [shown.page[own], read_pages(rng, documents, shown.users.interest[other])]
        ),
        time=np.concatenate([shown.time[own], time]),
        source=1 + rng.choice(3, len(own) + len(other), p=SOURCE_SHARES),
    )


def _others(
    rng: np.random.Generator, warm: NDArray[np.bool_], first: NDArray[np.bool_], count: int
) -> Ints:
    """Return how many other views a display brings: one for each warm user, then by chance."""
    least = (warm & first).astype(np.int64)
    spare = count - int(least.sum())
    if spare < 0:
        return least * (rng.random(len(least)) < count / max(int(least.sum()), 1))
    mean = spare / max(int(warm.sum()), 1)
    return least + warm * (rng.geometric(1 / (1 + mean), len(least)) - 1)
