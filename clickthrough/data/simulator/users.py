"""Who sees a display: users are hashes of their first display's number, so none is kept.

A display is a user's first, or its user is that of an earlier display, drawn evenly among all:
those seen often come back more often, and events per user have a long tail (Simon, 1955).
"""

from dataclasses import dataclass

import numpy as np

from clickthrough.data.simulator.chance import Floats, Ints, Words, hashed, pick, uniform
from clickthrough.data.simulator.documents import THEME_SHARES
from clickthrough.data.simulator.places import PLACE_SHARES

EVENTS_PER_USER = 1.168
WARM = 0.755
"""Users of displays who have other page views."""
PLATFORM_SHARES: Floats = np.array([0.388, 0.518, 0.094])
"""Desktop, mobile and tablet, of all page views."""
_CAME_BACK, _EARLIER, _UUID, _PLATFORM, _PLACE, _INTEREST, _WARM = range(100, 107)


@dataclass(frozen=True)
class Users:
    """Users of some displays; every field has shape (displays,).

    Attributes:
        first: the number of the user's first display.
        uuid: 56 bits.
        platform: 0 to 2.
        place: index of a place.
        interest: the theme that the user likes, hidden.
        warm: whether there are other page views.
    """

    first: Ints
    uuid: Words
    platform: Ints
    place: Ints
    interest: Ints
    warm: np.ndarray


def users_of(displays: Ints, seed: int) -> Users:
    """Return the users of displays, given by their numbers in order of time."""
    first = _first_displays(displays, seed)
    return Users(
        first=first,
        uuid=hashed(first, seed, _UUID) >> np.uint64(8),
        platform=pick(PLATFORM_SHARES, uniform(first, seed, _PLATFORM)),
        place=pick(PLACE_SHARES, uniform(first, seed, _PLACE)),
        interest=pick(THEME_SHARES, uniform(first, seed, _INTEREST)),
        warm=uniform(first, seed, _WARM) < WARM,
    )


def _first_displays(displays: Ints, seed: int) -> Ints:
    first = displays.copy()
    moving = np.arange(len(first))
    while len(moving):
        back = uniform(first[moving], seed, _CAME_BACK) < 1 - 1 / EVENTS_PER_USER
        moving = moving[back & (first[moving] > 0)]
        first[moving] = (uniform(first[moving], seed, _EARLIER) * first[moving]).astype(np.int64)
    return first
