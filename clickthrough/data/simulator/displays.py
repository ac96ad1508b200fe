"""Displays: when, which user, which page, how many ads, which ads, train or test.

The log's time is cut into blocks of about equal numbers of displays; a block is computed alone
from its own generator.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clickthrough.data.simulator.chance import Floats, Ints, Part, generator, normalized, pick
from clickthrough.data.simulator.clock import DAYS, TRAIN_DAYS, day_of, moments
from clickthrough.data.simulator.documents import THEME_SHARES, Documents
from clickthrough.data.simulator.exposure import MOST_ADS, Exposure
from clickthrough.data.simulator.users import Users, users_of

SIZES = np.array([2, 3, 4, 5, 6, 7, 8, 9, 10, 12])
SIZE_SHARES: Floats = normalized(
    [0.051, 0.092, 0.353, 0.067, 0.321, 0.006, 0.05, 0.047, 0.012, 0.0008]
)
"""Ads per display, counted on real displays."""
READ_BY_INTEREST = 0.55
"""Share of pages that a user reads for the theme they like; all others are drawn by theme."""
BLOCK = 32_768


@dataclass(frozen=True)
class Span:
    """A block: which displays, of the whole log's timeline and of each file.

    Attributes:
        number: of the block.
        days: first and last (not included).
        shares: of the displays of those days, from and to.
        start: number of its first display in order of time.
        train, test: numbers of its first display among each, and how many.
        rows: of clicks_train, 0 after day 12.
    """

    number: int
    days: tuple[int, int]
    shares: tuple[float, float]
    start: int
    train: tuple[int, int]
    test: tuple[int, int]
    rows: int


def spans(impressions: int, test_share: float) -> list[Span]:
    """Cut a log into blocks: days 0 to 12 hold train and half of test, days 13 and 14 the rest."""
    train = max(1, round(impressions / float(SIZES @ SIZE_SHARES)))
    test = round(train * test_share)
    made: list[Span] = []
    start = 0
    for days, (t0, t1), (s0, s1), rows in (
        ((0, TRAIN_DAYS), (0, train), (0, test // 2), impressions),
        ((TRAIN_DAYS, DAYS), (train, train), (test // 2, test), 0),
    ):
        count = t1 - t0 + s1 - s0
        blocks = -(-count // BLOCK)
        for b in range(blocks):
            t, s, r = (_cut(n, b, blocks) for n in (t1 - t0, s1 - s0, rows))
            shares = (b / blocks, (b + 1) / blocks)
            made.append(
                Span(len(made), days, shares, start, (t0 + t[0], t[1]), (s0 + s[0], s[1]), r[1])
            )
            start += t[1] + s[1]
    return made


def _cut(total: int, block: int, blocks: int) -> tuple[int, int]:
    start, end = total * block // blocks, total * (block + 1) // blocks
    return start, end - start


@dataclass(frozen=True)
class Displays:
    """The displays of a block in order of time, shape (displays,) unless said otherwise.

    Attributes:
        id: as the tables name it.
        train: whether the click is in clicks_train.
        time: milliseconds of the log's clock.
        users: who.
        page: index of the document on which it was shown.
        size: how many ads.
        ads: their indices, display by display in the order shown, shape (impressions,).
    """

    id: Ints
    train: NDArray[np.bool_]
    time: Ints
    users: Users
    page: Ints
    size: Ints
    ads: Ints

    @property
    def offsets(self) -> Ints:
        """Where the ads of each display start, and the end."""
        return np.append(0, np.cumsum(self.size))


def make_displays(
    seed: int, span: Span, documents: Documents, exposure: Exposure, train_total: int
) -> Displays:
    """Draw the displays of a block."""
    rng = generator(seed, Part.DISPLAYS, span.number)
    counts = (span.train[1], span.test[1])
    time = np.concatenate([_times(rng, span, count) for count in counts])
    ids = [
        1 + span.train[0] + np.arange(counts[0]),
        1 + train_total + span.test[0] + np.arange(counts[1]),
    ]
    size = np.concatenate(
        [_sizes(rng, counts[0], span.rows), rng.choice(SIZES, counts[1], p=SIZE_SHARES)]
    )
    order = np.argsort(time, kind="stable")
    time, size = time[order], size[order]
    users = users_of(span.start + np.arange(len(time)), seed)
    page = read_pages(rng, documents, users.interest)
    ads = exposure.draw(rng, day_of(time), documents.theme[page].astype(np.int64), size)
    return Displays(
        id=np.concatenate(ids)[order],
        train=order < counts[0],
        time=time,
        users=users,
        page=page,
        size=size,
        ads=ads[np.arange(MOST_ADS) < size[:, None]],
    )


def read_pages(rng: np.random.Generator, documents: Documents, interest: Ints) -> Ints:
    """Draw a page for each of some users, half of the time for what they like."""
    general = pick(THEME_SHARES, rng.random(len(interest)))
    theme = np.where(rng.random(len(interest)) < READ_BY_INTEREST, interest, general)
    return documents.pages(theme, rng.random(len(interest)))


def _times(rng: np.random.Generator, span: Span, count: int) -> Ints:
    low, high = span.shares
    # one moment in each of ``count`` equal parts, so they ascend
    within = (np.arange(count) + rng.random(count)) / max(count, 1)
    return moments(*span.days, low + within * (high - low))


def _sizes(rng: np.random.Generator, displays: int, rows: int) -> Ints:
    """Return sizes of displays in their published shares that sum to exactly ``rows``."""
    ends = np.round(np.cumsum(SIZE_SHARES) * displays).astype(np.int64)
    size = rng.permutation(np.repeat(SIZES, np.diff(ends, prepend=0)))
    while missing := rows - int(size.sum()):
        can = np.flatnonzero((size > SIZES[0]) & (size < SIZES[-1]))
        size[rng.permutation(can)[: abs(missing)]] += np.sign(missing)
    return size
