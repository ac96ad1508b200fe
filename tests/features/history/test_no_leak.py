"""What an impression may not know changes none of its features.

First one event at a time, on a small log: nothing at or after an impression's cut-off (its tick
less the label delay) changes its features, and what lies before does. Then all labels at once, on
the real log: labels that are shuffled cannot be predicted, unless a feature has seen them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import lightgbm
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import TypeAdapter

from clickthrough.config import load_config
from clickthrough.config.features import Counters, Feature
from clickthrough.data.dataset import HISTORY, IMPRESSIONS, Dataset
from clickthrough.data.open import open_dataset
from clickthrough.evaluation.metrics import auc
from clickthrough.features.encoding.encoder import Encoded, Encoder
from clickthrough.features.fit import fit_encoder
from clickthrough.features.history.stage import HistoryStage
from clickthrough.features.plan import Plan, make_plan
from clickthrough.schema import Schema
from clickthrough.training.rows.table import encode_frame

MINUTE = 60_000_000
TICK = 10 * MINUTE
DELAY = 1
ITEMS = "abcdefghijkl"
COUNTERS = Counters(tick=600, label_delay=600 * DELAY)
SCHEMA = Schema(
    roles={"label": "clicked", "request_id": "request", "time": "at"},
    fields={"request_id": "int", "user": "int", "item": "str", "place": "str"},
)
FEATURES: list[dict[str, object]] = [
    {"kind": "categorical", "fields": ["item", "place"], "min_count": 1},
    {"kind": "time"},
    {"kind": "request_size"},
    {"kind": "age", "key": "item", "relative": ["rank", "difference"]},
    {
        "kind": "counter", "key": "item", "windows": ["1h"], "half_lives": ["20m", "6h"],
        "values": ["impressions", "clicks", "rate"], "relative": ["rank", "difference"],
    },
    {"kind": "counter", "key": ["user", "place"], "half_lives": ["1h"]},
    {"kind": "sequence", "key": "user", "field": "item", "length": 4, "min_count": 1},
    {"kind": "match", "key": "user", "fields": ["item", "place"], "length": 3},
]  # fmt: skip


@cache
def plan() -> Plan:
    return make_plan(TypeAdapter(list[Feature]).validate_python(FEATURES), COUNTERS, SCHEMA, "UTC")


@dataclass(frozen=True)
class Impression:
    request: int
    time: int
    user: int
    item: str
    place: str
    label: int | None


Rows = list[Impression]


@cache
def log() -> tuple[Impression, ...]:
    """A log of one day, in which every item and user comes back again and again."""
    rng, rows = np.random.default_rng(3), []
    times = np.sort(rng.integers(24 * 60 * MINUTE, size=150)).tolist()
    for request, time in enumerate(times):
        user, place = int(rng.integers(8)), "xyz"[rng.integers(3)]
        for item in rng.permutation(list(ITEMS))[: rng.integers(1, 5)].tolist():
            label = (0, 0, 1, 1, None)[rng.integers(5)]
            rows.append(Impression(request, time, user, item, place, label))
    return tuple(rows)


def with_history(rows: Rows) -> pl.DataFrame:
    ordered = sorted(rows, key=lambda row: (row.time, row.request))
    columns = {
        "request_id": pl.Int64, "time": pl.Int64, "user": pl.Int64, "item": pl.String,
        "place": pl.String, "label": pl.Int8,
    }  # fmt: skip
    made = [(r.request, r.time, r.user, r.item, r.place, r.label) for r in ordered]
    frame = pl.DataFrame(made, schema=columns, orient="row").with_row_index("row")
    frame = frame.cast({"row": pl.Int64})
    with TemporaryDirectory() as folder:
        path = Path(folder) / "impressions.parquet"
        frame.write_parquet(path)
        stage = HistoryStage(Path(folder) / "history", path, COUNTERS)
        columns_of = stage.columns(plan().key_sets, plan().sequence_sets)
        return pl.concat([frame.lazy(), *columns_of], how="horizontal").collect()


@cache
def encoder() -> Encoder:
    """An encoder fitted once: it stays as it is, whatever happens to the log."""
    return fit_encoder(plan(), SCHEMA, unchanged())


@cache
def unchanged() -> pl.DataFrame:
    return with_history(list(log()))


def features_of(request: int, rows: Rows | None = None) -> Encoded:
    """Return what is encoded of a request; of the log as it is by default."""
    frame = unchanged() if rows is None else with_history(rows)
    return encode_frame(frame, encoder(), SCHEMA)[(frame["request_id"] == request).to_numpy()]


def same(one: Encoded, other: Encoded) -> bool:
    return all(
        len(a) == len(b) and np.allclose(a, b, rtol=1e-6, atol=1e-6)
        for a, b in zip(one.arrays().values(), other.arrays().values(), strict=True)
    )


def cut_off(request: int) -> int:
    """Return the moment before which events are known to a request."""
    time = next(row.time for row in log() if row.request == request)
    return (time // TICK - DELAY) * TICK


def other_than(draw: st.DrawFn, values: str, value: str) -> str:
    return draw(st.sampled_from([v for v in values if v != value]))


@st.composite
def edits(draw: st.DrawFn, request: int) -> Rows:
    """Return the log with events at or after a request's cut-off changed, added and removed."""
    after = [place for place, row in enumerate(log()) if row.time >= cut_off(request)]
    rows: list[Impression | None] = list(log())
    added: Rows = []
    for place in draw(st.lists(st.sampled_from(after), min_size=1, max_size=4, unique=True)):
        row = log()[place]
        own = row.request == request
        what = draw(st.sampled_from(["label"] if own else ["label", "fields", "add", "delete"]))
        if what == "label":
            label = draw(st.sampled_from([v for v in (0, 1, None) if v != row.label]))
            rows[place] = Impression(row.request, row.time, row.user, row.item, row.place, label)
        elif what == "fields":
            item = other_than(draw, ITEMS, row.item)
            where = draw(st.sampled_from("xyz"))
            user = draw(st.integers(0, 7))
            rows[place] = Impression(row.request, row.time, user, item, where, row.label)
        elif what == "add":
            # as early as it may come: at the very cut-off
            late = draw(st.sampled_from([0, 1, TICK - 1, TICK, row.time - cut_off(request)]))
            user = draw(st.integers(0, 7))
            added.append(Impression(900 + place, cut_off(request) + late, user, row.item, row.place,
                                    draw(st.sampled_from([0, 1]))))  # fmt: skip
        else:
            rows[place] = None
    return [row for row in rows if row is not None] + added


