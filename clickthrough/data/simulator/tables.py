"""A block of what happened, and the catalogue, as the published tables show them."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clickthrough.data.simulator.catalogue import Catalogue
from clickthrough.data.simulator.texts import ids, places, platforms, uuids
from clickthrough.data.simulator.world import Block


def impressions(block: Block) -> pl.DataFrame:
    """Return display, ad, click, truth and whether it is a train row, in the order shown."""
    shown = block.shown
    return pl.DataFrame(
        {
            "display_id": np.repeat(shown.id, shown.size),
            "ad_id": ids("ad_id", shown.ads),
            "clicked": block.clicked,
            "probability": block.probability,
            "utility": block.utility,
            "observable": block.observable,
            "train": np.repeat(shown.train, shown.size),
        }
    )


def events(block: Block, seed: int) -> pl.DataFrame:
    """Return who saw each display, when and where; train rows are marked."""
    shown = block.shown
    return pl.DataFrame(
        {
            "display_id": shown.id,
            "uuid": uuids(shown.users.uuid),
            "document_id": ids("document_id", shown.page),
            "timestamp": shown.time,
            "platform": platforms(shown.users.platform, shown.id, seed),
            "geo_location": places(shown.users.place),
            "train": shown.train,
        }
    )


def page_views(block: Block, events: pl.DataFrame) -> pl.DataFrame:
    """Return what the users of displays read, with the names of the block's events."""
    views = block.views
    who = events.select("uuid", "geo_location")[views.display.astype(np.uint32)]
    return who.select(
        "uuid",
        pl.Series("document_id", ids("document_id", views.page)),
        pl.Series("timestamp", views.time),
        pl.Series("platform", block.shown.users.platform[views.display] + 1),
        "geo_location",
        pl.Series("traffic_source", views.source),
    )


def promoted_content(ads: Catalogue) -> pl.DataFrame:
    """Return every ad with its landing page, campaign and advertiser, by id."""
    number = np.arange(len(ads.campaign))
    return pl.DataFrame(
        {
            "ad_id": ids("ad_id", number),
            "document_id": ids("document_id", ads.document),
            "campaign_id": ids("campaign_id", ads.campaign),
            "advertiser_id": ids("advertiser_id", ads.advertiser),
        }
    ).sort("ad_id")


def seen_documents(block: Block, ads: Catalogue, seen: NDArray[np.bool_]) -> None:
    """Mark the documents that a block's tables name."""
    seen[block.shown.page] = True
    seen[block.views.page] = True
    seen[ads.document[block.shown.ads]] = True
