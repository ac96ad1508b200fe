"""What pages and ads share, how old they are, rates towards wider keys, page views: live as batch.

The test part of a log is pushed through a predictor, request by request with all that happened
before; the inputs of its model must equal those that the batch side encodes.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
import pytest

from clickthrough.bundle import Bundle, load_bundle
from clickthrough.config.load import parse_config
from clickthrough.data.dataset import Dataset
from clickthrough.data.open import open_dataset
from clickthrough.data.outbrain.tables import EPOCH_MS
from clickthrough.data.split import TEST, with_part
from clickthrough.features.encoding.encoder import Encoded, Encoder
from clickthrough.replay import InProcess, replay
from clickthrough.serving.predictor import Predictor
from clickthrough.trace import trace
from clickthrough.training.prepare import prepare, snapshots_before_test
from clickthrough.training.run import train
from tests.data.outbrain.made import random_tables, write

FEATURES: list[dict[str, object]] = [
    {"kind": "elapsed", "fields": ["published", "ad_published"], "relative": ["difference"]},
    {
        "kind": "cosine",
        "fields": ["topic_ids", "ad_topic_ids"],
        "weights": ["topic_confidences", "ad_topic_confidences"],
        "relative": ["rank", "difference"],
    },
    {"kind": "cosine", "fields": ["entity_ids", "ad_entity_ids"], "length": 1},
    {"kind": "counter", "key": "item", "toward": "campaign_id", "half_lives": ["1d"]},
    {"kind": "counter", "key": "campaign_id", "toward": "advertiser_id", "smoothing": 3},
    {"kind": "counter", "key": "advertiser_id", "smoothing": 40},
    {"kind": "counter", "of": "views", "key": "user", "windows": ["1d"]},
    {"kind": "match", "fields": "ad_topic_id", "against": "topic_id"},
    {
        "kind": "match",
        "of": "views",
        "fields": ["ad_document_id", "ad_source_id"],
        "against": ["document_id", "source_id"],
        "relative": ["rank"],
    },
]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = tmp_path_factory.mktemp("documents")
    config = parse_config(
        {
            "data": {
                "reader": "outbrain",
                "path": str(write(folder / "log", random_tables(500, days=3))),
                "cache": str(folder / "cache"),
                "split": {"validation": 0.2, "test": 0.2},
            },
            "counters": {"tick": "10m", "label_delay": "20m"},
            "features": FEATURES,
            "model": {"name": "wide_deep", "hidden": [8], "members": 2},
            "training": {"epochs": 1},
        },
        "test",
    )
    train(config, folder / "bundle", baselines=False)
    return load_bundle(folder / "bundle")


def raw(row: dict[str, Any], dataset: Dataset) -> dict[str, Any]:
    """Return a row as its sender knows it: by the log's names, in the log's clock."""
    named = {dataset.schema.input_name(name): row[name] for name in row}
    return named | {"timestamp": row["time"] // 1_000 - EPOCH_MS}


def encoded_live(bundle: Bundle, dataset: Dataset, told: bool) -> Iterator[None]:
    """Score each request of the test part after what happened before; tell of it if wanted."""
    predictor = Predictor(bundle, Predictor.load(bundle.path).store)
    views = dataset.views()
    assert views is not None
    _, until = snapshots_before_test(dataset, bundle.config)
    waiting = views.filter(pl.col("time") >= until).collect().to_dicts()
    test = with_part(dataset, bundle.config.data.split).filter(pl.col("part") == TEST)
    fields = ["request_id", "time", "label", *bundle.plan.fields, "item"]
    rows = test.select(list(dict.fromkeys(fields))).collect()
    for request in rows.partition_by("request_id", maintain_order=True):
        shown = [raw(row, dataset) for row in request.drop("label").to_dicts()]
        now = request["time"][0]
        seen, waiting = (
            [v for v in waiting if v["time"] < now], [v for v in waiting if v["time"] >= now]
        )  # fmt: skip
        if told:
            predictor.observe([{"type": "view", **raw(view, dataset)} for view in seen])
        predictor.predict(shown)
        if told:
            clicked = [row for row, y in zip(shown, request["label"], strict=True) if y]
            predictor.observe([{"type": "impression", **row} for row in shown])
            predictor.observe([{"type": "click", **row} for row in clicked])
        yield


def live_inputs(bundle: Bundle, dataset: Dataset, told: bool) -> Encoded:
    """Return the inputs of the model in order of the log."""
    encode, made = Encoder.encode, []

    def remembering(self: Encoder, *given: Any) -> Encoded:  # noqa: ANN401
        made.append(encode(self, *given))
        return made[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Encoder, "encode", remembering)
        for _ in encoded_live(bundle, dataset, told):
            pass
    return Encoded.joined(made)


def differing(bundle: Bundle, live: Encoded, batch: Encoded) -> set[str]:
    """Return the numeric inputs in which live and batch differ."""
    gap = np.abs(live.numeric - batch.numeric).max(axis=0)
    return {n for n, far in zip(bundle.encoder.numeric_names, gap, strict=True) if far > 1e-6}


def test_the_live_path_encodes_what_the_batch_side_encodes(bundle: Bundle) -> None:
    dataset = open_dataset(bundle.config.data)
    batch = prepare(dataset, bundle.config, "live", bundle.encoder).tables["test"].inputs
    assert len(batch) > 200
    assert (np.ptp(batch.numeric, axis=0) > 0).sum() >= 20
    live = live_inputs(bundle, dataset, told=True)
    assert differing(bundle, live, batch) == set()
    untold = differing(bundle, live_inputs(bundle, dataset, told=False), batch)
    assert {"item_rate", "campaign_id_rate", "user_views", "ad_source_id_in_user_views"} <= untold
    assert not {name for name in untold if "_like_" in name or "elapsed" in name}


class Blind(InProcess):
    """A live path that is told of all but page views."""

    def events(self, events: list[dict[str, Any]]) -> None:
        super().events([event for event in events if event["type"] != "view"])


def test_a_log_with_page_views_replays_without_a_difference(bundle: Bundle) -> None:
    dataset = open_dataset(bundle.config.data)
    told = replay(bundle, dataset, InProcess(Predictor.load(bundle.path)))
    assert told["largest_difference"] < 1e-6
    blind = replay(bundle, dataset, Blind(Predictor.load(bundle.path)))
    assert blind["largest_difference"] > 1e-4


def test_a_trace_tells_of_page_views(bundle: Bundle) -> None:
    dataset = open_dataset(bundle.config.data)
    last = dataset.report.impressions - 1
    found = [trace(bundle.config, dataset, str(row)) for row in range(last - 40, last, 8)]
    assert {f.name for one in found for f in one.features if not f.agrees} == set()
    views = [event for one in found for event in one.events["views:user"]]
    assert {event.row for event in views} == {None}
    assert {event.known for event in views} == {True, False}
    said = [{f.name: f.batch for f in one.features} for one in found]
    known = [sum(event.known for event in one.events["views:user"]) for one in found]
    assert [one["views:user:clicks"] for one in said] == known
    viewed = [name for name in found[0].events if ":viewed:" in name]
    assert len(viewed) == 2
    assert any(one.events[name] for one in found for name in viewed)