@settings(max_examples=60, deadline=None)
@given(data=st.data(), request=st.integers(0, 149))
def test_no_event_at_or_after_its_cut_off_changes_an_impression(
    data: st.DataObject, request: int
) -> None:
    edited = data.draw(edits(request))
    assert same(features_of(request, edited), features_of(request))


@settings(max_examples=30, deadline=None)
@given(data=st.data(), request=st.integers(30, 149), what=st.sampled_from(["label", "delete"]))
def test_an_event_before_its_cut_off_does_change_an_impression(
    data: st.DataObject, request: int, what: str
) -> None:
    own = {row.item for row in log() if row.request == request}
    known = [
        place
        for place, row in enumerate(log())
        if row.time < cut_off(request) and row.item in own and row.label is not None
    ]
    place = data.draw(st.sampled_from(known))
    rows = list(log())
    row = rows.pop(place)
    if what == "label":
        flipped = 1 - (row.label or 0)
        rows.append(Impression(row.request, row.time, row.user, row.item, row.place, flipped))
    assert not same(features_of(request, rows), features_of(request))


@pytest.mark.parametrize("early", [1, TICK])
def test_the_last_moment_before_the_cut_off_is_seen_and_the_cut_off_is_not(early: int) -> None:
    request = 100
    own = next(row for row in log() if row.request == request)
    plain = features_of(request)

    def with_event_at(time: int) -> Encoded:
        event = Impression(999, time, own.user, own.item, own.place, 1)
        return features_of(request, [*log(), event])

    assert same(with_event_at(cut_off(request)), plain)
    assert not same(with_event_at(cut_off(request) - early), plain)


# --- all labels at once


ROWS = 278_139


