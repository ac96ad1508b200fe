"""Page views as events: each counts once, for histories of page views and no others."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from clickthrough.config.features import Counters, Feature
from clickthrough.config.serving import Serving
from clickthrough.errors import RequestError
from clickthrough.features.history.online import online_histories
from clickthrough.features.history.snapshot import Snapshot
from clickthrough.features.plan import make_plan
from clickthrough.features.rows import RowParser, Value
from clickthrough.schema import Schema
from clickthrough.store import MemoryStore, SQLiteStore, Store
from clickthrough.streaming.recorder import Receipt, Recorder, Source

SCHEMA = Schema(
    roles={"label": "clicked", "request_id": "display", "time": "ts", "user": "who", "item": "ad"},
    fields={"request_id": "int", "user": "str", "item": "int", "page": "int", "topic": "str"},
    views=["user", "page", "topic"],
)
FEATURES: list[dict[str, object]] = [
    {"kind": "counter", "key": "user", "half_lives": ["1h"]},
    {"kind": "counter", "key": "page", "values": ["impressions", "clicks"]},
    {"kind": "match", "fields": "page"},
    {"kind": "counter", "of": "views", "key": "user"},
    {"kind": "counter", "of": "views", "key": ["user", "page"]},
    {"kind": "match", "of": "views", "fields": "item", "against": "page", "length": 3},
]
T = 2_840_000
"""A tick of ten minutes, in 2024."""


class Watching:
    """A recorder of page views, and what histories say."""

    def __init__(self, store: Store) -> None:
        declared = TypeAdapter(list[Feature]).validate_python(FEATURES)
        plan = make_plan(declared, Counters(tick=600), SCHEMA, "UTC")
        names = [*(k.name for k in plan.key_sets), *(s.name for s in plan.sequence_sets)]
        self.store = store
        self.histories = online_histories(plan, SCHEMA, dict.fromkeys(names, Snapshot.of({})))
        parser = RowParser(SCHEMA, plan.fields)
        self.recorder = Recorder([Source(parser, self.histories)], store, Serving())

    def record(self, *events: dict[str, Any]) -> Receipt:
        return self.recorder.record(events)

    def read(self, of: str, tick: int = T + 1, page: int = 3) -> dict[str, list[float]]:
        """Return what histories of a kind say of ann and a page."""
        values: dict[str, list[Value]] = {
            "user": ["ann"],
            "item": [page],
            "page": [page],
            "topic": ["a"],
        }
        found: dict[str, list[float]] = {}
        for history in self.histories:
            if history.of == of:
                columns = history.read(self.store, values, np.array([tick]))
                found |= {k: v.ravel().tolist() for k, v in columns.items() if ":age" not in k}
        return found


@pytest.fixture(params=["memory", "sqlite"])
def watching(request: pytest.FixtureRequest, tmp_path: Path) -> Watching:
    if request.param == "memory":
        return Watching(MemoryStore())
    return Watching(SQLiteStore(tmp_path / "store.sqlite"))


def view(tick: float = T, **fields: object) -> dict[str, Any]:
    return {"type": "view", "ts": tick * 600, "who": "ann", "page": 3, "topic": "a", **fields}


def test_a_view_counts_once_from_the_next_tick(watching: Watching) -> None:
    assert watching.record(view()) == Receipt(views=1)
    assert watching.read("views", T)["views:user:impressions"] == [0]
    assert watching.read("views")["views:user:impressions"] == [1]
    assert watching.read("views")["views:user+page:impressions"] == [1]
    assert watching.read("views", page=4)["views:user+page:impressions"] == [0]
    assert watching.read("views")["user:viewed:page:size"] == [1]
    assert watching.read("views")["user:viewed:page"][0] == 3


def test_a_view_that_is_sent_again_changes_nothing(watching: Watching) -> None:
    watching.record(view())
    before = watching.read("views")
    assert watching.record(view(), view()) == Receipt(duplicates=2)
    assert watching.read("views") == before
    assert watching.record(view(), view()) == Receipt(duplicates=2)


def test_views_that_differ_in_a_field_or_the_moment_are_several(watching: Watching) -> None:
    others = [view(), view(page=4), view(topic="b"), view(tick=T + 0.001), view(who="bob")]
    assert watching.record(*others, view()) == Receipt(views=5, duplicates=1)
    assert watching.read("views")["views:user:impressions"] == [4]


def test_a_view_changes_no_history_of_impressions(watching: Watching) -> None:
    before = watching.read("impressions")
    assert before["user:impressions"] == [0]
    watching.record(view(), view(page=4, display=7, ad=9))
    assert watching.read("impressions") == before


def test_an_impression_changes_no_history_of_views(watching: Watching) -> None:
    before = watching.read("views")
    shown = {"ts": T * 600, "who": "ann", "page": 3, "display": 7, "ad": 3}
    told = watching.record({"type": "impression", **shown}, {"type": "click", **shown})
    assert told == Receipt(impressions=1, clicks=1)
    assert watching.read("views") == before
    after = watching.read("impressions")
    assert (after["user:impressions"], after["user:clicks"]) == ([1], [1])


def test_events_of_all_kinds_may_come_in_one_batch(watching: Watching) -> None:
    shown = {"ts": T * 600, "who": "ann", "page": 3, "display": 7, "ad": 3}
    told = watching.record(view(), {"type": "click", **shown}, {"type": "impression", **shown})
    assert told == Receipt(impressions=1, clicks=1, views=1, waiting=1)
    assert watching.read("views")["views:user:impressions"] == [1]
    assert watching.read("impressions")["user:impressions"] == [1]


def test_a_view_without_a_user_counts_for_nobody(watching: Watching) -> None:
    assert watching.record(view(who=None)) == Receipt(views=1)
    assert watching.read("views")["views:user:impressions"] == [0]


def test_a_malformed_view_is_named_and_nothing_of_its_batch_counts(watching: Watching) -> None:
    with pytest.raises(RequestError, match="row 1: field 'page': expected a whole number"):
        watching.record(view(), view(page="home"))
    assert watching.read("views")["views:user:impressions"] == [0]
