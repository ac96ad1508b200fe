"""Pages and landing pages: themes, topics, categories.

A theme is the hidden cause: it decides which topics and categories a document has, who reads it
and who clicks on it. The tables show topics and categories only.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clickthrough.data.simulator.chance import Floats, Ints, Part, generator, normalized, pick

THEMES, TOPICS_A_THEME, CATEGORIES = 20, 15, 97
PAGES = 900_000
"""Documents on which ads are shown; the real log shows 894,060."""
THEME_SHARES: Floats = normalized(1 / (np.arange(THEMES) + 4.0))
"""How often pages and ads are of a theme."""
TOPIC_SHARES: Floats = normalized((np.arange(TOPICS_A_THEME) + 1.0) ** -1.6)
CATEGORY_SHARES: Floats = normalized([12, 5, 3, 2])
WITH_TOPICS, FIRST_CONFIDENCE, LEAST_CONFIDENCE = 0.83, (0.25, 0.75), 0.008
PAGE_SPREAD = 2.7
"""Of the logarithm of page popularity: 1,434 pages in the first 1,959 real events."""


@dataclass(frozen=True)
class Documents:
    """Every document; landing pages of ads come first, then pages by theme.

    Attributes:
        theme: hidden, shape (n,).
        category: 0 to 96, shape (n,).
        topics: the two foremost, 0 to 299, shape (n, 2).
        confidences: of those two, 0 without topics, shape (n, 2).
        landing: how many landing pages there are.
        slots: pages, each as often as it is popular, by theme.
        theme_slots: where each theme starts in slots, shape (themes + 1,).
    """

    theme: NDArray[np.int8]
    category: NDArray[np.int8]
    topics: NDArray[np.int16]
    confidences: NDArray[np.float32]
    landing: int
    slots: NDArray[np.int32]
    theme_slots: Ints

    def pages(self, theme: Ints, uniforms: Floats) -> Ints:
        """Draw a page of each theme by popularity."""
        start, end = self.theme_slots[theme], self.theme_slots[theme + 1]
        drawn: Ints = self.slots[start + (uniforms * (end - start)).astype(np.int64)].astype(
            np.int64
        )
        return drawn

    def cosine(self, one: Ints, other: Ints) -> Floats:
        """Return the cosine of the topics of pairs of documents, by their two foremost topics."""
        a, b = self.topics[one], self.topics[other]
        x, y = self._unit(one), self._unit(other)
        same = a[:, :, None] == b[:, None, :]
        made: Floats = (same * x[:, :, None] * y[:, None, :]).sum((1, 2), dtype=np.float64)
        return made

    def _unit(self, documents: Ints) -> NDArray[np.float32]:
        weights = self.confidences[documents]
        norm = np.sqrt((weights**2).sum(1, keepdims=True))
        unit: NDArray[np.float32] = weights / np.maximum(norm, 1e-9)
        return unit


def make_documents(seed: int, landing_themes: NDArray[np.int8]) -> Documents:
    """Draw documents; the themes of landing pages are given by their advertisers."""
    rng = generator(seed, Part.DOCUMENTS)
    page_themes = np.sort(pick(THEME_SHARES, rng.random(PAGES))).astype(np.int8)
    theme = np.concatenate([landing_themes, page_themes])
    slots, theme_slots = _slots(rng, page_themes, len(landing_themes))
    return Documents(
        theme=theme,
        category=_categories(rng, theme),
        topics=_topics(rng, theme),
        confidences=_confidences(rng, len(theme)),
        landing=len(landing_themes),
        slots=slots,
        theme_slots=theme_slots,
    )


def _slots(
    rng: np.random.Generator, themes: NDArray[np.int8], first: int
) -> tuple[NDArray[np.int32], Ints]:
    weight = np.exp(PAGE_SPREAD * rng.standard_normal(len(themes)))
    ends = np.floor(np.cumsum(weight) / weight.sum() * 2**22 + rng.random()).astype(np.int64)
    counts = np.diff(ends, prepend=0)
    pages = np.arange(first, first + len(themes), dtype=np.int32)
    edges = np.searchsorted(themes, np.arange(THEMES + 1))
    return np.repeat(pages, counts), np.append(0, ends)[edges]


def _categories(rng: np.random.Generator, theme: NDArray[np.int8]) -> NDArray[np.int8]:
    rank = pick(CATEGORY_SHARES, rng.random(len(theme)))
    # the 97 categories are dealt to themes in turn
    return (theme + THEMES * rank).astype(np.int8)


def _topics(rng: np.random.Generator, theme: NDArray[np.int8]) -> NDArray[np.int16]:
    n = len(theme)
    ranks = pick(TOPIC_SHARES, rng.random(2 * n)).reshape(n, 2)
    ranks[:, 1] = np.where(
        ranks[:, 0] == ranks[:, 1], (ranks[:, 1] + 1) % TOPICS_A_THEME, ranks[:, 1]
    )
    made: NDArray[np.int16] = (theme[:, None] + THEMES * ranks).astype(np.int16)
    return made


def _confidences(rng: np.random.Generator, n: int) -> NDArray[np.float32]:
    first = rng.uniform(*FIRST_CONFIDENCE, n)
    known = rng.random(n) < WITH_TOPICS
    # confidence falls by this ratio from topic to topic: 4.5 topics above the cut on average
    ratio = 0.01 + 0.89 * rng.random(n) ** 2.2
    made = np.stack([first, first * ratio], axis=1) * known[:, None]
    return made.astype(np.float32)