@dataclass(frozen=True)
class Shuffled:
    """The real log, its labels permuted over all rows."""

    dataset: Dataset
    folder: Path
    frame: pl.DataFrame
    counters: Counters
    plan: Plan

    def history(self, counters: Counters) -> dict[str, pl.Series]:
        """Return the history columns under some counting."""
        folder = self.folder / f"delay {counters.label_delay}"
        path, seeds = self.folder / IMPRESSIONS, self.dataset.path / HISTORY
        stage = HistoryStage(folder, path, counters, seeds=seeds)
        columns = stage.columns(self.plan.key_sets, self.plan.sequence_sets)
        made = pl.concat(columns, how="horizontal").collect()
        return {column.name: column for column in made}

    def auc(self, history: dict[str, pl.Series]) -> float:
        """Return the AUC over all rows, each predicted by trees that saw the other half."""
        frame = self.frame.with_columns(history.values())
        encoder = fit_encoder(self.plan, self.dataset.schema, frame, history=self.dataset.history())
        made = encode_frame(frame, encoder, self.dataset.schema)
        inputs = np.concatenate([made.ids, made.numeric, made.bag_ids], axis=1, dtype=np.float32)
        labels = frame["label"].to_numpy()
        halves = half_of_requests(frame["request_id"].to_numpy())
        predictions = np.empty(len(labels))
        for half in (False, True):
            told = lightgbm.Dataset(inputs[halves == half], labels[halves == half])
            model = lightgbm.train(TREES, told, 40)
            predictions[halves != half] = model.predict(inputs[halves != half])
        return auc(labels, predictions)


TREES = {
    "objective": "binary", "verbosity": -1, "seed": 7, "deterministic": True,
    "force_row_wise": True, "num_leaves": 31, "max_bin": 63, "num_threads": 2,
}  # fmt: skip


def half_of_requests(requests: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Divide requests at random; return the half that each row is in."""
    unique, place = np.unique(requests, return_inverse=True)
    half: NDArray[np.bool_] = np.random.default_rng(5).random(len(unique)) < 0.5
    return half[place]


@pytest.fixture(scope="module")
def shuffled(ebnerd: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shuffled]:
    folder = tmp_path_factory.mktemp("shuffled")
    config = load_config("ebnerd", data=ebnerd)
    data = config.data.model_copy(update={"cache": folder / "cache"})
    dataset = open_dataset(data)
    frame = dataset.impressions().collect()
    labels = np.random.default_rng(11).permutation(frame["label"].to_numpy())
    frame = frame.with_columns(label=labels)
    frame.write_parquet(folder / IMPRESSIONS)
    more: list[dict[str, object]] = [
        {"kind": "counter", "key": "item", "all_time": False, "windows": ["1h"]},
        {"kind": "sequence", "key": "user", "field": "item", "length": 5},
        {"kind": "match", "key": "user", "fields": ["item"], "length": 50},
    ]
    declared = [*config.features, *TypeAdapter(list[Feature]).validate_python(more)]
    plan = make_plan(declared, config.counters, dataset.schema, data.timezone)
    yield Shuffled(dataset, folder, frame, config.counters, plan)


def leaking(counters: Counters) -> Counters:
    """Return counters with a leak: a label delay of minus one tick, so that own events are seen."""
    return counters.model_copy(update={"label_delay": -counters.tick})


@pytest.mark.slow
def test_shuffled_labels_of_the_real_log_cannot_be_predicted(shuffled: Shuffled) -> None:
    """Shuffled labels depend on nothing, so an AUC beside 0.5 means that features hold labels.

    Every row is predicted once, by trees grown on the other half of the requests, drawn at random:
    both halves cover the whole week, so an own label that got into a row's counters would mean the
    same in both, and the trees would find it. A split by time would serve as well, but evaluate
    fewer rows; with all of them the AUC of pure chance strays by 0.002.
    """
    assert shuffled.frame.height == ROWS
    found = shuffled.auc(shuffled.history(shuffled.counters))
    assert found == pytest.approx(0.5, abs=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("names", [("item:clicks@30m",), ("item:clicks[1h]", "user+item:clicks")])
def test_a_leak_of_one_tick_in_some_columns_would_be_found(
    shuffled: Shuffled, names: tuple[str, ...]
) -> None:
    honest, leaky = (
        shuffled.history(shuffled.counters),
        shuffled.history(leaking(shuffled.counters)),
    )
    planted = honest | {name: leaky[name] for name in names}
    assert shuffled.auc(planted) > 0.53
