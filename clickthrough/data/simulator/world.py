"""The world behind a log, and its blocks one after another."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clickthrough.data.simulator.catalogue import Catalogue, make_catalogue
from clickthrough.data.simulator.chance import Floats, Part, generator
from clickthrough.data.simulator.clicks import draw_clicks, softmax, utilities
from clickthrough.data.simulator.displays import Displays, Span, make_displays, spans
from clickthrough.data.simulator.documents import Documents, make_documents
from clickthrough.data.simulator.exposure import Exposure
from clickthrough.data.simulator.filtering import Filter
from clickthrough.data.simulator.law import Effects, make_effects
from clickthrough.data.simulator.observable import (
    expected_interest,
    make_filter,
    observe,
    pages_read,
)
from clickthrough.data.simulator.views import Views, make_views
from clickthrough.errors import ConfigError

LEAST_IMPRESSIONS = 1_000


@dataclass(frozen=True)
class Settings:
    """What a caller chooses.

    Attributes:
        impressions: rows of clicks_train.
        seed: of all chance.
        page_views: at most so many rows of page_views; three for each display by default.
        test_share: displays of clicks_test for each of clicks_train.

    Raises:
        ConfigError: too few impressions, or a negative number.
    """

    impressions: int
    seed: int = 7
    page_views: int | None = None
    test_share: float = 0.37

    def __post_init__(self) -> None:
        if self.impressions < LEAST_IMPRESSIONS:
            raise ConfigError(
                f"impressions: {self.impressions:,}; expected at least {LEAST_IMPRESSIONS:,}"
            )
        for name in ("seed", "page_views", "test_share"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise ConfigError(f"{name}: {value}; expected 0 or more")


@dataclass(frozen=True)
class World:
    """The hidden causes of a log."""

    ads: Catalogue
    documents: Documents
    effects: Effects


@dataclass(frozen=True)
class Block:
    """What happened in a stretch of time; impressions lie display by display.

    Attributes:
        shown: the displays.
        views: page views of their users.
        utility, probability, observable, clicked: of each impression.
    """

    shown: Displays
    views: Views
    utility: Floats
    probability: Floats
    observable: Floats
    clicked: NDArray[np.int8]


def make_world(seed: int) -> World:
    """Draw the world; its size does not depend on the log's."""
    ads = make_catalogue(seed)
    return World(ads, make_documents(seed, ads.landing_themes), make_effects(seed, ads))


def make_blocks(world: World, settings: Settings) -> Iterator[Block]:
    """Let time pass, a block at a time."""
    planned = spans(settings.impressions, settings.test_share)
    total = sum(span.train[1] + span.test[1] for span in planned)
    most = 3 * total if settings.page_views is None else settings.page_views
    exposure, oracle = Exposure(settings.seed, world.ads), make_filter(world.ads)
    train = sum(span.train[1] for span in planned)
    for span in planned:
        shown = make_displays(settings.seed, span, world.documents, exposure, train)
        end = span.start + len(shown.size)
        views = most * end // total - most * span.start // total
        yield _happen(world, settings.seed, span, shown, views, oracle)


def _happen(
    world: World, seed: int, span: Span, shown: Displays, most: int, oracle: Filter
) -> Block:
    first = shown.users.first == span.start + np.arange(len(shown.size))
    rng = generator(seed, Part.VIEWS, span.number)
    views = make_views(rng, shown, world.documents, first, most)
    made = utilities(shown, world.ads, world.documents, world.effects)
    probability = softmax(made.true, shown.offsets)
    clicked = draw_clicks(generator(seed, Part.CLICKS, span.number), probability, shown.offsets)
    display = np.repeat(np.arange(len(shown.size)), shown.size)
    counts = pages_read(shown, views, world.documents)
    known = made.plain + expected_interest(counts, made.theme, display)
    observable = observe(oracle, shown, world.ads, known, clicked)
    return Block(shown, views, made.true, probability, observable, clicked)
