"""The four tables of documents, for those that occur in a log."""

from collections.abc import Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clickthrough.data.simulator.chance import Floats, Ints, Part, generator, hashed, uniform
from clickthrough.data.simulator.documents import (
    CATEGORIES,
    LEAST_CONFIDENCE,
    THEMES,
    TOPICS_A_THEME,
    Documents,
)  # fmt: skip
from clickthrough.data.simulator.texts import entities, ids

MOST_TOPICS, TOPICS = 12, THEMES * TOPICS_A_THEME
SOURCES, PUBLISHERS, ENTITIES_A_THEME = 14_394, 1_259, 20_000
WITHOUT_CATEGORY, ONE_CATEGORY, WITH_ENTITIES, MEAN_ENTITIES = 0.06, 0.06, 0.6, 3.1
WITHOUT_TIME, WITHOUT_SOURCE, AS_FLOAT = 0.34, 0.02, 0.03
CODES = np.array([1_000 + 100 * (c % THEMES % 11) + c // 11 + 2 for c in range(CATEGORIES)])
"""Four digits, the first two a group, as in the published table."""
_SOURCE, _PUBLISHER, _TIME, _KEPT = range(300, 304)


def document_tables(
    seed: int, documents: Documents, seen: NDArray[np.bool_]
) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield each table with its name, by document id.

    Args:
        seed: of all chance.
        documents: every document.
        seen: those that the log names, shape (documents,).
    """
    numbers = np.flatnonzero(seen)
    numbers = numbers[np.argsort(ids("document_id", numbers))]
    rng = generator(seed, Part.TEXTS)
    yield "documents_meta", _meta(seed, rng, numbers)
    yield "documents_topics", _topics(rng, documents, numbers)
    yield "documents_categories", _categories(rng, documents, numbers)
    yield "documents_entities", _entities(rng, documents, numbers)


def _meta(seed: int, rng: np.random.Generator, numbers: Ints) -> pl.DataFrame:
    source = (SOURCES * uniform(numbers, seed, _SOURCE) ** 3).astype(np.int64) + 1
    publisher = hashed(source, seed, _PUBLISHER) % np.uint64(PUBLISHERS) + np.uint64(1)
    days = rng.exponential(200, len(numbers)).astype(np.int64)
    published = np.datetime64("2016-06-13", "ms") - days * np.timedelta64(86_400_000, "ms")
    chance = rng.random((3, len(numbers)))
    texts = pl.DataFrame({"source": source, "publisher": publisher, "time": published})
    as_text = pl.col("source", "publisher").cast(pl.String)
    # a few ids read as floats, as in the published table
    tail = pl.Series(chance[0] < AS_FLOAT)
    known = pl.Series(chance[1] >= WITHOUT_SOURCE)
    with_tail = pl.when(tail).then(as_text + ".0").otherwise(as_text)
    timed = pl.Series(chance[2] >= WITHOUT_TIME)
    made = texts.select(
        pl.Series("document_id", ids("document_id", numbers)),
        pl.when(known).then(with_tail),
        pl.when(timed).then(pl.col("time").dt.strftime("%Y-%m-%d %H:%M:%S")),
    )
    names = {"source": "source_id", "publisher": "publisher_id", "time": "publish_time"}
    return made.rename(names)


def _topics(rng: np.random.Generator, documents: Documents, numbers: Ints) -> pl.DataFrame:
    """Return the two foremost topics, and others whose confidence falls to the cut."""
    first, second = documents.confidences[numbers].astype(np.float64).T
    ratio = second / np.maximum(first, 1e-9)
    # confidence falls by the same ratio from place to place
    confidence = first[:, None] * ratio[:, None] ** np.arange(MOST_TOPICS)
    others = rng.integers(0, TOPICS, (len(numbers), MOST_TOPICS))
    others[:, :2] = documents.topics[numbers]
    kept = (confidence >= LEAST_CONFIDENCE) & _first_of_row(others)
    return _long(numbers, kept, {"topic_id": others, "confidence_level": confidence.round(6)})


def _first_of_row(values: Ints) -> NDArray[np.bool_]:
    first = np.ones(values.shape, bool)
    for column in range(1, values.shape[1]):
        first[:, column] = (values[:, :column] != values[:, [column]]).all(1)
    return first


def _categories(rng: np.random.Generator, documents: Documents, numbers: Ints) -> pl.DataFrame:
    n = len(numbers)
    main = documents.category[numbers].astype(np.int64)
    other = (main + rng.integers(1, CATEGORIES, n)) % CATEGORIES
    codes = np.stack([CODES[main], CODES[other]], axis=1)
    confidence = np.tile([0.92, 0.07], (n, 1))
    chance = rng.random(n)
    kept = np.stack([chance >= WITHOUT_CATEGORY, chance >= WITHOUT_CATEGORY + ONE_CATEGORY], axis=1)
    return _long(numbers, kept, {"category_id": codes, "confidence_level": confidence})


def _entities(rng: np.random.Generator, documents: Documents, numbers: Ints) -> pl.DataFrame:
    count = np.where(
        rng.random(len(numbers)) < WITH_ENTITIES,
        rng.poisson(MEAN_ENTITIES - 1, len(numbers)) + 1,
        0,
    )
    owner = np.repeat(np.arange(len(numbers)), count)
    rank = (ENTITIES_A_THEME * rng.random(len(owner)) ** 4).astype(np.int64)
    entity = documents.theme[numbers][owner].astype(np.int64) * ENTITIES_A_THEME + rank
    frame = pl.DataFrame(
        {
            "document_id": ids("document_id", numbers)[owner],
            "entity_id": entities(entity),
            "confidence_level": rng.uniform(0.2, 0.9, len(owner)).round(6),
        }
    )
    return frame.unique(["document_id", "entity_id"], keep="first", maintain_order=True)


def _long(
    numbers: Ints, kept: NDArray[np.bool_], columns: dict[str, Ints | Floats]
) -> pl.DataFrame:
    row = np.nonzero(kept)[0]
    values = {name: column[kept] for name, column in columns.items()}
    return pl.DataFrame({"document_id": ids("document_id", numbers)[row], **values})
